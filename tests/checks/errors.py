"""docs/errors.md against base/errors.def, both ways.

A section for each number, in the order of the table, headed "AO2-NNN id"; it
begins with a line "STATUS: TEXT" for each row of that number, and then tells
the causes, what to look at, and how to bring the error about: a command whose
output shows the number, or a sentence.
"""
import re

from guard import blank, run

PAGE = "docs/errors.md"
TABLE = "src/base/errors.def"
#: Rows of one number differ in what stands before its last three digits.
NUMBERS = 1000


def rows(guard):
    """{heading: [first lines]} that the page must have."""
    text = blank(guard.text(TABLE), keep_strings=True)
    found = {}
    for name, number, status, words in re.findall(
            r'AO2_ERROR\(\w+,\s*(\w+),\s*(\d+),\s*(\d+),[^)]*?"([^"]*)"\)',
            text):
        guard.look("rows")
        heading = f"AO2-{int(number) % NUMBERS:03d} {name}"
        found.setdefault(heading, []).append(f"{status}: {words}")
    return found


def sections(text):
    """{heading: text} of what is about an error."""
    parts = re.split(r"(?m)^## (.*)\n", text)
    return {heading: body for heading, body in zip(parts[1::2], parts[2::2])
            if heading.startswith("AO2-")}


def check_section(guard, heading, lines, body):
    where = f"{PAGE}: {heading}"
    if body.strip().split("\n")[:len(lines)] != lines:
        guard.fault(where, f"does not begin with {lines}")
    for words in ("**Causes.**", "**Look at**"):
        if words not in body:
            guard.fault(where, f"{words} is missing")
    number = heading.split()[0]
    if f'"code":"{number}"' not in body and "To see it:" not in body:
        guard.fault(where, "does not say how to bring it about")


def check(guard):
    wanted = rows(guard)
    found = sections(guard.text(PAGE))
    for heading, lines in wanted.items():
        guard.look("sections")
        if heading in found:
            check_section(guard, heading, lines, found[heading])
        else:
            guard.fault(PAGE, f"{heading} is missing")
    for heading in found:
        if heading not in wanted:
            guard.fault(PAGE, f"{heading} is no error")
    if list(found) != [heading for heading in wanted if heading in found]:
        guard.fault(PAGE, "the order is another one")


LOOKS_AT = ("rows", "sections")

if __name__ == "__main__":
    run(check, "errors", *LOOKS_AT)
