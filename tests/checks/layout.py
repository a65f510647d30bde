"""80 columns, no tabs, no space at a line's end, one newline at a file's."""
from guard import run

COLUMNS = 80


def check_line(guard, where, line):
    if len(line) > COLUMNS:
        guard.fault(where, f"{len(line)} columns")
    if "\t" in line:
        guard.fault(where, "a tab")
    if line != line.rstrip():
        guard.fault(where, "space at the end")


def check(guard):
    for path in guard.c_files():
        guard.look("files")
        text = guard.text(path)
        lines = text.split("\n")
        if lines[-1] or len(lines) < 2 or not lines[-2]:
            guard.fault(path, "does not end with one newline")
        for number, line in enumerate(lines, 1):
            guard.look("lines")
            check_line(guard, f"{path}:{number}", line)


LOOKS_AT = ("files", "lines")

if __name__ == "__main__":
    run(check, "layout", *LOOKS_AT)
