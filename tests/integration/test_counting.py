"""What costs quota, exactly: also in several processes, and over graceful
restarts."""
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from support import tokens
from support.catalogue import application, document, subscription
from support.client import request
from support.conf import issuer, location
from support.server import MPM
from support.wait import until

PLANS = [{"name": "many", "limits": [{"requests": 1000, "per": "30d"}]},
         {"name": "exact", "limits": [{"requests": 120, "per": "30d"}]},
         {"name": "quick", "limits": [{"requests": 1, "per": "2s"}]}]
APIS = [{"name": name, "version": "1.0"} for name in ("pizza", "pasta")]
CONF = issuer() + """
ApiRegistry file:conf/registry.json
ApiErrorDetail On
<Directory ${root}/htdocs>
    Options +Includes +Indexes
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
    RewriteEngine On
    RewriteRule ^pizza/away$ /pizza/page [PT]
    RewriteRule ^pizza/twice$ /pizza/away [PT]
    RewriteRule ^pizza/other$ /pasta/page [PT]
    RewriteRule ^pizza/there-and-back$ /pasta/back [PT]
    RewriteRule ^pasta/back$ /pizza/page [PT]
</Directory>
ErrorDocument 404 /pizza/page
""" + location("/pizza", "ApiName pizza 1.0", audience="any") + \
    location("/pasta", "ApiName pasta 1.0", audience="any") + "".join(
        f"<Location /pizza/{name}>\n{line}\n</Location>\n" for name, line in {
            "scope": "Require oauth2-scope never",
            "claim": "Require oauth2-claim never",
            "plan": "Require api-plan never",
            "here": "Require ip 192.0.2.1",
            "audience": "ApiAudience never",
            "away-refused": "Require oauth2-scope never\n"
                            "ErrorDocument 403 /pasta/page"}.items())
PAGES = {"index.html": "page", "page": "page",
         "all.shtml": '<!--#include virtual="/pizza/page" -->'
                      '<!--#include virtual="/pizza/more.shtml" -->'
                      '<!--#include virtual="/pasta/page" -->'
                      '<!--#flastmod virtual="/pizza/index.html" -->',
         "more.shtml": '<!--#include virtual="/pizza/index.html" -->',
         "list/a": "a", "list/b": "b"}


def start(httpd, jwks, plan, main=""):
    everywhere = [subscription(api["name"], plan=plan) for api in APIS]
    return httpd(CONF, modules=["include", "rewrite", "autoindex"], main=main,
                 files={"keys/corp.json": jwks, "conf/registry.json": document(
                     application(1, everywhere), plans=PLANS, apis=APIS),
                     **{f"htdocs/{api['name']}/{name}": text
                        for api in APIS for name, text in PAGES.items()}})


@pytest.fixture(scope="module")
def token(key):
    return tokens.sign(tokens.claims(client_id="c1"), key)


@pytest.fixture(scope="module")
def server(module_httpd, jwks):
    server = start(module_httpd, jwks, "many")
    server.expect("AH01631", "AH01630")
    return server


def left(server, token, api):
    answer = request(server.port, f"/{api}/page", token)
    assert answer.status == 200
    return int(re.search(r";r=(\d+);", answer.get("RateLimit"))[1])


@pytest.mark.parametrize("path,status,pizza,pasta", [
    ("/pizza/page", 200, 1, 0),
    ("/pasta/page", 200, 0, 1),
    ("/pizza/", 200, 1, 0),              # DirectoryIndex
    ("/pizza/list/", 200, 1, 0),         # a sub-request for each file
    ("/pizza/all.shtml", 200, 1, 0),     # sub-requests, also elsewhere
    ("/pizza/none", 404, 1, 0),          # ErrorDocument
    ("/pizza/away", 200, 1, 0),          # internal redirects
    ("/pizza/twice", 200, 1, 0),
    ("/pizza/other", 200, 1, 1),
    ("/pizza/there-and-back", 200, 1, 1),
    ("/pizza/scope", 403, 0, 0),         # refused
    ("/pizza/claim", 403, 0, 0),
    ("/pizza/plan", 403, 0, 0),
    ("/pizza/here", 403, 0, 0),
    ("/pizza/audience", 401, 0, 0),
    ("/pizza/away-refused", 403, 0, 0),
])
def test_costs(server, token, path, status, pizza, pasta):
    before = [left(server, token, api) for api in ("pizza", "pasta")]
    answer = request(server.port, path, token)
    assert answer.status == status
    after = [left(server, token, api) for api in ("pizza", "pasta")]
    assert [a - b - 1 for a, b in zip(before, after)] == [pizza, pasta]
    if path.endswith(".shtml"):
        assert answer.body.count(b"page") == 3


@pytest.mark.parametrize("headers,status", [
    ([], 401), ([("Authorization", "Bearer nonsense")], 401),
    ([("Authorization", "Bearer {0}, Bearer {0}")], 400),
    ([("Authorization", "Bearer {0}")], 200)])
def test_bad_credentials_cost_nothing(server, token, headers, status):
    before = left(server, token, "pizza")
    sent = [(name, value.format(token)) for name, value in headers]
    assert request(server.port, "/pizza/page", headers=sent).status == status
    assert before - left(server, token, "pizza") - 1 == (status == 200)


def use_up(server, token):
    """The first refusal."""
    while True:
        answer = request(server.port, "/pizza/page", token)
        if answer.status == 429:
            return answer
        assert answer.status == 200


def test_retry_after(httpd, jwks, token):
    """Not before its last second, and not later."""
    server = start(httpd, jwks, "quick")
    begin = time.monotonic()
    refused = use_up(server, token)
    wait = int(refused.get("Retry-After"))
    assert 1 <= wait <= 2
    assert refused.get("RateLimit") == f'"quick-2s";r=0;t={wait}'
    again = until(lambda: request(server.port, "/pizza/page", token)
                  .status == 200 and time.monotonic())
    assert again - begin > wait - 1
    wait = int(use_up(server, token).get("Retry-After"))
    told = time.monotonic()
    until(lambda: time.monotonic() > told + wait)
    assert request(server.port, "/pizza/page", token).status == 200


#: Four processes that serve one request each at a time.
FOUR = "CustomLog ${root}/pids.log %P\n" + (
    "StartServers 4\nServerLimit 4\nMinSpareServers 4\nMaxSpareServers 5\n"
    "MaxRequestWorkers 4" if MPM == "prefork" else
    "StartServers 4\nServerLimit 4\nThreadLimit 1\nThreadsPerChild 1\n"
    "MaxRequestWorkers 4\nMinSpareThreads 1\nMaxSpareThreads 4")


def unread(server):
    """Sockets of the server with what no process has read or accepted yet."""
    rows = [line.split() for line in
            Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row for row in rows if row[1].endswith(f":{server.port:04X}")
            and int(row[4].split(":")[1], 16)]


def ask_together(server, token):
    """Four requests that are read at once: each needs a process."""
    head = (f"GET /pizza/page HTTP/1.1\r\nHost: server.example\r\n"
            f"Connection: close\r\nAuthorization: Bearer {token}\r\n")
    connections = [socket.create_connection(("127.0.0.1", server.port), 30)
                   for _ in range(4)]
    for connection in connections:
        connection.sendall(head.encode())
    until(lambda: not unread(server))
    for connection in connections:
        connection.sendall(b"\r\n")
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200")
        connection.close()


def hammer(server, token, count):
    """How many of four times `count` requests were admitted."""
    admitted = [0] * 4

    def ask(number):
        for _ in range(count):
            answer = request(server.port, "/pizza/page", token)
            assert answer.status in (200, 429)
            admitted[number] += answer.status == 200

    threads = [threading.Thread(target=ask, args=(number,))
               for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(admitted)


def test_exact_among_processes(httpd, jwks, token):
    """120 in 30 days: none comes back while this runs."""
    server = start(httpd, jwks, "exact", main=FOUR)
    ask_together(server, token)
    until(lambda: len(set(server.log("pids.log").split())) == 4)
    admitted = 4 + hammer(server, token, 8)
    assert admitted == 36
    server.graceful()
    until(lambda: server.log().count("resuming normal operations") == 2)
    admitted += hammer(server, token, 30)
    assert admitted == 120
    assert request(server.port, "/pizza/page", token).status == 429
