"""Names: ao2_ on every symbol that others can link to, and on none that is
static; ao2_*_t types, AO2_* macros and enumerators in headers; header guards
that tell the path; no leading underscores."""
import re
import subprocess

from functions import functions, without_directives
from guard import blank, line_of, run

LIBRARIES = ("libbase", "libcore", "libservice", "libadapter")
# Of the module itself, beside ao2_*.
MODULE_OWN = {"api_oauth2_module", "api_oauth2_claim"}
# What instrumented builds add.
INSTRUMENT = re.compile(r"__(odr_asan|asan|ubsan|gcov|llvm|tsan|sancov)")


def globals_of(guard, path):
    """Names of the global symbols that an object or archive defines."""
    done = subprocess.run(["nm", "-g", "-P", "--defined-only", str(path)],
                          capture_output=True, text=True, timeout=60)
    if done.returncode:
        guard.fault(path, done.stderr.strip())
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) > 1 and not INSTRUMENT.match(words[0]):
            yield words[0]


def check_symbols(guard):
    own = {}
    for library in LIBRARIES:
        own[guard.build / f".libs/{library}.a"] = set()
    for path in sorted(guard.build.glob("src/glue/.libs/*.o")) + sorted(
            guard.build.glob(".libs/*.o")):
        own[path] = MODULE_OWN
    for path, others in own.items():
        found = list(globals_of(guard, path))
        guard.look("symbols", len(found))
        for name in found:
            if not name.startswith("ao2_") and name not in others:
                guard.fault(path.name, f"the symbol {name} lacks ao2_")


def check_header(guard, path, code):
    """What may stand in a header that others include."""
    public = path.parts[0] == "include"
    stem = path.name if public else "/".join(
        path.parts[1 if path.parts[0] == "src" else 0:])
    wanted = ("" if public else "AO2_") + re.sub(r"\W", "_", stem).upper()
    macros = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", code, re.M)
    if not re.match(rf"\s*#ifndef {wanted}\n#define {wanted}\n", code):
        guard.fault(path, f"the header guard is not {wanted}")
    for name in macros[1:]:
        guard.look("names")
        if not name.startswith("API_OAUTH2_" if public else "AO2_"):
            guard.fault(path, f"the macro {name}")
    plain = without_directives(code)
    for match in re.finditer(r"\benum\b[^{;]*\{([^}]*)\}", plain):
        for name in re.findall(r"(?:^|,)\s*(\w+)", match[1]):
            guard.look("names")
            if not name.startswith("AO2_"):
                guard.fault(path, f"the enumerator {name}")


def typedefs(code):
    """Offset and name of every type."""
    plain = without_directives(code)
    for match in re.finditer(r"\btypedef\b", plain):
        end, depth = match.end(), 0
        while end < len(plain) and (plain[end] != ";" or depth):
            depth += (plain[end] == "{") - (plain[end] == "}")
            end += 1
        text = re.sub(r"\{.*\}|__attribute__\s*\(\(.*?\)\)\)?", " ",
                      plain[match.end():end], flags=re.S)
        called = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(|(\w+)\s*\(", text)
        name = (called[1] or called[2]) if called else re.findall(
            r"\w+", re.sub(r"\[[^\]]*\]", "", text))[-1]
        yield match.start(), name


def check_names(guard, path, code):
    is_header = path.suffix == ".h"
    for offset, name in typedefs(code):
        guard.look("names")
        where = f"{path}:{line_of(code, offset)}"
        if not re.fullmatch(r"(ao2_)?\w+_(t|fn)", name):
            guard.fault(where, f"the type {name} ends in neither _t nor _fn")
        if is_header != name.startswith("ao2_"):
            guard.fault(where, f"the type {name}: ao2_ is for headers, and "
                               "for headers alone")
    for function in functions(code):
        guard.look("names")
        if function.static and not is_header and \
                function.name.startswith("ao2_"):
            guard.fault(f"{path}:{function.first}",
                        f"{function.name} is static and carries a prefix")
    for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(_\w+)|"
                             r"\b(?:struct|enum|union)[ \t]+(_\w+)", code,
                             re.M):
        guard.fault(f"{path}:{line_of(code, match.start())}",
                    f"{match[1] or match[2]} starts with an underscore")


def check(guard):
    check_symbols(guard)
    for path in guard.c_files("src", "include", "tools", ends=(".c", ".h")):
        guard.look("files")
        code = blank(guard.text(path))
        if path.suffix == ".h":
            check_header(guard, path, code)
        check_names(guard, path, code)


LOOKS_AT = ("symbols", "files", "names")

if __name__ == "__main__":
    run(check, "names", *LOOKS_AT)
