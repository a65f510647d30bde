"""The transcripts of pages, run for real.

In a block marked console a line that begins with "$ " is a command, and what
follows is its output, where "..." stands for anything. A block of another
mark is that text.
"""
import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).parents[3]
HTAPI = Path(os.environ.get("AO2_HTAPI", TOP / "htapi")).absolute()


def read(page):
    """[(mark, text)], for console [(mark, command, pattern of output)]."""
    found = []
    text = (TOP / page).read_text()
    for mark, block in re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", text):
        if mark == "console":
            for part in re.split(r"(?m)^\$ ", block)[1:]:
                command, output = part.split("\n", 1)
                found.append((mark, command, as_pattern(output)))
        else:
            found.append((mark, block))
    return found


def as_pattern(output):
    return re.compile(re.escape(output).replace(r"\.\.\.", ".*"), re.S)


def replace(text, names):
    for old, new in names:
        text = text.replace(old, new)
    return text


def places(server):
    """Folders and addresses of a system, and those of a private server."""
    return [("/etc/apache2", str(server.root)),
            ("/var/www/html", f"{server.root}/htdocs"),
            ("/var/log/apache2", str(server.root)),
            ("curl ", "curl -sS "),
            ("http://localhost/", f"http://127.0.0.1:{server.port}/")]


class Shell:
    """One bash for a whole transcript; says what each command printed."""

    END = "-- end of command --"

    def __init__(self, root):
        self.home = root / "home"
        bin_dir = root / "bin"
        self.home.mkdir()
        bin_dir.mkdir()
        (bin_dir / "htapi").symlink_to(HTAPI)
        sudo = bin_dir / "sudo"
        sudo.write_text('#!/bin/sh\nexec "$@"\n')
        sudo.chmod(0o755)
        self.bash = subprocess.Popen(
            ["timeout", "60", "bash"], cwd=self.home, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}",
                 "http_proxy": "", "no_proxy": "*"})

    def run(self, command):
        self.bash.stdin.write(f"{command}\necho; echo '{self.END}'\n")
        self.bash.stdin.flush()
        printed = ""
        for line in self.bash.stdout:
            if line.strip() == self.END:
                printed = printed[:-1].replace("\r\n", "\n")
                return printed + "\n" * (printed[-1:] not in ("", "\n"))
            printed += line
        raise AssertionError(f"the shell ended at: {command}")

    def close(self):
        self.bash.stdin.close()
        self.bash.wait(10)
        self.bash.stdout.close()
