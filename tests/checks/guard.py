"""What the guards share: the source, C without its comments, the verdict.

A guard is a script with a function check(guard): it looks at the tree,
counts what it looked at and notes faults. It fails on any fault, and on
anything it should have looked at and did not find.
"""
import os
import pathlib
import re
import sys

C_PLACES = ("src", "include", "tools", "tests")


class Guard:
    def __init__(self, name, *things, source=None, build=None):
        here = pathlib.Path(__file__).resolve().parents[2]
        self.name = name
        self.source = pathlib.Path(source or os.environ.get("AO2_SOURCE")
                                   or here)
        self.build = pathlib.Path(build or os.environ.get("AO2_BUILD")
                                  or self.source)
        self.looked = dict.fromkeys(things, 0)
        self.faults = []

    def look(self, thing, count=1):
        self.looked[thing] += count

    def fault(self, where, text):
        self.faults.append(f"{where}: {text}")

    def there(self, path):
        """Whether a file is in the source, or made from it."""
        return ((self.source / path).exists() or
                (self.build / path).exists())

    def text(self, path):
        """The text of a file; a fault and nothing when it is not there."""
        try:
            return (self.source / path).read_text(encoding="utf-8")
        except OSError as error:
            self.fault(path, f"cannot be read ({error.strerror})")
            return ""

    def c_files(self, *places, ends=(".c", ".h", ".def")):
        """Paths of C files, relative to the source, in order."""
        found = set()
        for place in places or C_PLACES:
            found.update(path for path in (self.source / place).rglob("*")
                         if path.suffix in ends and path.is_file())
        if not places:
            found.update(self.source.glob("*.c"))
        return sorted(path.relative_to(self.source) for path in found)

    def verdict(self):
        """Print it; the exit status."""
        for thing, count in self.looked.items():
            if not count:
                self.fault(self.name, f"found no {thing} to look at")
        for fault in self.faults:
            print(fault)
        counts = ", ".join(f"{count} {thing}"
                           for thing, count in self.looked.items())
        print(f"{self.name}: looked at {counts}; {len(self.faults)} faults")
        return 1 if self.faults else 0


def run(check, name, *things):
    """The main program of a guard."""
    guard = Guard(name, *things)
    check(guard)
    sys.exit(guard.verdict())


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
                   r"|'(?:\\.|[^'\\\n])*'", re.S)


def blank(text, keep_strings=False):
    """C with comments as spaces, and what is inside strings as spaces too
    unless they are kept. Every character stays on its line and column."""

    def replace(match):
        token = match.group()
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        if keep_strings:
            return token
        return token[0] + " " * (len(token) - 2) + token[-1]

    return TOKEN.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
