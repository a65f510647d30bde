"""Finds the functions and declarations of a C file, by brackets alone."""
import re
from collections import namedtuple

from guard import blank, line_of

# first and last are lines; body is the text between the outer braces, None
# for a declaration.
Function = namedtuple("Function", "name first last parameters static body")


def without_directives(text):
    """Preprocessor lines, continued ones too, as spaces."""
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*",
                  lambda match: re.sub(r"[^\n]", " ", match.group()), text,
                  flags=re.M)


def closing(text, start):
    """Where the bracket that opens at @a start closes; the end if never."""
    opens = text[start]
    closes = {"(": ")", "{": "}"}[opens]
    depth = 0
    for at in range(start, len(text)):
        if text[at] == opens:
            depth += 1
        elif text[at] == closes:
            depth -= 1
            if not depth:
                return at
    return len(text)


def count_parameters(inside):
    """How many parameters stand between the parentheses."""
    if not inside.strip() or inside.strip() == "void":
        return 0
    depth = 0
    count = 1
    for char in inside:
        depth += (char in "([{") - (char in ")]}")
        count += char == "," and not depth
    return count


def read_head(text, start, end):
    """A function's head in text[start:end]: (name, parameters), or None."""
    head = text[start:end]
    match = re.search(r"(\w+)\s*\(", head)
    if not match or "=" in head[:match.end()] or head.lstrip()[:7] == "typedef":
        return None
    close = closing(head, match.end() - 1)
    behind = re.sub(r"\b(__attribute__|AP_DECLARE\w*)\b.*", "",
                    head[close + 1:], flags=re.S)
    if behind.strip():
        return None
    return match[1], count_parameters(head[match.end():close])


def functions(text):
    """The functions and declarations of a C text, in order."""
    code = without_directives(blank(text))
    start = at = 0
    while at < len(code):
        char = code[at]
        end = closing(code, at) if char in "({" else at
        if char in "{;":
            head = read_head(code, start, at)
            skipped = len(code[start:at]) - len(code[start:at].lstrip())
            if head:
                yield Function(head[0], line_of(code, start + skipped),
                               line_of(code, end), head[1],
                               re.match(r"\s*static\b", code[start:at])
                               is not None,
                               code[at + 1:end] if char == "{" else None)
            # An initialiser or a type goes on until its semicolon.
            if char == ";" or head:
                start = end + 1
        at = end + 1
