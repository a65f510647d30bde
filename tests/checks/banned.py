"""What no source may hold.

Functions that know no bounds or are easily used wrongly; variable length
arrays; an assignment in a condition; a macro that makes a function or hides
a jump; goto to anything but "done"; words that mark unfinished work.
"""
import re

from functions import closing
from guard import blank, line_of, run

CALLS = ("strcpy strncpy strcat strncat sprintf vsprintf gets strtok atoi "
         "atol atoll atof alloca tmpnam mktemp rand srand ctime asctime "
         "gmtime localtime system popen "
         "apr_thread_exit").split()  # AddressSanitizer: return instead

# Written in two pieces, or this file would be its own fault.
UNFINISHED = ["TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"]
TEXTS = (".c", ".h", ".def", ".py", ".md", ".sh", ".conf", ".am", ".ac",
         ".mjs", ".1")
TEXT_PLACES = ("src", "include", "tools", "tests", "docs", "conf", "scripts",
               "bench")
NOT_OURS = {"vectors", "node_modules"}


def each(pattern, code):
    """Line and match of every occurrence."""
    for match in re.finditer(pattern, code):
        yield line_of(code, match.start()), match


def is_assignment(condition):
    return re.search(r"(?<![=!<>])(?:<<|>>)?=(?!=)", condition) is not None


def conditions(code):
    """Offset and text of what if, while, switch and for decide by."""
    for match in re.finditer(r"\b(if|while|switch|for)\s*\(", code):
        start = match.end() - 1
        inside = code[start + 1:closing(code, start)]
        if match[1] == "for":
            parts = inside.split(";")
            inside = parts[1] if len(parts) == 3 else ""
        yield match.start(), inside


def macros(code):
    """Offset, head and body of every macro."""
    for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+(?:\([^)]*\))?)"
                             r"((?:\\\n|[^\n])*)", code, re.M):
        yield match.start(), match[1], match[2]


def arrays(code):
    """Offset and size of local arrays whose size is no constant."""
    for match in re.finditer(r"^[ \t]+(?:\w+[ \t*]+)+\w+\[([^\]]+)\]\s*[;=,]",
                             code, re.M):
        if match.group().split()[0] in ("return", "goto", "typedef"):
            continue
        size = re.sub(r"\bsizeof\s*\([^)]*\)|\bsizeof \w+|\b\d\w*\b", "",
                      match[1])
        if re.search(r"[a-z]", size):
            yield match.start(), match[1]


def check_code(guard, path, code):
    for line, match in each(rf"\b({'|'.join(CALLS)})\s*\(", code):
        guard.fault(f"{path}:{line}", f"{match[1]}() is banned")
    for line, match in each(r"\bgoto\s+(\w+)", code):
        if match[1] != "done":
            guard.fault(f"{path}:{line}", f"goto {match[1]}: the one label "
                                          "is done")
    for offset, condition in conditions(code):
        guard.look("conditions")
        if is_assignment(condition):
            guard.fault(f"{path}:{line_of(code, offset)}",
                        "an assignment in a condition")
    for offset, name, body in macros(code):
        guard.look("macros")
        if re.search(r"\b(return|goto|break|continue)\b|\)\s*(\\\n\s*)?\{",
                     body):
            guard.fault(f"{path}:{line_of(code, offset)}",
                        f"the macro {name} makes a function or hides a jump")
    for offset, size in arrays(code):
        guard.fault(f"{path}:{line_of(code, offset)}",
                    f"an array of variable length [{size}]")


def texts(guard):
    """Every text that we wrote."""
    found = [path for path in guard.source.glob("*") if path.is_file()]
    for place in TEXT_PLACES:
        found += (guard.source / place).rglob("*")
    for path in sorted(found):
        ours = not NOT_OURS & set(path.relative_to(guard.source).parts)
        script = (path.parent == guard.source / "scripts" and
                  not path.suffix)
        if ours and path.is_file() and (path.suffix in TEXTS or script):
            yield path.relative_to(guard.source)


def check(guard):
    for path in guard.c_files():
        guard.look("sources")
        check_code(guard, path, blank(guard.text(path)))
    for path in texts(guard):
        guard.look("texts")
        for line, match in each(rf"\b({'|'.join(UNFINISHED)})\b",
                                guard.text(path)):
            guard.fault(f"{path}:{line}", f"unfinished: {match[1]}")
    if "-Wvla" not in guard.text("configure.ac"):
        guard.fault("configure.ac", "-Wvla is not on")


LOOKS_AT = ("sources", "conditions", "macros", "texts")

if __name__ == "__main__":
    run(check, "banned", *LOOKS_AT)
