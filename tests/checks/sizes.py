"""Files of at most 500 lines; functions of at most 60 lines and 6
parameters, nested at most 3 deep."""
from functions import functions
from guard import run

FILE_LINES = 500
FUNCTION_LINES = 60
PARAMETERS = 6
NESTING = 3


def nesting(body):
    """How many braces are open at once inside a function's own."""
    depth = deepest = 0
    for char in body:
        depth += (char == "{") - (char == "}")
        deepest = max(deepest, depth)
    return deepest


def check_function(guard, path, function):
    where = f"{path}:{function.first}: {function.name}"
    if function.parameters > PARAMETERS:
        guard.fault(where, f"{function.parameters} parameters "
                           f"(at most {PARAMETERS})")
    if function.body is None:
        guard.look("declarations")
        return
    guard.look("functions")
    lines = function.last - function.first + 1
    if lines > FUNCTION_LINES:
        guard.fault(where, f"{lines} lines (at most {FUNCTION_LINES})")
    deep = nesting(function.body)
    if deep > NESTING:
        guard.fault(where, f"nested {deep} deep (at most {NESTING})")


def check(guard):
    for path in guard.c_files():
        text = guard.text(path)
        guard.look("files")
        lines = text.count("\n")
        if lines > FILE_LINES:
            guard.fault(path, f"{lines} lines (at most {FILE_LINES})")
        for function in functions(text):
            check_function(guard, path, function)


LOOKS_AT = ("files", "functions", "declarations")

if __name__ == "__main__":
    run(check, "sizes", *LOOKS_AT)
