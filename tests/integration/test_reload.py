"""A new configuration under a running server: as httpd's own control does
it, a broken one never takes the place of the one that works."""
import subprocess
import time

import pytest
from support import client, conf, site, wait
from support.server import HTTPD

GOOD = conf.location("/x")
BROKEN = {  # what the operator got wrong; what is said
    "a value": (conf.location("/x", "ApiErrorBody html"), "ApiErrorBody"),
    "a name": (conf.location("/x", "ApiAccept nobody"), "ApiAccept"),
    "a rule": (conf.location("/x", require="oauth2-token person"),
               "oauth2-token"),
    "a section": (GOOD + "<ApiIssuer other>\n</ApiIssuer>\n",
                  "<ApiIssuer other>"),
    "a second one": (GOOD + conf.issuer(), "stands here twice"),
    "a secret": (GOOD + conf.issuer(name="b", keys="ApiSharedSecret short"),
                 "ApiSharedSecret"),
    "a key file": (GOOD + conf.issuer(name="b"), "keys/b.json"),
}


def control(server, text, *words):
    """What "apachectl graceful" does."""
    server._config(text)
    done = subprocess.run([HTTPD, "-f", server.root / "httpd.conf", *words],
                          capture_output=True, text=True, timeout=60,
                          env=server._env())
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def server(httpd, jwks):
    return httpd(GOOD, (), conf.issuer(), {"keys/corp.json": jwks,
                                           "htdocs/x/a.txt": "a"})


def works(server, key):
    return [client.request(server.port, "/x/a.txt", site.token_of(
        who, key)).status for who in ("nobody", "mallory", "alice")] == \
        [401, 401, 200]


@pytest.mark.parametrize("what", BROKEN)
def test_broken_keeps_the_old(server, key, what):
    text, word = BROKEN[what]
    assert works(server, key)
    children = server.children()
    code, said = control(server, text, "-k", "graceful")
    assert code != 0 and word in said
    assert server.process.poll() is None
    assert works(server, key)
    assert set(children) <= set(server.children())
    assert "Graceful restart requested" not in server.log()


def test_good_takes_over(server, key):
    """The twin, and the way back from a broken one."""
    code, _ = control(server, conf.location("/x", "ApiErrorBody html"),
                      "-k", "graceful")
    assert code != 0
    code, said = control(server, conf.location("/x", "ApiErrorBody message"),
                         "-k", "graceful")
    assert code == 0, said
    wait.until(lambda: b"http_status_code" in client.request(
        server.port, "/x/a.txt").body)
    assert works(server, key)


def test_nothing_to_go_on_with(httpd):
    """httpd itself ends by a configuration without modules, told to take it
    unseen; what outlives configurations does not make it crash."""
    server = httpd("ApiCache shmcb\n" + GOOD, (), conf.issuer(
        keys="ApiJWKS http://127.0.0.1:1/"))
    wait.until(lambda: "resuming normal operations" in server.log())
    server.write("httpd.conf", "")
    server.graceful()
    server.serving = False
    assert server.process.wait(20) == 1


def test_key_file_breaks_later(server, key, jwks):
    """Under the running server a broken file changes nothing; a restart is
    refused until it is whole again."""
    server.expect("corp.json")
    assert works(server, key)
    server.write("keys/corp.json", "{")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert works(server, key)
        time.sleep(0.2)
    code, said = control(server, GOOD, "-k", "graceful")
    assert code != 0 and "corp.json" in said
    assert works(server, key)
    server.write("keys/corp.json", jwks)
    code, said = control(server, GOOD, "-k", "graceful")
    assert code == 0, said
    wait.until(lambda: "resuming normal operations" in
               server.log().split("Graceful restart requested")[-1])
    assert works(server, key)


def test_settings_change(server, key):
    """A restart takes what it finds: another issuer URL ends the tokens of
    the one before, in every process."""
    code, said = control(server, GOOD, "-k", "graceful")
    assert code == 0, said
    server.base = server.base.replace("https://issuer.example",
                                      "https://other.example")
    code, said = control(server, GOOD, "-k", "graceful")
    assert code == 0, said
    token = site.token_of("alice", key)
    wait.until(lambda: client.request(server.port, "/x/a.txt",
                                      token).status == 401)
    other = site.token_of("alice", key, iss="https://other.example")
    assert client.request(server.port, "/x/a.txt", other).status == 200
    for _ in range(20):
        assert client.request(server.port, "/x/a.txt", token).status == 401
