"""Several virtual hosts: whose issuer objects and keys count where."""
import json

import pytest
from support import client, conf, peers, tokens

URL_A, URL_B = "https://a.example", "https://b.example"
FILES = {f"htdocs/{name}/a.txt": name for name in
         ("p", "a", "b", "ab", "ba", "unset")}


@pytest.fixture(scope="module")
def keys():
    return {name: tokens.new_key(kid=kid) for name, kid in
            [("one", "k"), ("two", "k"), ("three", "k3")]}


def vhost(name, *lines):
    return conf.section("VirtualHost", "*:${port}", [
        f"ServerName {name}.example", "DocumentRoot ${root}/htdocs", *lines])


def start(httpd, keys, text, main="", modules=()):
    return httpd(text, modules, main, {
        **FILES, **{f"keys/{name}.json": tokens.key_set(key)
                    for name, key in keys.items()}})


def get(server, host, path, token=None, **more):
    return client.request(server.port, path, token,
                          headers=[("Host", f"{host}.example")], **more)


def status(server, host, path, token=None):
    return get(server, host, path, token).status


def token(key, url=URL_A):
    return tokens.sign(tokens.claims(iss=url), key)


def issuer(name, url, key):
    return conf.issuer(name=name, url=url, keys=f"ApiJWKS file:keys/{key}.json")


def test_two_issuers_one_host(httpd, keys):
    """A token of A is never accepted where B is, whatever was asked first."""
    server = start(httpd, keys, "".join(
        conf.location(f"/{path}", f"ApiAccept {names}") for path, names in
        [("a", "A"), ("b", "B"), ("ab", "A B"), ("ba", "B A")]),
        issuer("A", URL_A, "one") + issuer("B", URL_B, "two"))
    a, b = token(keys["one"], URL_A), token(keys["two"], URL_B)
    liar = token(keys["one"], URL_B)
    for _ in range(2):  # the second time with whatever was kept
        for path, wanted in [("a", (200, 401)), ("b", (401, 200)),
                             ("ab", (200, 200)), ("ba", (200, 200))]:
            got = [status(server, "main", f"/{path}/a.txt", t)
                   for t in (a, b, liar)]
            assert got == [*wanted, 401], path


def test_one_url_two_objects(httpd, keys):
    """A token goes to the first object in ApiAccept's order, and to it
    alone."""
    server = start(httpd, keys, "".join(
        conf.location(f"/{path}", f"ApiAccept {names}") for path, names in
        [("a", "A"), ("b", "B"), ("ab", "A B"), ("ba", "B A")]),
        issuer("A", URL_A, "one") + issuer("B", URL_A, "three"))
    for name, wanted in [("one", dict(a=200, b=401, ab=200, ba=401)),
                         ("three", dict(a=401, b=200, ab=401, ba=200))]:
        got = {path: status(server, "main", f"/{path}/a.txt",
                            token(keys[name])) for path in wanted}
        assert got == wanted


def test_shared_and_replaced(httpd, keys):
    """Objects of the main server are seen in every host; one of the same
    name replaces them in its own."""
    server = start(
        httpd, keys,
        vhost("shares", conf.location("/p")) +
        vhost("replaces", issuer("corp", URL_B, "two"), conf.location("/p")) +
        vhost("rekeys", issuer("corp", URL_A, "three"), conf.location("/p")) +
        vhost("adds", issuer("more", URL_B, "two"),
              conf.location("/p", "ApiAccept corp"),
              conf.location("/b", "ApiAccept more"),
              conf.location("/unset")),
        issuer("corp", URL_A, "one"))
    server.expect("AO2-050 misconfigured: ApiAccept is not set here")
    main, other = token(keys["one"]), token(keys["two"], URL_B)
    rekeyed = token(keys["three"])
    for _ in range(2):
        for host, path, wanted in [
                ("shares", "p", (200, 401, 401)),
                ("replaces", "p", (401, 200, 401)),
                ("rekeys", "p", (401, 401, 200)),
                ("adds", "p", (200, 401, 401)),
                ("adds", "b", (401, 200, 401)),
                ("adds", "unset", (500, 500, 500))]:
            got = [status(server, host, f"/{path}/a.txt", t)
                   for t in (main, other, rekeyed)]
            assert got == list(wanted), (host, path)


def test_same_name_in_hosts(httpd, keys):
    """Two hosts each with a "corp" of their own, none in the main server."""
    server = start(
        httpd, keys,
        vhost("one", issuer("corp", URL_A, "one"),
              conf.location("/p", "ApiAccept corp")) +
        vhost("two", issuer("corp", URL_A, "two"),
              conf.location("/p", "ApiAccept corp")))
    for name, wanted in [("one", (200, 401)), ("two", (401, 200))]:
        got = [status(server, name, "/p/a.txt", token(keys[k]))
               for k in ("one", "two")]
        assert got == list(wanted)


def test_issuer_of_another_host(httpd, keys):
    """A name of one host says nothing in another."""
    text = (vhost("one", issuer("corp", URL_A, "one"), conf.location("/p")) +
            vhost("two", conf.location("/p", "ApiAccept corp")))
    server = start(httpd, keys, vhost("one"))
    code, said = server.configtest(text)
    assert code != 0
    assert 'ApiAccept: "corp"' in said
    # Where it is not named, the host that has no issuer refuses by itself.
    server = start(httpd, keys, text.replace("ApiAccept corp", ""))
    server.expect("AO2-050 misconfigured: there are 0 <ApiIssuer> objects")
    server.expect("there is not exactly one <ApiIssuer>")
    good = token(keys["one"])
    assert status(server, "one", "/p/a.txt", good) == 200
    assert status(server, "two", "/p/a.txt", good) == 500
    assert status(server, "one", "/p/a.txt", good) == 200


@pytest.mark.parametrize("line,wanted", [
    (b"GET /p/a.txt HTTP/1.1\r\nHost: one.example\r\n", 200),
    (b"GET /p/a.txt HTTP/1.1\r\nHost: ONE.example.\r\n", 200),
    (b"GET /p/a.txt HTTP/1.1\r\nHost: one.example:80\r\n", 200),
    (b"GET /p/a.txt HTTP/1.1\r\nHost: two.example\r\n", 401),
    # The name in the request line wins over Host (RFC 9112 section 3.2.2).
    (b"GET http://two.example/p/a.txt HTTP/1.1\r\nHost: one.example\r\n",
     401),
    (b"GET http://one.example/p/a.txt HTTP/1.1\r\nHost: two.example\r\n",
     200),
    # An unknown name is the first host's, which protects too.
    (b"GET /p/a.txt HTTP/1.1\r\nHost: three.example\r\n", 401),
    (b"GET /p/a.txt HTTP/1.1\r\n", 400),
    (b"GET /p/a.txt HTTP/1.1\r\nHost: one.example\r\nHost: two.example\r\n",
     400),
    (b"GET /p/a.txt HTTP/1.1\r\nHost: one.example two.example\r\n", 400),
    (b"GET /p/a.txt HTTP/1.1\r\nHost: one.example/../x\r\n", 400),
    (b"GET /p/a.txt HTTP/1.0\r\n", 401),
])
def test_which_host(hosts, keys, line, wanted):
    head = f"Authorization: Bearer {token(keys['one'])}\r\n".encode()
    for credential, expected in ((head, wanted),
                                 (b"", 400 if wanted == 400 else 401)):
        data = line + credential + b"Connection: close\r\n\r\n"
        answer = client.parse(client.send(hosts.port, data))
        assert answer.status == expected


@pytest.fixture(scope="module")
def hosts(module_httpd, keys):
    return start(
        module_httpd, keys,
        vhost("first", issuer("corp", URL_A, "two"), conf.location("/p")) +
        vhost("one", issuer("corp", URL_A, "one"), conf.location("/p")) +
        vhost("two", issuer("corp", URL_A, "two"), conf.location("/p")))


def test_identity_headers_of_each_host(httpd, keys):
    """What is scrubbed: the main server's names everywhere, a host's own in
    it alone, on protected and on public paths."""
    backend = peers.start(peers.Echo)
    proxy = f"ProxyPass / http://127.0.0.1:{backend.port}/"
    server = start(
        httpd, keys,
        vhost("one", proxy, conf.location(
            "/p", "ApiPassClaim client_id header X-Client")) +
        vhost("two", proxy, conf.location("/p")),
        issuer("corp", URL_A, "one") +
        "<Location /nowhere>\nApiPassClaim sub header X-User\n</Location>\n",
        ["proxy", "proxy_http"])
    forged = [("X-User", "root"), ("X_User", "root"), ("x-client", "root"),
              ("X.Client", "root"), ("X-Other", "root")]
    for host, path, wanted in [
            ("one", "/public", ["X-Other"]),
            ("one", "/p", ["X-Client", "X-Other"]),
            ("two", "/public", ["X-Client", "X-Other", "X.Client"]),
            ("two", "/p", ["X-Client", "X-Other", "X.Client"])]:
        answer = client.request(
            server.port, path, token(keys["one"]),
            headers=[("Host", f"{host}.example"), *forged])
        assert answer.status == 200
        seen = [(k, v) for k, v in json.loads(answer.body)["headers"]
                if k[:2].lower() == "x-" or k[:2] in ("X_", "X.")]
        names = sorted(k.title() if k != "X.Client" else k
                       for k, v in seen if not k.startswith("X-Forwarded"))
        assert names == wanted, (host, path)
        if "/p" == path and host == "one":
            assert ("X-Client", "app") in seen
    backend.shutdown()
