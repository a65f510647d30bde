"""Another authorization server beside httpd: tests/toolkit, in Python."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from .authserver import call
from .tokens import minted

PROGRAM = Path(__file__).resolve().parents[2] / "toolkit" / "server.py"


class Toolkit:
    """Started where it is made; `down` and `up` keep its port and tokens."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="api-oauth2-toolkit-")
        try:
            self.start()
        except BaseException:
            self.folder.cleanup()
            raise

    def start(self, *port):
        log = Path(self.folder.name) / "log"
        with open(log, "a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, self.folder.name, *port],
                stdout=subprocess.PIPE, stderr=errors, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.down()
            raise AssertionError(
                f"{PROGRAM} did not start, is python3-django-oauth-toolkit "
                f"installed (scripts/packages)?\n{log.read_text()}")
        about = json.loads(line)
        self.url = about["url"]
        self.clients = about["clients"]
        self.gateway = about["gateway"]
        self.user = about["user"]

    def down(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def up(self):
        self.start(str(urlsplit(self.url).port))

    def stop(self):
        self.down()
        self.folder.cleanup()

    def post(self, path, form, client):
        status, answer = call(self.url + path, form,
                              (client, self.clients[client]))
        assert status == 200, answer
        return answer

    def token(self, client="pizza-app", **form):
        """An access token by client_credentials, unless `form` differs."""
        form = {"grant_type": "client_credentials", "scope": "read", **form}
        text = self.post("/token/", form, client)["access_token"]
        minted.add(text)
        return text

    def user_token(self):
        """One that speaks for the user."""
        return self.token("phone-app", grant_type="password", **self.user)

    def revoke(self, token, client="pizza-app"):
        self.post("/revoke_token/", {"token": token}, client)
