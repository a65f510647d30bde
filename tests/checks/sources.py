"""Every source is built and every file is handed out.

Makefile.am names every C file of src, include, tools and tests, and no file
that is not there. What is documented for a plain "apxs -i -a -c" compiles
all sources of the module. Docs, configuration, scripts and tests are part
of the tarball.
"""
import re

from guard import run

MAKEFILE = "Makefile.am"
HANDED_OUT = ("docs", "conf", "debian", "scripts", "tests", "bench")
ROOT_FILES = re.compile(r"[A-Z]\w*(\.md)?|\.clang-format|\w+\.spec")
#: Not built by make: public vectors, what an integration test compiles.
APART = {"tests/vectors", "tests/integration"}
MADE = {"Makefile", "Makefile.in", ".deps", ".libs", "__pycache__",
        ".pytest_cache", "node_modules", ".dirstamp"}
MADE_ENDS = re.compile(r"\.(o|lo|la|log|trs|gcda|gcno|pyc)$|"
                       r"^(test|fuzz|replay|bench)_\w+$")


def variables(text):
    """{name: [words]} of a Makefile.am."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*$", "", text, flags=re.M))
    found = {}
    for name, value in re.findall(r"^(\w+)\s*\+?=(.*)$", joined, re.M):
        found.setdefault(name, []).extend(value.split())
    return found


def expand(words, all_words, depth=3):
    """Words with $(variables) put in."""
    for word in words:
        inner = re.fullmatch(r"\$\((\w+)\)", word)
        if inner and depth:
            yield from expand(all_words.get(inner[1], []), all_words,
                              depth - 1)
        else:
            yield word


def check_built(guard, names):
    built = {word for name, words in names.items()
             if name.endswith("_SOURCES") or name == "include_HEADERS"
             for word in expand(words, names)}
    there = {str(path) for path in guard.c_files()
             if "/".join(path.parts[:2]) not in APART}
    guard.look("sources", len(there))
    for path in sorted(there - built):
        guard.fault(path, f"{MAKEFILE} does not build it")
    for path in sorted(built):
        guard.look("named sources")
        if not guard.there(path):
            guard.fault(MAKEFILE, f"{path} is not there")


def module_sources(names):
    """The C files of the module and of its convenience libraries."""
    libraries = ["mod_api_oauth2_la"] + [
        re.sub(r"\W", "_", word) for word in names.get("mod_api_oauth2_la_"
                                                       "LIBADD", [])
        if word.endswith(".la")]
    return {word for library in libraries
            for word in expand(names.get(f"{library}_SOURCES", []), names)
            if word.endswith(".c")}


def check_apxs(guard, names):
    """The documented command, its wildcards as a shell reads them."""
    wanted = module_sources(names)
    pages = [*guard.source.glob("*.md"), *guard.source.glob("docs/*.md")]
    for path in sorted(page.relative_to(guard.source) for page in pages):
        text = re.sub(r"\\\n", " ", guard.text(path))
        for command in re.findall(r"^.*\bapxs2?\b.* -c .*$", text, re.M):
            guard.look("apxs commands")
            given = set()
            for word in command.split():
                if word.endswith(".c"):
                    given.update(str(file.relative_to(guard.source))
                                 for file in guard.source.glob(word))
            for source in sorted(wanted - given):
                guard.fault(path, f"apxs -c leaves out {source}")
            for source in sorted(given - wanted):
                guard.fault(path, f"apxs -c has {source}, which is not of "
                                  "the module")


def is_made(path):
    return (any(part in MADE for part in path.parts)
            or MADE_ENDS.search(path.name) is not None)


def check_handed_out(guard, names):
    """What the tarball must hold and automake does not add by itself."""
    given = {word for name, words in names.items()
             if name == "EXTRA_DIST" or name.startswith("dist_")
             or name.endswith(("_SOURCES", "_HEADERS"))
             for word in expand(words, names)}
    files = [path for path in guard.source.glob("*")
             if path.is_file() and ROOT_FILES.fullmatch(path.name)
             and path.name != "Makefile"]
    for place in HANDED_OUT:
        files += [path for path in (guard.source / place).rglob("*")
                  if path.is_file()]
    for path in sorted(files):
        path = path.relative_to(guard.source)
        if is_made(path):
            continue
        guard.look("files")
        above = {str(parent) for parent in path.parents}
        if str(path) not in given and not above & given:
            guard.fault(path, "is not in the tarball (EXTRA_DIST)")
    for word in sorted(given):
        if not guard.there(word) and "$" not in word:
            guard.fault(MAKEFILE, f"{word} is not there")


def check(guard):
    names = variables(guard.text(MAKEFILE))
    check_built(guard, names)
    check_apxs(guard, names)
    check_handed_out(guard, names)


LOOKS_AT = ("sources", "named sources", "apxs commands", "files")

if __name__ == "__main__":
    run(check, "sources", *LOOKS_AT)
