"""The upstream's token on what mod_proxy sends: by every way to a backend,
instead of whatever the caller sent, and to no other place."""
import base64
import hashlib
import socketserver
import threading

import pytest
from support import client, conf, guarded, site
from support.server import MPM

MODULES = ("proxy proxy_http proxy_balancer slotmem_shm lbmethod_byrequests "
           "rewrite auth_basic authn_file").split()
ways = pytest.mark.skipif(
    MPM != "event", reason="where a request goes is the same with every MPM")
JOE = "Basic " + base64.b64encode(b"joe:secret").decode()
FILES = {"keys/secret": "a secret of the gateway", "keys/passwords":
         "joe:{SHA}" + base64.b64encode(
             hashlib.sha1(b"secret").digest()).decode() + "\n",
         "htdocs/htaccess/.htaccess": "RewriteEngine On\n"
         "RewriteRule ^(.*)$ http://127.0.0.1:%{ENV:PORT}/$1 [P]\n"}
#: The most that keeps credentials out of httpd's own lines; after the tests
#: no token may be found in any log.
CONF = """
LogLevel trace8 core:trace4 http:trace3
Define backend %s
SetEnvIf Host . PORT=${backend}
<Proxy balancer://all>
    BalancerMember http://127.0.0.1:${backend}
</Proxy>
<Proxy balancer://dead>
    BalancerMember http://127.0.0.1:1
</Proxy>
ProxyPass /dead balancer://dead/
ApiUpstreamToken up
RewriteEngine On
RewriteRule ^/rewrite(.*) http://127.0.0.1:${backend}/rewrite$1 [P]
RewriteRule ^/to-balancer(.*) balancer://all/to-balancer$1 [P]
ProxyPassMatch ^/match(.*)$ http://127.0.0.1:${backend}/match$1
ProxyPass /balancer balancer://all/balancer
ProxyPass /api http://127.0.0.1:${backend}/api
ProxyPass /capitals HTTP://127.0.0.1:${backend}/capitals
<Directory ${root}/htdocs/htaccess>
    AllowOverride AuthConfig FileInfo Options
    Options +FollowSymLinks
</Directory>
<Location /handler>
    SetHandler "proxy:http://127.0.0.1:${backend}/handler"
</Location>
<Location /nested/off>
    ApiUpstreamToken off
</Location>
ProxyPass /nested http://127.0.0.1:${backend}/nested
<Location /basic>
    AuthType Basic
    AuthName files
    AuthBasicProvider file
    AuthUserFile ${root}/keys/passwords
    Require valid-user
    ProxyPass http://127.0.0.1:${backend}/basic
</Location>
"""
PATHS = ["/api", "/rewrite", "/to-balancer", "/match/x", "/balancer/x",
         "/capitals", "/handler/", "/htaccess/x", "/nested/on"]


def bearer(path, *lines):
    return conf.location(
        path, f"ProxyPass http://127.0.0.1:${{backend}}{path}", *lines)


@pytest.fixture(scope="module")
def gateway(module_httpd, jwks):
    with guarded.both() as (endpoint, backend):
        server = module_httpd(
            CONF % backend.port + bearer("/bearer") +
            bearer("/forward", "ApiForwardToken On") +
            bearer("/anonymous", "ApiAnonymous On"), MODULES,
            conf.issuer() + guarded.upstream(
                endpoint, origin=f"{backend.url} balancer://all "
                "balancer://dead") +
            'LogFormat "%{Authorization}i %{oauth2-upstream}n" fields\n'
            'CustomLog ${root}/fields.log fields\n',
            {"keys/corp.json": jwks, **FILES})
        yield server, endpoint, backend


@pytest.fixture(autouse=True)
def fresh(request):
    if "gateway" in request.fixturenames:
        request.getfixturevalue("gateway")[2].clear()


@pytest.mark.parametrize("path", PATHS)
def test_every_way(gateway, path):
    server, _, backend = gateway
    answer = client.request(server.port, path)
    assert answer.status == 200 and answer.get("X-Answer") == "yes"
    assert backend.tokens[0] and len(backend.tokens) == 1


def test_off_again(gateway):
    """What the backend says then is its own affair."""
    server, _, backend = gateway
    answer = client.request(server.port, "/nested/off")
    assert answer.status == 401 and answer.get("X-Leak") == "1"
    assert answer.get("WWW-Authenticate") == 'Bearer error="invalid_token"'
    assert backend.tokens == [None]


FORGED = [
    [("Authorization", "Bearer forged")], [("authorization", JOE)],
    [("AUTHORIZATION", "forged"), ("Authorization", "Bearer forged")],
    [("Authorization", "Bearer forged"), ("Connection", "Authorization")],
    [("Connection", "authorization")],
    [("Connection", "Authorization;Authorization")],
]


@pytest.mark.parametrize("headers", FORGED, ids=str)
@pytest.mark.parametrize("path", ["/api", "/handler/", "/balancer/x"])
def test_a_copy_of_the_caller(gateway, headers, path):
    server, _, backend = gateway
    answer = client.request(server.port, path, headers=headers)
    assert answer.status == 200
    [request] = backend.requests
    assert [v for k, v in request["headers"] if k.lower() == "authorization"
            ] == [f"Bearer {request['token']}"]


def test_behind_other_authentication(gateway, key):
    server, _, backend = gateway
    for path, who, good in [
            ("/basic", [("Authorization", JOE)], 200), ("/basic", [], 401),
            ("/anonymous", [], 200)]:
        assert client.request(server.port, path, headers=who
                              ).status == good, path
    alice = site.token_of("alice", key)
    mallory = site.token_of("mallory", key)
    for path in ("/bearer", "/forward", "/anonymous"):
        assert client.request(server.port, path, alice).status == 200
        assert client.request(server.port, path, mallory).status == 401
    assert len(backend.tokens) == 5
    assert None not in backend.tokens and alice not in backend.tokens


def test_logs_tell(gateway):
    """The first request fetched the token; a log shows what the caller
    sent, never the token."""
    server, endpoint, backend = gateway
    client.request(server.port, "/api")
    backend.revoke()
    calls = endpoint.calls
    for _ in range(2):
        client.request(server.port, "/api", headers=[
            ("Authorization", "Digest mine")])
    assert endpoint.calls == calls + 1
    lines = server.log("fields.log").splitlines()
    assert lines[-2:] == ["Digest mine retried", "Digest mine cached"]
    assert "- fetched" in lines[0]


def test_logs_show_no_token(gateway):
    """Whatever becomes of the request."""
    server, endpoint, _ = gateway
    server.expect("AH00957|AH01114|AH00959")
    assert client.request(server.port, "/dead/").status == 503
    line = server.log("fields.log").splitlines()[-1]
    assert line == "- cached"


def test_trace_shows_no_token(gateway):
    server, _, backend = gateway
    assert client.request(server.port, "/api", method="TRACE").status == 405
    assert client.request(server.port, "/api", method="TRACE", headers=[
        ("Max-Forwards", "0")]).status == 405
    assert backend.requests == []
    assert client.request(server.port, "/nested/off",
                          method="TRACE").status == 401


def test_a_token_for_each_caller(httpd, key, jwks):
    """By token exchange; without a caller's token nothing is sent."""
    with guarded.both() as (endpoint, backend):
        server = httpd(
            f"Define backend {backend.port}\n" +
            bearer("/each", "ApiAnonymous On", "ApiUpstreamToken up") +
            f"<Location /open>\nProxyPass {backend.url}/open\n"
            "ApiUpstreamToken up\n</Location>\n", MODULES,
            conf.issuer() + guarded.upstream(
                endpoint, "ApiGrant token_exchange", origin=backend.url),
            {"keys/corp.json": jwks, **FILES})
        server.expect("AO2-050 misconfigured")
        alice = site.token_of("alice", key)
        bob = site.token_of("bob", key)
        for token in (alice, bob, alice):
            assert client.request(server.port, "/each", token).status == 200
        assert [form["subject_token"] for form in endpoint.forms] == [
            alice, bob]
        first, second, third = backend.tokens
        assert first == third != second
        assert client.request(server.port, "/each").status == 500
        assert client.request(server.port, "/open", alice).status == 500
        assert len(backend.requests) == 3
        backend.revoke()
        assert client.request(server.port, "/each", alice).status == 200
        assert len(endpoint.forms) == 3 and backend.tokens[-1] != third


FIELD = [
    [], [("X-Backend-Token", "forged")], [("x_backend_token", "forged")],
    [("X-Backend_Token", "forged"), ("X-BACKEND-TOKEN", "forged")],
    [("X_Backend_Token", "forged"), ("Connection", "X-Backend-Token")],
]


@ways
@pytest.mark.parametrize("scheme", ["", "Token"])
def test_another_field(httpd, scheme):
    with guarded.both(field="X-Backend-Token",
                      scheme=scheme and f"{scheme} ") as (endpoint, backend):
        server = httpd(
            f"ProxyPass / {backend.url}/\nApiUpstreamToken up\n", MODULES,
            guarded.upstream(
                endpoint, f"ApiUpstreamHeader X-Backend-Token {scheme}",
                origin=backend.url), FILES)
        for headers in FIELD:
            backend.clear()
            answer = client.request(server.port, "/", headers=[
                ("Authorization", "Basic mine"), *headers])
            assert answer.status == 200
            [request] = backend.requests
            found = [k for k, _ in request["headers"]
                     if k.lower().replace("_", "-") == "x-backend-token"]
            assert found == ["X-Backend-Token"]
            assert ("Authorization", "Basic mine") in request["headers"]


HTACCESS = "RewriteEngine On\nRewriteRule ^ %s [P]\n"
#: Where a request to /x would go: lines of the server, or of a .htaccess.
OUTSIDE = {
    "another port": "ProxyPass /x http://127.0.0.1:${other}/",
    "another host": "ProxyPass /x http://127.0.0.2:${backend}/",
    "another scheme": "ProxyPass /x https://127.0.0.1:${backend}/",
    "the default port": "ProxyPass /x http://127.0.0.1/",
    "a host that begins so": "ProxyPass /x http://127.0.0.1.example:80/",
    "a balancer that is not named": "<Proxy balancer://some>\nBalancerMember "
    "http://127.0.0.1:${backend}\n</Proxy>\nProxyPass /x balancer://some/",
    "a balancer of the host's name": "<Proxy balancer://127.0.0.1>\n"
    "BalancerMember http://127.0.0.1:${other}\n</Proxy>\n"
    "ProxyPass /x balancer://127.0.0.1/",
    "a rule": "RewriteRule ^/x http://127.0.0.1:${other}/ [P]",
    "a rule with a user": "RewriteRule ^/x "
    "http://127.0.0.1:${backend}@127.0.0.1:${other}/ [P]",
    "the caller's choice": "RewriteRule ^/x/(.*) http://$1/ [P]",
    "a handler": '<Location /x>\nSetHandler "proxy:http://127.0.0.1:${other}'
                 '/"\n</Location>',
    "a handler with a user": '<Location /x>\nSetHandler "proxy:http://'
    '127.0.0.1:${backend}@127.0.0.1:${other}/"\n</Location>',
    "a handler that the path goes on": '<Location /x>\nSetHandler '
    '"proxy:http://127.0.0.1:${backend}.example"\n</Location>',
    "a socket by a rule": "RewriteRule ^/x "
    '"unix:${root}/run/s|http://127.0.0.1:${backend}/" [P]',
    "fcgi": "ProxyPass /x fcgi://127.0.0.1:${backend}/",
    "ajp": "ProxyPass /x ajp://127.0.0.1:${backend}/",
    ".htaccess, another port": (
        HTACCESS % "http://127.0.0.1:%{ENV:OTHER}/"),
    ".htaccess, a socket": (
        HTACCESS % '"unix:/run/s|http://127.0.0.1:%{ENV:BACKEND}/"'),
    ".htaccess, a handler": "SetHandler proxy:http://127.0.0.1:OTHER/\n",
    ".htaccess, a socket as handler":
        "SetHandler proxy:unix:/run/s|http://127.0.0.1:BACKEND/\n",
}
#: The same, to where it may go.
INSIDE = {
    "the same port": "ProxyPass /x http://127.0.0.1:${backend}/",
    "a balancer in capitals": "ProxyPass /x balancer://ALL/",
    "the other scheme": "ProxyPass /x ws://127.0.0.1:${backend}/",
    "a name in capitals": "ProxyPass /x http://LocalHost:${backend}/",
    "a rule": "RewriteRule ^/x http://127.0.0.1:${backend}/ [P]",
    "the caller's choice": "RewriteRule ^/x/(.*) "
                           "http://127.0.0.1:${backend}/$1 [P]",
    "a handler": '<Location /x>\nSetHandler "proxy:http://127.0.0.1:'
                 '${backend}/"\n</Location>',
    ".htaccess": HTACCESS % "http://127.0.0.1:%{ENV:BACKEND}/",
    ".htaccess, a handler": "SetHandler proxy:http://127.0.0.1:BACKEND/\n",
}


def places(rows, mark):
    """Paths for the rows, the server's lines, and files."""
    paths, lines, files = {}, [], {}
    for number, (name, text) in enumerate(rows.items()):
        paths[name] = path = f"/{mark}{number}"
        if name.startswith(".htaccess"):
            files[f"htdocs{path}/.htaccess"] = text
        else:
            lines.append(text.replace("/x", path))
    return paths, "\n".join(lines) + "\n", files


@pytest.fixture(scope="module")
def crossroads(module_httpd):
    """Two backends, to one of which the token may go."""
    out, lines, files = places(OUTSIDE, "out")
    within, more, more_files = places(INSIDE, "in")
    with guarded.both() as (endpoint, backend), guarded.both() as (_, other):
        files = {name: text.replace("OTHER/", f"{other.port}/").replace(
            "BACKEND/", f"{backend.port}/")
            for name, text in {**files, **more_files}.items()}
        server = module_httpd(
            f"Define backend {backend.port}\nDefine other {other.port}\n"
            f"SetEnvIf Host . BACKEND={backend.port} OTHER={other.port}\n"
            "<Directory ${root}/htdocs>\nAllowOverride All\n"
            "Options +FollowSymLinks\n</Directory>\nSSLProxyEngine On\n"
            "<Proxy balancer://all>\nBalancerMember "
            "http://127.0.0.1:${backend}\n</Proxy>\nRewriteEngine On\n"
            f"{lines}{more}ApiUpstreamToken up\n",
            [*MODULES, "proxy_fcgi", "proxy_ajp", "proxy_wstunnel", "ssl"],
            guarded.upstream(endpoint, origin=f"{backend.url} balancer://all "
                             f"HTTP://LOCALHOST:{backend.port}"),
            {**FILES, **files})
        server.expect("AO2-050 misconfigured: <ApiUpstream up>: the request "
                      "would go to", "AH01873", "AH00957|AH01114")
        yield server, backend, other, {**out, **{
            f"in, {name}": path for name, path in within.items()}}


def reach(crossroads, name, target):
    """The answer, and the tokens that reached the two backends."""
    server, backend, other, paths = crossroads
    backend.clear()
    other.clear()
    answer = client.request(server.port, f"{paths[name]}/{target}")
    return answer, backend.tokens, other.tokens


@ways
@pytest.mark.parametrize("name", OUTSIDE)
def test_outside(crossroads, name):
    answer, got, other = reach(crossroads, name,
                               f"127.0.0.1:{crossroads[2].port}")
    assert (answer.status, got, other) == (500, [], [])
    assert b"AO2-050" in answer.body


@ways
@pytest.mark.parametrize("name", INSIDE)
def test_inside(crossroads, name):
    answer, got, other = reach(crossroads, f"in, {name}", "y")
    assert (answer.status, other) == (200, []) and len(got) == 1 and got[0]


class OnSocket(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            if not line.strip():
                break
            self.server.lines.append(line)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@ways
def test_a_socket_that_the_server_names(httpd, tmp_path):
    """ProxyPass says who is behind it; a rule must not."""
    path = tmp_path / "s"
    with guarded.both() as (endpoint, backend), \
            socketserver.ThreadingUnixStreamServer(
                str(path), OnSocket) as local:
        local.lines = []
        path.chmod(0o777)
        threading.Thread(target=local.serve_forever, daemon=True).start()
        server = httpd(
            f'ProxyPass / "unix:{path}|http://localhost/"\n'
            "ApiUpstreamToken up\n", MODULES, guarded.upstream(
                endpoint, origin="http://localhost"), FILES)
        assert client.request(server.port, "/").status == 200
        assert [line for line in local.lines
                if line.startswith(b"Authorization: Bearer tok-")]
        local.shutdown()


def fault_500(h, _):
    h.reply(500, b"{}")


def fault_client(h, _):
    h.reply(401, b'{"error": "invalid_client"}')


@pytest.mark.parametrize("fault, status", [(fault_500, 503),
                                           (fault_client, 502)])
def test_without_a_token_nothing_is_sent(httpd, fault, status):
    with guarded.both() as (endpoint, backend):
        server = httpd(
            f"ProxyPass / {backend.url}/\n<Location /api>\n"
            "ApiUpstreamToken up\n</Location>\n", MODULES,
            guarded.upstream(endpoint, origin=backend.url), FILES)
        server.expect("AO2-042", "AO2-040")
        endpoint.fault = fault
        for method in ("GET", "POST", "HEAD"):
            answer = client.request(server.port, "/api", method=method,
                                    body="x" if method == "POST" else None)
            assert answer.status == status
            assert answer.get("Cache-Control") == "no-store"
            assert answer.get("WWW-Authenticate") is None
        assert (status == 503) == (answer.get("Retry-After") is not None)
        assert backend.requests == []
        assert client.request(server.port, "/other").status == 401
        assert "|503|" not in server.log("access.log").replace(
            "AO2-042", "") or status == 503


CONFIGTEST = {
    "ApiUpstreamToken": "takes the NAME of an <ApiUpstream>, or off",
    "ApiUpstreamToken a b": "takes the NAME of an <ApiUpstream>, or off",
    'ApiUpstreamToken ""': "takes the NAME of an <ApiUpstream>, or off",
    "ApiUpstreamToken nobody": 'ApiUpstreamToken: "nobody" is not allowed '
                               "here: the NAME of an <ApiUpstream> of this "
                               "server, or off",
    "ApiUpstreamToken up": "Syntax OK", "ApiUpstreamToken off": "Syntax OK",
}


@ways
@pytest.mark.parametrize("line", CONFIGTEST)
@pytest.mark.parametrize("place", ["%s", "<Location /x>\n%s\n</Location>"])
def test_configtest(httpd, line, place):
    server = httpd(start=False, modules=MODULES, files=FILES)
    endpoint = type("", (), {"url": "http://127.0.0.1:9/token"})
    code, said = server.configtest(
        guarded.upstream(endpoint, origin="http://127.0.0.1:9") +
        place % line + "\n")
    assert CONFIGTEST[line] in said
    assert (code == 0) == (CONFIGTEST[line] == "Syntax OK")


@ways
def test_not_in_htaccess(httpd):
    with guarded.both() as (endpoint, backend):
        files = dict(FILES, **{
            "htdocs/no/.htaccess": "ApiUpstreamToken up\n",
            "htdocs/no/a.txt": "a", "htdocs/yes/a.txt": "a",
            "htdocs/yes/.htaccess": "ApiErrorBody none\n"})
        server = httpd("", MODULES, guarded.upstream(
            endpoint, origin=backend.url), files)
        server.expect("ApiUpstreamToken not allowed here")
        assert client.request(server.port, "/yes/a.txt").status == 200
        assert client.request(server.port, "/no/a.txt").status == 500


@ways
def test_without_mod_proxy(httpd):
    with guarded.both() as (endpoint, backend):
        files = dict(FILES, **{"htdocs/a.txt": "a"})
        server = httpd("ApiUpstreamToken up\n", (), guarded.upstream(
            endpoint, origin=backend.url), files)
        server.expect("ApiUpstreamToken has no effect: mod_proxy")
        assert client.request(server.port, "/a.txt").status == 200
        assert "ApiUpstreamToken has no effect" in server.log()
        assert endpoint.calls == 0
