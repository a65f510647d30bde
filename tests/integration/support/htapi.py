"""htapi and the registries that it keeps."""
import json
import os
import subprocess
from pathlib import Path

from support import tokens

HTAPI = os.environ.get("AO2_HTAPI", str(Path(__file__).parents[3] / "htapi"))

DONE, REFUSED, WRONG = 0, 1, 2


def run(*words, **more):
    """The finished process of `htapi WORDS ...`."""
    return subprocess.run([HTAPI, *map(str, words)], capture_output=True,
                          timeout=120, **{"text": True, **more})


class Registry:
    """A registry, as --registry names it."""

    def __init__(self, name):
        self.name = name

    def ask(self, line, *more, **options):
        """A command, its words separated by spaces, and words as they are."""
        return run("--registry", self.name, *line.split(), *more, **options)

    def do(self, line, *more):
        """A command that is done; what it prints."""
        answer = self.ask(line, *more)
        assert answer.returncode == DONE, (line, answer.stderr)
        return answer.stdout

    def json(self, line, *more):
        return json.loads(self.do("--json " + line, *more))

    def refused(self, line, *more):
        """A command that is refused; why."""
        answer = self.ask(line, *more)
        assert answer.returncode == REFUSED, (line, answer)
        assert answer.stdout == ""
        return answer.stderr.removeprefix("htapi: ").rstrip("\n")

    def show(self):
        return json.loads(self.do("registry show"))

    def token(self, line, *more):
        """A new API token."""
        text = self.do(line, *more).rstrip("\n")
        tokens.minted.add(text)
        return text

    def fill(self):
        """One of each: plan gold, API pizza 1.0, application shop."""
        self.do("registry init")
        self.do("plan add gold --limit 5000/1mi:500 --limit 1000000/30d")
        self.do("api add pizza 1.0")
        self.do("app add shop --name Shop --owner alice")
        return self
