"""Whatever makes the answer, and by whichever version of HTTP it was asked
for: the same protection, and the same identity behind it."""
import json
import socket
import subprocess

import pytest
from support import client, conf, h2, peers, scgi, site, websocket
from support.server import MPM

MODULES = ("proxy proxy_http proxy_scgi proxy_balancer proxy_wstunnel "
           "slotmem_shm lbmethod_byrequests rewrite include status dav dav_fs "
           "asis ssl socache_shmcb http2 proxy_http2").split() + \
    ["cgi" if MPM == "prefork" else "cgid"]
RIGHTS = ["ApiPassClaim sub header X-User",
          "ApiPassClaim roles env ROLES"]
CONF = """
Alias /cgi ${root}/cgi
<Directory ${root}/cgi>
    Options +ExecCGI
    SetHandler cgi-script
</Directory>
<Directory ${root}/htdocs/ssi>
    Options +Includes
    SetOutputFilter INCLUDES
</Directory>
<Directory ${root}/htdocs/asis>
    SetHandler send-as-is
</Directory>
DavLockDB ${root}/run/dav
<Location /dav>
    Dav On
</Location>
<Location /status>
    SetHandler server-status
</Location>
<Location /handler>
    SetHandler "proxy:http://127.0.0.1:${backend}/handler"
</Location>
<Proxy balancer://all>
    BalancerMember http://127.0.0.1:${backend}
</Proxy>
ProxyPass /proxy http://127.0.0.1:${backend}/proxy
ProxyPass /balancer balancer://all/balancer
ProxyPass /scgi scgi://127.0.0.1:${scgi}/
ProxyPass /ws ws://127.0.0.1:${ws}/ws
ProxyPass /upgrade http://127.0.0.1:${ws}/upgrade upgrade=websocket
RewriteEngine On
RewriteRule ^/rewrite http://127.0.0.1:${backend}/rewrite [P]
"""
PATHS = {  # what makes the answer, and a piece of it
    "/static/a.txt": "static", "/cgi/env": "SUBJECT=alice", "/ssi/a.html":
    "ssi alice", "/asis/a.asis": "as it is", "/dav/a.txt": "dav",
    "/status/?auto": "Scoreboard", "/handler/": '"path": "/handler',
    "/proxy": '"path": "/proxy', "/balancer": '"path": "/balancer',
    "/scgi": '"OAUTH2_SUBJECT": "alice"', "/rewrite": '"path": "/rewrite',
}
FILES = {
    "htdocs/static/a.txt": "static", "htdocs/dav/a.txt": "dav",
    "htdocs/ssi/a.html": "ssi <!--#echo var='REMOTE_USER' -->",
    "htdocs/asis/a.asis": "Content-Type: text/plain\n\nas it is",
    "cgi/env": "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n"
               "echo \"SUBJECT=$OAUTH2_SUBJECT USER=$REMOTE_USER "
               "HEADER=$HTTP_X_USER ROLES=$ROLES AUTH=$HTTP_AUTHORIZATION\"\n",
}


@pytest.fixture(scope="module")
def servers(module_httpd, jwks):
    backends = {"backend": peers.start(peers.Echo), "scgi": scgi.start(),
                "ws": websocket.start()}
    text = "".join(f"Define {name} {b.port}\n" for name, b in backends.items())
    text += CONF + "".join(
        conf.location("/" + path.split("/")[1], *RIGHTS,
                      require="oauth2-scope write")
        for path in [*PATHS, "/ws", "/upgrade"])
    if MPM != "prefork":
        text += "Protocols h2 h2c http/1.1\n"
    server = module_httpd(main=conf.issuer(), modules=MODULES, start=False,
                          files={"keys/corp.json": jwks, **FILES})
    (server.root / "cgi/env").chmod(0o755)
    server.expect("AH01873|AH10034")
    yield server.start(text), backends
    for backend in backends.values():
        backend.shutdown()


def people(key):
    return [site.token_of(who, key) for who in
            ("nobody", "mallory", "bob", "alice")]


@pytest.mark.parametrize("path", PATHS)
def test_http1(servers, key, path):
    server, _ = servers
    got = [client.request(server.port, path, token) for token in people(key)]
    assert [a.status for a in got] == [401, 401, 403, 200]
    assert PATHS[path] in got[3].body.decode()
    for answer in got[:3]:
        assert PATHS[path] not in answer.body.decode()
        assert answer.get("Content-Type") == "application/problem+json"
        assert len(answer.all("WWW-Authenticate")) == 1
    assert got[3].all("WWW-Authenticate") == []


def h2_all(url, key, path, how="--http2-prior-knowledge"):
    got = [h2.request(url + path, *([("Authorization", f"Bearer {token}")]
                                    if token else []), how=how)
           for token in people(key)]
    return [answer for answer, _ in got], [version for _, version in got]


@pytest.mark.skipif(MPM == "prefork", reason="mod_http2 leaves prefork alone")
@pytest.mark.parametrize("path", ["/static/a.txt", "/cgi/env", "/proxy",
                                  "/scgi", "/ssi/a.html"])
def test_http2(servers, key, path):
    server, _ = servers
    got, versions = h2_all(f"http://127.0.0.1:{server.port}", key, path)
    assert versions == ["2"] * 4
    assert [a.status for a in got] == [401, 401, 403, 200]
    assert PATHS[path] in got[3].body.decode()
    for answer in got[:3]:
        assert len(answer.all("WWW-Authenticate")) == 1
        assert answer.get("Content-Type") == "application/problem+json"


@pytest.mark.skipif(MPM == "prefork", reason="mod_http2 leaves prefork alone")
def test_http2_upgrade(servers, key):
    """httpd switches after the first request was let in, and asks again."""
    server, _ = servers
    got, versions = h2_all(f"http://127.0.0.1:{server.port}", key, "/proxy",
                           "--http2")
    assert [a.status for a in got] == [401, 401, 403, 200]
    assert versions == ["1.1"] * 3 + ["2"]


@pytest.mark.skipif(MPM == "prefork", reason="mod_http2 leaves prefork alone")
def test_http2_credentials(servers, key):
    """Two credentials are two credentials in HTTP/2 as well."""
    server, _ = servers
    url = f"http://127.0.0.1:{server.port}/proxy"
    good = f"Bearer {site.token_of('alice', key)}"
    for headers, status in [
            ([("authorization", good)], 200), ([("AUTHORIZATION", good)], 200),
            ([("authorization", good), ("authorization", good)], 400),
            ([("authorization", good), ("Authorization", "Basic eDp5")], 400),
            ([("authorization", f"{good}, {good}")], 400), ([], 401)]:
        assert h2.request(url, *headers)[0].status == status


@pytest.mark.skipif(MPM == "prefork", reason="mod_http2 leaves prefork alone")
def test_http2_identity(servers, key):
    server, _ = servers
    answer, _ = h2.request(
        f"http://127.0.0.1:{server.port}/proxy",
        ("Authorization", f"Bearer {site.token_of('alice', key)}"),
        ("x-user", "root"), ("x_user", "root"))
    seen = [(k.lower(), v) for k, v in json.loads(answer.body)["headers"]]
    assert [v for k, v in seen if k in ("x-user", "x_user")] == ["alice"]
    assert "authorization" not in dict(seen)


@pytest.mark.skipif(MPM == "prefork", reason="mod_http2 leaves prefork alone")
def test_http2_over_tls(httpd, key, jwks, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=server.example", "-keyout",
                    tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
                   check=True, capture_output=True, timeout=60)
    server = httpd(conf.location("/") + f"""
SSLEngine On
SSLCertificateFile {tmp_path}/cert.pem
SSLCertificateKeyFile {tmp_path}/key.pem
Protocols h2 http/1.1
""", ["ssl", "socache_shmcb", "http2"], conf.issuer(),
        {"keys/corp.json": jwks, "htdocs/a.txt": "a"})
    server.expect("AH01873|AH01909|AH01906|AH02532|AH00094")
    got, versions = h2_all(f"https://127.0.0.1:{server.port}", key, "/a.txt",
                           "--http2")
    assert versions == ["2"] * 4
    assert [a.status for a in got] == [401, 401, 200, 200]


def test_identity_for_applications(servers, key):
    server, _ = servers
    token = site.token_of("alice", key)
    forged = [("X-User", "root"), ("Roles", "root"), ("X_USER", "root")]
    answer = client.request(server.port, "/cgi/env", token, forged)
    assert answer.body.decode().strip() == \
        "SUBJECT=alice USER=alice HEADER=alice ROLES=dev,admin AUTH="
    answer = client.request(server.port, "/scgi", token, forged)
    seen = json.loads(answer.body)
    assert {k: seen.get(k) for k in (
        "REMOTE_USER", "AUTH_TYPE", "OAUTH2_SUBJECT", "OAUTH2_CLIENT",
        "OAUTH2_SCOPE", "OAUTH2_ISSUER", "HTTP_X_USER", "ROLES",
        "HTTP_AUTHORIZATION")} == {
        "REMOTE_USER": "alice", "AUTH_TYPE": "Bearer",
        "OAUTH2_SUBJECT": "alice", "OAUTH2_CLIENT": "app",
        "OAUTH2_SCOPE": "read write", "OAUTH2_ISSUER": "corp",
        "HTTP_X_USER": "alice", "ROLES": "dev,admin",
        "HTTP_AUTHORIZATION": None}


def test_dav_writes(servers, key):
    server, _ = servers
    target = server.root / "htdocs/dav/new.txt"
    (server.root / "htdocs/dav").chmod(0o777)
    got = []
    for token in people(key):
        got.append(client.request(server.port, "/dav/new.txt", token,
                                  method="PUT", body="written").status)
        assert target.exists() == (got[-1] == 201)
    assert got == [401, 401, 403, 201]


def upgrade(port, path, token):
    """The status line, and what is heard through the tunnel."""
    lines = [f"GET {path} HTTP/1.1", "Host: server.example",
             "Connection: Upgrade", "Upgrade: websocket", "X-User: root",
             "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        file = s.makefile("rb")
        status = int(file.readline().split()[1])
        while file.readline().strip():
            pass
        if status != 101:
            return status, None
        s.sendall(b"hello\n")
        return status, file.readline()


@pytest.mark.parametrize("path", ["/ws", "/upgrade"])
def test_websocket(servers, key, path):
    server, backends = servers
    heads = backends["ws"].heads
    heads.clear()
    got = [upgrade(server.port, path, token) for token in people(key)]
    assert got == [(401, None), (401, None), (403, None),
                   (101, b"heard hello\n")]
    [head] = heads
    fields = [line.lower() for line in head]
    assert "x-user: alice" in fields and "x-user: root" not in fields
    assert not any(line.startswith("authorization") for line in fields)
