"""The check of all logs after a run finds a token, in whatever log."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUN = """
import pathlib
from support import server, tokens

def test(tmp_path):
    server.Httpd.started.append(tmp_path)
    token = tokens.sign({{}}, tokens.new_key())
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/laid-by-a-test").write_text(token)
    {line}
"""


def run(folder, line):
    """A pytest run of one test, with the plugin that conftest.py uses."""
    (folder / "test_inner.py").write_text(RUN.format(line=line))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "support.session",
         "-p", "no:cacheprovider", f"--basetemp={folder}/base", folder],
        cwd=folder, text=True, capture_output=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(HERE)})
    return done.returncode, done.stdout


@pytest.mark.parametrize("line,code,says", [
    ('(tmp_path / "error.log").write_text("quiet")', 0, "0 faults"),
    ('(tmp_path / "error.log").write_text(token)', 1, "error.log: shows 1"),
    ('(tmp_path / "stderr").write_text("x " + token.split(".")[2])', 1,
     "stderr: shows 1"),
    ('(tmp_path / "access.log").write_text(token[:-20])', 1,
     "access.log: shows 1"),
    ("pass", 1, "no log to look at"),
])
def test_logs_of_a_run(tmp_path, line, code, says):
    got, output = run(tmp_path, line)
    assert (got, says in output) == (code, True), output
    assert "eyJ" not in output


def test_the_check_is_in_use(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("support.session")
