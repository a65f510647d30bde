"""A real authorization server beside httpd: tests/issuer, an npm package."""
import base64
import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .tokens import minted

HERE = Path(__file__).resolve().parents[2] / "issuer"
RESOURCE = "https://pizza.example/"
#: What is appended to RESOURCE for a token signed by another algorithm.
RESOURCES = {"RS256": "", "ES256": "es", "PS256": "ps", "Ed25519": "ed"}


def call(url, form=None, login=None):
    """The status and the JSON of an answer; `form` makes it a POST, `login`
    is a client's id and secret."""
    data = None if form is None else urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data)
    if login:
        text = ":".join(urllib.parse.quote_plus(part) for part in login)
        request.add_header("Authorization", "Basic " + base64.b64encode(
            text.encode()).decode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    return status, json.loads(body or "{}")


class AuthorizationServer:
    """Started where it is made; `stop` ends it by its own pid."""

    def __init__(self, log):
        program = Path(os.environ.get("AO2_ISSUER", HERE)) / "server.mjs"
        self.process = subprocess.Popen(
            ["node", program], stdout=subprocess.PIPE, text=True,
            stderr=open(log, "w"))
        for line in self.process.stdout:
            if line.startswith("{"):
                self.url = json.loads(line)["issuer"]
                return
        raise AssertionError(f"{program} did not start, is its package "
                             f"installed (npm ci)?\n{Path(log).read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def call(self, path, form=None, client=None):
        return call(self.url + path, form,
                    (client, f"{client}-secret") if client else None)

    def token(self, resource="", scope="read", client="pizza-app"):
        """An access token by client_credentials for RESOURCE + resource."""
        status, answer = self.call("/token", client=client, form={
            "grant_type": "client_credentials", "scope": scope,
            "resource": RESOURCE + resource})
        assert status == 200, answer
        minted.add(answer["access_token"])
        return answer["access_token"]

    def introspect(self, token):
        return self.call("/token/introspection", {"token": token},
                         "gateway")[1]

    def revoke(self, token, client="pizza-app"):
        status, answer = self.call("/token/revocation", {"token": token},
                                   client)
        assert status == 200, answer

    def control(self, switch, **query):
        """rotate, fail, delay, reset, state: see tests/issuer/server.mjs."""
        text = urllib.parse.urlencode(query)
        status, answer = self.call(f"/control/{switch}?{text}")
        assert status == 200, answer
        return answer

    def calls(self, path):
        """How often a path was asked for since the last reset."""
        return self.control("state")["calls"].get(path, 0)
