"""Includes go down or stay and name their layer; service and adapter never
see each other; only adapter and glue see httpd and libcurl.

The include paths of the build hold the httpd part as well: a source with
<httpd.h> must not compile with the flags of a low layer, and must with
those of a high one.
"""
import os
import pathlib
import re
import subprocess

from guard import blank, line_of, run

LOW = {"base": {"base"}, "core": {"base", "core"},
       "port": {"base", "core", "port"}}
SEES = dict(LOW,
            service=LOW["port"] | {"service"},
            adapter=LOW["port"] | {"adapter"},
            glue=LOW["port"] | {"service", "adapter", "glue"},
            tools={"base", "core", "tools"},
            unit=LOW["port"] | {"service", "adapter", "tools", "unit"},
            fuzz=LOW["port"] | {"service", "adapter", "fuzz"})
PUBLIC = "mod_api_oauth2.h"

# What stands in angle brackets: a library, and who may use it.
LIBRARIES = [
    (r"apr\w*\.h", set(SEES)),
    (r"jansson\.h", set(SEES) - {"port"}),
    (r"openssl/.*", set(SEES) - {"base", "port"}),
    (r"curl/.*", {"adapter", "glue", "fuzz"}),
    (r"hiredis/.*", {"adapter"}),
    (r"(httpd|http_\w+|ap_\w+|mod_\w+|util_\w+|scoreboard|mpm_common|unixd)"
     r"\.h", {"adapter", "glue"}),
    (r"cmocka\.h", {"unit"}),
    (r"dlfcn\.h", {"adapter"}),
    # ISO C and POSIX
    (r"(assert|ctype|dirent|errno|fcntl|float|inttypes|limits|locale|math|poll|"
     r"pthread|sched|setjmp|signal|stdarg|stdatomic|stdbool|stddef|stdint|stdio|"
     r"stdlib|string|strings|time|unistd|netdb|netinet/\w+|arpa/inet|"
     r"sys/\w+)\.h", set(SEES)),
]

# Flags of automake's Makefile, and whether httpd is in sight.
WALLS = {"libbase_la_CPPFLAGS": False, "libcore_la_CPPFLAGS": False,
         "libservice_la_CPPFLAGS": False, "htapi_CPPFLAGS": False,
         "libadapter_la_CPPFLAGS": True, "mod_api_oauth2_la_CPPFLAGS": True}


def layer_of(path):
    """The layer of a file; None for what is in none."""
    if path.name == "mod_api_oauth2.c":
        return "glue"
    layer = path.parts[0]
    if layer in ("src", "tests"):
        layer = path.parts[1]
    return layer if layer in SEES else None


def wrong_include(guard, layer, bracket, name):
    """What is wrong with one include; None: nothing."""
    if bracket == "<":
        for pattern, users in LIBRARIES:
            if re.fullmatch(pattern, name):
                return None if layer in users else f"<{name}> is not for it"
        return f"<{name}> is of no library that it may use"
    if name == PUBLIC:
        return None if layer == "glue" else f'"{name}" is not for it'
    other = name.split("/")[0]
    if other == name:
        return f'"{name}" names no layer'
    if other not in SEES[layer]:
        return f'"{name}" is above it or beside it'
    places = {"tools": "", "unit": "tests", "fuzz": "tests"}
    if not guard.there(pathlib.Path(places.get(other, "src"), name)):
        return f'"{name}" is not there'
    return None


def check_includes(guard):
    for path in guard.c_files():
        layer = layer_of(path)
        if not layer:
            continue
        guard.look("files")
        text = blank(guard.text(path), keep_strings=True)
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(\S+)', text,
                                 re.M):
            guard.look("includes")
            name = match[1]
            wrong = (wrong_include(guard, layer, name[0], name[1:-1])
                     if name[0] in '<"' else f"{name} cannot be followed")
            if wrong:
                guard.fault(f"{path}:{line_of(text, match.start())}",
                            f"layer {layer}: {wrong}")


def flags(guard, variable):
    """What the build's Makefile gives for CC and a variable, as words."""
    rules = f"include Makefile\nao2-flags:\n\t@echo $(CC) $({variable})\n"
    environ = {name: value for name, value in os.environ.items()
               if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    made = ("Makefile", "Makefile.in", "configure", "config.status")
    done = subprocess.run(["make", "-s", "-f", "-", "ao2-flags"]
                          + [word for name in made for word in ("-o", name)],
                          input=rules, cwd=guard.build, env=environ,
                          capture_output=True, text=True, timeout=60)
    return done.stdout.split()


def compiles(guard, words, header):
    """Whether a source with one include compiles: (yes, messages)."""
    done = subprocess.run(words + ["-fsyntax-only", "-x", "c", "-"],
                          input=f"#include <{header}>\nint ao2_wall;\n",
                          cwd=guard.build, env=dict(os.environ, LC_ALL="C"),
                          capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stderr


def check_walls(guard):
    for variable, sees_httpd in WALLS.items():
        words = flags(guard, variable)
        if len(words) < 2:
            guard.fault("Makefile", f"{variable} is not there")
            continue
        good, messages = compiles(guard, words, "apr.h")
        if not good:
            guard.fault(variable, f"nothing compiles with it: {messages}")
        good, messages = compiles(guard, words, "httpd.h")
        guard.look("compiles", 2)
        if sees_httpd and not good:
            guard.fault(variable, f"httpd.h is out of sight: {messages}")
        elif not sees_httpd and (good or "httpd.h" not in messages):
            guard.fault(variable, "lets httpd.h in")


def check(guard):
    check_includes(guard)
    check_walls(guard)


LOOKS_AT = ("files", "includes", "compiles")

if __name__ == "__main__":
    run(check, "layers", *LOOKS_AT)
