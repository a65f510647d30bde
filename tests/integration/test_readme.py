"""The README's first configuration and its transcript, run for real.

Blocks marked apache are the configuration; in those marked console a line
that begins with "$ " is a command, and what follows is its output, where
"..." stands for anything. Folders of the system, sudo and the port of
http://localhost are replaced by those of a private server.
"""
import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
HTAPI = Path(os.environ.get("AO2_HTAPI", TOP / "htapi"))
README = (TOP / "README.md").read_text()


def blocks(kind):
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", README)


def steps():
    """[(command, pattern of its output)] of the transcript."""
    found = []
    for line in "".join(blocks("console")).splitlines(True):
        if line.startswith("$ "):
            found.append([line[2:], ""])
        else:
            found[-1][1] += line
    return [(command, as_pattern(output)) for command, output in found]


def as_pattern(output):
    return re.compile(re.escape(output).replace(r"\.\.\.", ".*"), re.S)


class Shell:
    """One bash for the whole transcript; says what each command printed."""

    END = "-- end of command --"

    def __init__(self, root):
        home = root / "home"
        bin_dir = root / "bin"
        home.mkdir()
        bin_dir.mkdir()
        (bin_dir / "htapi").symlink_to(HTAPI)
        sudo = bin_dir / "sudo"
        sudo.write_text('#!/bin/sh\nexec "$@"\n')
        sudo.chmod(0o755)
        self.bash = subprocess.Popen(
            ["timeout", "60", "bash"], cwd=home, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}",
                 "http_proxy": "", "no_proxy": "*"})

    def run(self, command):
        self.bash.stdin.write(f"{command}\necho '{self.END}'\n")
        self.bash.stdin.flush()
        printed = ""
        for line in self.bash.stdout:
            if line.strip() == self.END:
                return printed
            printed += line
        raise AssertionError(f"the shell ended at: {command}")

    def close(self):
        self.bash.stdin.close()
        self.bash.wait(10)


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.close()


def test_the_pattern_can_fail():
    pattern = as_pattern("HTTP/1.1 401\n...\nend\n")
    assert pattern.fullmatch("HTTP/1.1 401\na\nb\nend\n")
    assert not pattern.fullmatch("HTTP/1.1 402\na\nend\n")
    assert not pattern.fullmatch("HTTP/1.1 401\na\nend\nmore\n")


def test_first_configuration(httpd, shell):
    server = httpd(start=False)

    def here(text):
        for old, new in (("/etc/apache2", str(server.root)),
                         ("/var/www/html", f"{server.root}/htdocs"),
                         ("curl ", "curl -sS "),
                         ("http://localhost/",
                          f"http://127.0.0.1:{server.port}/")):
            text = text.replace(old, new)
        return text

    commands = steps()
    assert len(commands) >= 8 and len(blocks("apache")) == 1
    for number, (command, pattern) in enumerate(commands):
        if "curl" in command and not server.process:
            code, said = server.configtest(blocks("apache")[0])
            assert code == 0, said
            server.start(blocks("apache")[0])
        printed = shell.run(here(command)).replace("\r\n", "\n")
        assert pattern.fullmatch(printed), (number, command, printed)
    assert server.process and "scope_missing" in server.log()
