"""Installing: AO2_BUILD names a finished build, else the source tree is it."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("AO2_BUILD", SOURCE)).resolve()
sys.path.insert(0, str(SOURCE / "tests/integration"))


def run(*command, cwd=BUILD, code=0, **env):
    """The output of a command that must end with `code`."""
    done = subprocess.run(
        command, cwd=cwd, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
        env={**os.environ, **env}, shell=len(command) == 1)
    assert done.returncode == code, done.stdout
    return done.stdout


def exported(module):
    """The names that a shared object defines for others."""
    return [line.split()[-1] for line in
            run("nm", "-D", "--defined-only", module).splitlines()]


@pytest.fixture
def source(tmp_path):
    """What somebody has who unpacked the tarball."""
    run("make", "distdir", f"distdir={tmp_path}/source")
    return tmp_path / "source"


@pytest.fixture
def protects(tmp_path, monkeypatch):
    """A function: httpd loads this module, and it refuses and admits."""
    from support import client, server, tokens

    def check(module):
        monkeypatch.setenv("AO2_MODULE", str(module))
        key = tokens.new_key()
        httpd = server.Httpd(tmp_path / "httpd", main=f"""
            <ApiIssuer corp>
                ApiIssuerURL {tokens.ISSUER}
                ApiJWKS file:keys/jwks.json
            </ApiIssuer>
            <Location />
                AuthType Bearer
                ApiAudience pizza
                Require oauth2-scope read
            </Location>""")
        httpd.write("keys/jwks.json", tokens.key_set(key))
        httpd.write("htdocs/index.html", "pizza")
        httpd.start()
        try:
            token = tokens.sign(tokens.claims(), key)
            answers = [client.request(httpd.port, "/", t)
                       for t in (None, token[:-4] + "AAAA", token)]
            assert [a.status for a in answers] == [401, 401, 200]
            assert answers[2].body == b"pizza"
        finally:
            httpd.stop()

    return check
