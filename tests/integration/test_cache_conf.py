"""ApiCache and ApiCacheSecret: what configtest says, and what starts."""
import os
import re

import pytest
from support import certificates, client, conf, tokens, wait
from support.server import MODULES

SECRET = "ApiCacheSecret 0123456789abcdef"
SOCACHES = "socache_dbm socache_memcache".split()
#: A private key that is no use without its passphrase.
LOCKED = tokens.new_key().export_to_pem(True, b"passphrase").decode()


def configtest(httpd, text, modules=SOCACHES):
    own, other = (tokens.new_key().export_to_pem(True, None)
                  for _ in range(2))
    certificate = certificates.self_signed(own)
    server = httpd(modules=modules, start=False, files={
        "keys/ca.pem": certificate,
        "keys/own.pem": own.decode() + certificate,
        "keys/other.pem": other.decode(), "keys/locked.pem": LOCKED,
        "keys/broken.pem": "-----BEGIN CERTIFICATE-----\n"})
    return server.configtest(text)


GOOD = [
    "ApiCache shmcb:run/8M", "ApiCache SHMCB:(512000)",
    "",
    "ApiCache none",
    "ApiCache shmcb",
    "ApiCache shmcb:(64K)",
    "ApiCache shmcb:run/cache(1M)",
    "ApiCache shmcb:run/cache",
    "ApiCache dbm\n" + SECRET,
    "ApiCache dbm:run/cache\n" + SECRET,
    SECRET + "\nApiCache memcache:127.0.0.1:11211",
    SECRET,
    SECRET + "\nApiCache redis:127.0.0.1:6379",
    SECRET + "\nApiCache redis:127.0.0.1:6379 redis:[::1]:6380 "
    "cache-2.example:6381 user=gateway password=env:HOME db=65535 tls=on "
    "ca=keys/ca.pem cert=keys/own.pem key=keys/own.pem timeout=10s",
    SECRET + "\nApiCache redis:cache_1:1 tls=off timeout=1ms db=0",
    # inherited, and replaced
    SECRET + "\n<VirtualHost *:1>\nApiCache memcache:127.0.0.1\n"
    "</VirtualHost>",
    "ApiCache none\n<VirtualHost *:1>\nApiCache shmcb:(2M)\n</VirtualHost>",
]


@pytest.mark.parametrize("text", GOOD)
def test_loads(httpd, text):
    code, said = configtest(httpd, text)
    assert code == 0 and "Syntax OK" in said, said
    assert ("hangs holds up" in said) == ("memcache" in text)
    assert "without ApiCacheSecret" not in said


BAD = [  # text, what the message holds
    ("ApiCache", "ApiCache takes none, shmcb"),
    ("ApiCache nome", '"nome" is not allowed here'),
    ("ApiCache :x", '":x" is not allowed here: none, shmcb'),
    ("ApiCache none none", 'ApiCache: "none" is not allowed here'),
    ("ApiCache shmcb dbm", 'ApiCache: "dbm" is not allowed here'),
    ("ApiCache shmcb:(63K)", "a SIZE of 64K or more"),
    ("ApiCache shmcb:(64K", "shmcb:PATH(SIZE)"),
    ("ApiCache shmcb:64K)", "shmcb:PATH(SIZE)"),
    ("ApiCache shmcb:(many)", "shmcb:PATH(SIZE)"),
    ("ApiCache shmcb:()", "shmcb:PATH(SIZE)"),
    ("ApiCache shmcb:8M", "a SIZE stands in parentheses: shmcb:(8M)"),
    ("ApiCache SHMCB:512000", "in parentheses: shmcb:(512000)"),
    ("ApiCache shmcb:(4G)", "shmcb: Invalid argument: size has to be <"),
    ("ApiCache memcache\n" + SECRET, "memcache: List of server names"),
    ("ApiCache memcache:127.0.0.1", "memcache needs ApiCacheSecret"),
    ("<VirtualHost *:1>\n" + SECRET + "\n</VirtualHost>\n"
     "ApiCache memcache:127.0.0.1", "memcache needs ApiCacheSecret"),
    ("ApiCache redis:127.0.0.1:6379", "redis needs ApiCacheSecret"),
    *[(f"{SECRET}\nApiCache {words}", wanted) for words, wanted in [
        ("redis", '"redis" is not allowed here: redis:HOST:PORT'),
        ("redis:", '"redis:" is not allowed here'),
        ("redis:6379", '"redis:6379" is not allowed here'),
        ("redis:host", '"redis:host" is not allowed here'),
        ("redis:host:0", '"redis:host:0" is not allowed here'),
        ("redis:host:65536", '"redis:host:65536" is not allowed here'),
        ("redis:ho/st:1", '"redis:ho/st:1" is not allowed here'),
        ("redis:host:1 host", '"host" is not allowed here'),
        (" ".join(["redis:host:1"] * 17), "up to 16 times"),
        ("redis:host:1 db=65536", '"db=65536" is not allowed here'),
        ("redis:host:1 db=-1", '"db=-1" is not allowed here'),
        ("redis:host:1 db=", '"db=" is not allowed here'),
        ("redis:host:1 db=1x", '"db=1x" is not allowed here'),
        ("redis:host:1 timeout=0ms", '"timeout=0ms" is not allowed here'),
        ("redis:host:1 timeout=11s", '"timeout=11s" is not allowed here'),
        ("redis:host:1 tls=yes", '"tls=yes" is not allowed here'),
        ("redis:host:1 user=a", "password= where it takes user="),
        ("redis:host:1 user= password=b", '"user=" is not allowed here'),
        ("redis:host:1 password=env:NOT_SET", "password=: the environment"),
        ("redis:host:1 ca=keys/ca.pem", "tls=on where it takes ca="),
        ("redis:host:1 cert=keys/own.pem key=keys/own.pem",
         "tls=on where it takes ca= or cert="),
        ("redis:host:1 tls=on cert=keys/own.pem", "cert= and key= together"),
        ("redis:host:1 tls=on key=keys/own.pem", "cert= and key= together"),
        ("redis:host:1 tls=on cert=keys/own.pem key=keys/ca.pem",
         "or no key for it in"),
        ("redis:host:1 tls=on cert=keys/none.pem key=keys/own.pem",
         "no certificate in"),
        ("redis:host:1 tls=on cert=keys/own.pem key=keys/other.pem",
         "or no key for it in"),
        ("redis:host:1 tls=on cert=keys/own.pem key=keys/locked.pem",
         "or no key for it in"),
        ("redis:host:1 tls=on cert= key=keys/own.pem",
         "is not allowed here"),
        ("redis:host:1 tls=on ca=keys/none.pem", "no CA certificates in"),
        ("redis:host:1 tls=on ca=keys/broken.pem", "no CA certificates in"),
        ("redis:host:1 passwrd=of-sorts", '"passwrd=..." is not allowed'),
        ("redis://:of-sorts@host:1", '"..." is not allowed here'),
    ]],
    ("ApiCacheSecret", "ApiCacheSecret takes file:PATH"),
    ("ApiCacheSecret a b", "ApiCacheSecret takes file:PATH"),
    ("ApiCacheSecret 0123456789abcde", "has 15 bytes: at least 16"),
    ("ApiCacheSecret env:NOT_SET", "NOT_SET is not set"),
    ("ApiCacheSecret file:keys/none", "ApiCacheSecret: "),
    ("<Location />\nApiCache none\n</Location>", "ApiCache not allowed"),
    ("<ApiIssuer x>\nApiCache none\n</ApiIssuer>",
     "ApiCache is not allowed inside <ApiIssuer>"),
    ("<ApiIssuer x>\n" + SECRET + "\n</ApiIssuer>",
     "ApiCacheSecret is not allowed inside <ApiIssuer>"),
]


@pytest.mark.parametrize("text,wanted", BAD)
def test_is_refused(httpd, text, wanted):
    code, said = configtest(httpd, text)
    assert code != 0 and wanted in said, said
    assert re.search(r"httpd\.conf:\d+|on line \d+", said)
    assert SECRET.split()[1] not in said and "of-sorts" not in said


def test_a_provider_that_is_not_loaded(httpd):
    text = "ApiCache dbm\n" + SECRET
    code, said = configtest(httpd, text, ())
    assert code != 0 and "module is loaded (mod_socache_dbm)" in said
    assert configtest(httpd, text)[0] == 0


def test_without_a_secret_a_file_tells(httpd):
    code, said = configtest(httpd, "ApiCache dbm")
    assert code == 0 and "ApiCache dbm without ApiCacheSecret" in said
    assert "without" not in configtest(httpd, "ApiCache dbm\n" + SECRET)[1]


STARTED = "resuming normal operations"
SITE = conf.location("/")


@pytest.mark.parametrize("text", [
    "", "ApiCache none", "ApiCache shmcb:(64K)", "ApiCache dbm\n" + SECRET,
    SECRET], ids=["default", "none", "small", "dbm", "secret"])
def test_serves_and_restarts(httpd, key, jwks, text):
    server = httpd(conf.issuer() + SITE + text, modules=SOCACHES,
                   files={"keys/corp.json": jwks,
                          "htdocs/index.html": "pizza"})
    token = tokens.sign(tokens.claims(), key)
    for _ in range(3):
        assert client.request(server.port, "/", token).status == 200
        assert client.request(server.port, "/").status == 401
        before = server.log().count(STARTED)
        server.graceful()
        wait.until(lambda: server.log().count(STARTED) > before)
    assert client.request(server.port, "/", token).status == 200


def test_default_without_its_module(httpd, key, jwks):
    server = httpd(modules=(), start=False,
                   files={"keys/corp.json": jwks,
                          "htdocs/index.html": "pizza"})
    server.base = re.sub("(?m)^LoadModule socache_shmcb.*$", "", server.base)
    warning = "mod_socache_shmcb is not loaded"
    assert warning not in server.configtest("")[1]
    assert warning not in server.configtest(conf.issuer() + SITE +
                                            "ApiCache none")[1]
    code, said = server.configtest(conf.issuer() + SITE)
    assert code == 0 and said.count(warning) == 1
    server.expect(warning)
    server.start(conf.issuer() + SITE)
    token = tokens.sign(tokens.claims(), key)
    assert client.request(server.port, "/", token).status == 200
    assert server.log().count(warning) == 1


def test_modules_are_there():
    """What is skipped where a module is missing would go unseen."""
    assert all(os.path.exists(MODULES / f"mod_{name}.so")
               for name in SOCACHES + ["socache_shmcb"])
