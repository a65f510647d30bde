"""The guards can fail: each is shown a small good tree, which it accepts,
and the same tree with one thing wrong, which it refuses for that reason."""
import contextlib
import importlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from guard import Guard

CC = os.environ.get("CC", "cc").split()

# A project that every guard likes: paths and their text.
GOOD = {
    "configure.ac": "AC_INIT([x], [1.0])\nWARNINGS=-Wvla\n",
    "Makefile.am": """\
noinst_LTLIBRARIES = libbase.la
libbase_la_SOURCES = \\
\tsrc/base/a.c src/base/a.h src/base/errors.def src/base/limits.h
libservice_la_SOURCES = src/service/s.c src/service/s.h \\
\tsrc/service/metrics.def
libadapter_la_SOURCES = src/adapter/x.c src/adapter/x.h
mod_api_oauth2_la_LIBADD = libbase.la libservice.la libadapter.la $(LIBS)
mod_api_oauth2_la_SOURCES = mod_api_oauth2.c src/glue/directives.c \\
\tsrc/glue/dir_settings.def src/glue/issuer_section.c src/glue/require.c
include_HEADERS = include/mod_api_oauth2.h
UNIT_SOURCES = tests/unit/test_a.c
test_a_SOURCES = $(UNIT_SOURCES)
dist_doc_DATA = README.md docs/reference.md docs/errors.md
EXTRA_DIST = conf tests
""",
    "README.md": "Or\n\n    apxs -i -a -c mod_api_oauth2.c \\\n"
                 "        src/*/*.c\n",
    "conf/api_oauth2.conf": "# ApiErrorDetail Off\n#ApiClockSkew 60s\n"
                            "#<ApiIssuer x>\n",
    "include/mod_api_oauth2.h": """\
#ifndef MOD_API_OAUTH2_H
#define MOD_API_OAUTH2_H
#define API_OAUTH2_VERSION "1.0"
#define API_OAUTH2_ENV_SUBJECT "OAUTH2_SUBJECT"
#define API_OAUTH2_NOTE_ERROR "oauth2-error"
#endif
""",
    "mod_api_oauth2.c": '#include <httpd.h>\n#include "mod_api_oauth2.h"\n',
    "src/base/a.h": """\
/** What a does. */
#ifndef AO2_BASE_A_H
#define AO2_BASE_A_H
#include <apr_pools.h>
#define AO2_SIX 6
typedef enum { AO2_ONE, AO2_TWO = 2 } ao2_number_t;
typedef int ao2_match_fn(const void *context);
int ao2_a(int one, const char *two, int (*three)(int, int), int four[2],
          apr_pool_t *five, ...);
#endif
""",
    "src/base/a.c": """\
#include "base/a.h"

#include <string.h>

#define ROW(a, b) {a, b}

static const int rows[][2] = {ROW(1, 2), ROW(3, 4)};

/* Why: strcpy(a, b) and a goto in a comment are nothing. */
static int helper(void)
{
    const char *text = "sprintf(x) if (a = b) { ";
    char buffer[sizeof(rows) + 6];

    memset(buffer, 0, sizeof(buffer));
    return text[0] == '{' && buffer[0] <= 1;
}

int ao2_a(int one, const char *two, int (*three)(int, int), int four[2],
          apr_pool_t *five, ...)
{
    int i;

    for (i = one; i != 2; i++) {
        if (four[i] >= 1) {
            while (two[i]) {
                i += helper();
            }
        }
    }
    return five ? three(i, one) : 0;
}
""",
    "src/base/errors.def": 'AO2_ERROR(LATE, token_late, 14, 401, "invalid", '
                           '900901, info,\n          "The token is late.")\n'
                           'AO2_ERROR(LATER, token_late, 1014, 410, "", '
                           '900901, info,\n          "The token is gone.")\n',
    "src/base/limits.h": "#ifndef AO2_BASE_LIMITS_H\n"
                         "#define AO2_BASE_LIMITS_H\n"
                         "#define AO2_MAX_KEY (4 * 1024)\n#endif\n",
    "src/service/s.h": "#ifndef AO2_SERVICE_S_H\n#define AO2_SERVICE_S_H\n"
                       "#endif\n",
    "src/service/s.c": '#include "base/a.h"\n#include "service/s.h"\n',
    "src/adapter/x.h": "#ifndef AO2_ADAPTER_X_H\n#define AO2_ADAPTER_X_H\n"
                       "#endif\n",
    "src/adapter/x.c": '#include <httpd.h>\n#include "adapter/x.h"\n',
    "src/glue/dir_settings.def": "AO2_NUMBER(error_detail, 0)\n",
    "src/glue/directives.c": """\
const command_rec ao2_commands[] = {
    AP_INIT_TAKE_ARGV("ApiErrorDetail", ao2_set_flag,
                      DIR_MEMBER(error_detail), IN_D, "On or Off"),
    AP_INIT_RAW_ARGS("<ApiIssuer", ao2_open_issuer, NULL, IN_S, "NAME"),
    AP_INIT_TAKE_ARGV("ApiClockSkew", ao2_issuer_duration,
                      DRAFT_MEMBER(issuer.rules.skew), IN_S, "a duration"),
};
""",
    "src/glue/issuer_section.c": "#define SKEW apr_time_from_sec(60)\n"
                                 "static void make(void)\n{\n"
                                 "    issuer->rules.skew = SKEW;\n}\n",
    "src/glue/require.c": 'static const row_t rows[] = {\n'
                          '    {"oauth2-scope", &scope_provider},\n};\n',
    "src/service/metrics.def": 'AO2_COUNTED(REQUESTS, requests_total, counter, '
                               '"issuer",\n "result,"\n "reason", "", "x")\n'
                               'AO2_GAUGE(KEYS, keys, "issuer", "l", "k",\n'
                               '"m", "x")\n',
    "tests/unit/test_a.c": '#include <cmocka.h>\n#include "base/a.h"\n',
    "docs/errors.md": """\
# Errors

## AO2-014 token_late

401: The token is late.
410: The token is gone.

**Causes.** Time.

**Look at** the clock.

```console
$ ask
{..."code":"AO2-014"}
```
""",
    "docs/reference.md": """\
| Directive | Context | Default |
|---|---|---|
| `ApiErrorDetail On\\|Off` | D | `Off` |
| `<ApiIssuer NAME>` | S | – |
| `ApiClockSkew DURATION` | `<ApiIssuer>` | `1mi` |

| Require | |
|---|---|
| `oauth2-scope S …` | any of |

| Variable | |
|---|---|
| `OAUTH2_SUBJECT` | who |

| Note | |
|---|---|
| `oauth2-error` | why |

| Error | Number | Status | RFC 6750 | WSO2 | Level | Text |
|---|---|---|---|---|---|---|
| `token_late` | 014 | 401 | `invalid` | 900901 | info | The token is late. |
| `token_late` | 014 | 410 | – | 900901 | info | The token is gone. |

| Limit | Value |
|---|---|
| `AO2_MAX_KEY` | 4 KiB |

| Metric | Type | Labels |
|---|---|---|
| `api_oauth2_requests_total` | counter | `issuer` `result` `reason` |
| `api_oauth2_keys` | gauge | `issuer` |

| Other | |
|---|---|
| `Nothing` | of it |
""",
}

A_C = "src/base/a.c"
A_H = "src/base/a.h"
REFERENCE = "docs/reference.md"
ERRORS = "docs/errors.md"
LONG = "int f(void)\n{\n" + "    g();\n" * 58 + "}\n"

# Guard: rows of a path, what is put behind its text or (a pair) what is
# replaced in it, and a piece of the fault.
BAD = {
    "layers": [
        (A_C, '#include "service/s.h"\n', "above it or beside it"),
        (A_C, '#  include "service/s.h"\n', "above it or beside it"),
        (A_C, '#include "a.h"\n', "names no layer"),
        (A_C, '#include "base/b.h"\n', "is not there"),
        (A_C, "#include <httpd.h>\n", "not for it"),
        (A_C, "#include <openssl/evp.h>\n", "not for it"),
        (A_C, "#include <secret.h>\n", "of no library"),
        (A_C, "#include HEADER\n", "cannot be followed"),
        (A_C, '#include "mod_api_oauth2.h"\n', "not for it"),
        ("src/service/s.c", '#include "adapter/x.h"\n', "above it or beside"),
        ("src/service/s.c", "#include <http_core.h>\n", "not for it"),
        ("src/service/s.c", "#include <curl/curl.h>\n", "not for it"),
        ("src/adapter/x.c", '#include "service/s.h"\n', "above it or beside"),
    ],
    "sizes": [
        (A_C, LONG + "/* */\n" * 480, "lines (at most 500)"),
        (A_C, LONG.replace("    g();\n", "    g();\n\n", 1), "62 lines"),
        (A_C, "static int\nf(int a, int b, int c, int d, int e, int (*f)(int,"
              " int), int g)\n{\n}\n", "f: 7 parameters"),
        (A_H, "int f(int a, int b, int c, int d, int e, int f, ...);\n",
         "f: 7 parameters"),
        (A_C, "int f(void)\n{\n{{{{}}}}\n}\n", "nested 4 deep"),
    ],
    "layout": [
        (A_C, "/* " + "x" * 75 + " */\n", "81 columns"),
        (A_C, "\tint a;\n", "a tab"),
        (A_C, "int a; \n", "space at the end"),
        (A_C, "int a;", "does not end with one newline"),
        (A_C, "\n", "does not end with one newline"),
    ],
    "banned": [
        (A_C, "void f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy() is banned"),
        (A_C, "void f(void)\n{\n    goto out;\n}\n", "goto out"),
        (A_C, "void f(void)\n{\n    if ((a = b)) {\n    }\n}\n",
         "assignment in a condition"),
        (A_C, "void f(void)\n{\n    for (i = 0; (a = b) != 0;) {\n    }\n}\n",
         "assignment in a condition"),
        (A_C, "void f(void)\n{\n    while (*(a += 2)) {\n    }\n}\n",
         "assignment in a condition"),
        (A_C, "#define F(name) int name(void) { }\n", "makes a function"),
        (A_C, "#define F(name) \\\n  int name(void) \\\n  {\n",
         "makes a function"),
        (A_C, "#define CHECK(x) if (x) return 0\n", "hides a jump"),
        (A_C, "void f(int n)\n{\n    char text[n];\n}\n", "variable length"),
        (A_C, "void f(int n)\n{\n    char text[2 * n + 1] = {0};\n}\n",
         "variable length"),
        (A_C, "/* TO" "DO: finish */\n", "unfinished"),
        (REFERENCE, "FIX" "ME\n", "unfinished"),
        ("configure.ac", ("-Wvla", ""), "-Wvla is not on"),
    ],
    "names": [
        (A_C, "static int ao2_f(void)\n{\n}\n", "carries a prefix"),
        (A_C, "typedef struct {\n    int a;\n} row;\n", "neither _t nor _fn"),
        (A_C, "typedef __attribute__((vector_size(16))) char row;\n",
         "row ends in neither _t nor _fn"),
        (A_C, "typedef int ao2_row_t;\n", "for headers alone"),
        (A_H, "typedef int row_t;\n", "for headers alone"),
        (A_H, "typedef int (*ao2_row)(int);\n", "neither _t nor _fn"),
        (A_H, "#define SIX 6\n", "the macro SIX"),
        (A_H, "enum { ONE };\n", "the enumerator ONE"),
        (A_H, ("ifndef AO2_BASE_A_H", "ifndef AO2_A_H"),
         "header guard is not AO2_BASE_A_H"),
        (A_H, ("define AO2_BASE_A_H", "define AO2_A_H"),
         "header guard is not AO2_BASE_A_H"),
        (A_C, "struct _row {\n    int a;\n};\n", "with an underscore"),
    ],
    "sources": [
        ("src/base/b.c", "int b;\n", "does not build it"),
        ("tests/unit/test_b.c", "int b;\n", "does not build it"),
        ("Makefile.am", ("src/base/a.h", "src/base/c.h"), "c.h is not there"),
        ("README.md", ("src/*/*.c", "src/base/*.c src/glue/*.c"),
         "leaves out src/service/s.c"),
        ("README.md", ("src/*/*.c", "src/*/*.c tests/unit/*.c"),
         "not of the module"),
        ("docs/more.md", "More.\n", "is not in the tarball"),
        ("NOTICE.md", "More.\n", "is not in the tarball"),
        ("Makefile.am", "EXTRA_DIST += gone\n", "gone is not there"),
    ],
    "errors": [
        (ERRORS, ("## AO2-014 token_late", "## AO2-014 token_lat"),
         "AO2-014 token_late is missing"),
        (ERRORS, ("## AO2-014", "## AO2-015"), "AO2-015 token_late is no"),
        (ERRORS, ("401: ", "403: "), "does not begin with"),
        (ERRORS, ("is gone", "is lost"), "does not begin with"),
        (ERRORS, ("**Causes.**", "Causes."), "**Causes.** is missing"),
        (ERRORS, ("**Look at**", "Look at"), "**Look at** is missing"),
        (ERRORS, ('"code":"AO2-014"', '"code":"AO2-013"'),
         "how to bring it about"),
        ("src/base/errors.def", 'AO2_ERROR(NEW, token_new, 13, 401, "", '
         '900901, info,\n          "It is new.")\n',
         "AO2-013 token_new is missing"),
    ],
    "reference": [
        (REFERENCE, ("| D |", "| S |"), "its context is D"),
        (REFERENCE, ("`Off`", "`On`"), "its default is Off"),
        (REFERENCE, ("`1mi`", "`61s`"), "its default is 60s"),
        (REFERENCE, ("| –", "| `x`"), "has no default"),
        (REFERENCE, ("| `ApiErrorDetail", "| `ApiErrorDetails"),
         "Directive ApiErrorDetails is not in the code"),
        (REFERENCE, ("| `ApiErrorDetail", "| `ApiErrorDetails"),
         "Directive ApiErrorDetail is missing"),
        (REFERENCE, ("`oauth2-scope", "`oauth2-scopes"), "not in the code"),
        (REFERENCE, ("`oauth2-scope", "`oauth2-scopes"), "is missing"),
        (REFERENCE, ("OAUTH2_SUBJECT", "OAUTH2_USER"), "not in the code"),
        (REFERENCE, ("`oauth2-error`", "`oauth2-errors`"), "not in the code"),
        (REFERENCE, ("| 014", "| 15"), "its Number is 014"),
        (REFERENCE, ("| 401", "| 403"), "its Status is 401"),
        (REFERENCE, ("`invalid`", "–"), "its RFC 6750 is `invalid`"),
        (REFERENCE, ("| 900901", "| 900900"), "its WSO2 is 900901"),
        (REFERENCE, ("| info", "| error"), "its Level is info"),
        (REFERENCE, ("is late. |", "is early. |"), "its Text is"),
        (REFERENCE, ("is gone. |", "is lost. |"), "its Text is The token is g"),
        (REFERENCE, ("| 410", "| 409"), "Error token_late stands here twice"),
        (REFERENCE, ("| 410", "| 409"), "Error token_late 410 is missing"),
        (REFERENCE, ("4 KiB", "5 KiB"), "its value is 4096"),
        (REFERENCE, ("| counter", "| gauge"), "its type is counter"),
        (REFERENCE, ("`result` `", "`"), "its labels are issuer result rea"),
        (REFERENCE, ("_keys`", "_key`"), "Metric api_oauth2_keys is missing"),
        (REFERENCE, ("_keys`", "_key`"), "api_oauth2_key is not in the code"),
        (REFERENCE, ("| Limit |", "| Limits |"), "Limit AO2_MAX_KEY is miss"),
        (REFERENCE, "\n| Note | |\n|---|---|\n| `oauth2-error` | |\n",
         "stands here twice"),
        ("configure.ac", ("[1.0]", "[1.1]"), "is not that of configure.ac"),
        ("conf/api_oauth2.conf", "#ApiGone 1\n", "no directive ApiGone"),
        ("conf/api_oauth2.conf", ("#ApiClockSkew", "#"), "is missing"),
        ("src/glue/issuer_section.c", ("SKEW;", "OTHER;"),
         "no default of rules.skew"),
    ],
}

WALLS = ("libbase_la", "libcore_la", "libservice_la", "htapi")


class Guards(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.files(GOOD)
        self.files({"low/apr.h": "", "high/httpd.h": ""})
        self.makefile("", "-Ihigh")

    def files(self, texts):
        for path, text in texts.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")

    def makefile(self, low, high):
        """A build's Makefile with flags for the low and high layers."""
        lines = [f"CC = {' '.join(CC)}"]
        for name in WALLS + ("libadapter_la", "mod_api_oauth2_la"):
            more = low if name in WALLS else high
            lines.append(f"{name}_CPPFLAGS = -Ilow {more}")
        self.files({"Makefile": "\n".join(lines) + "\n"})

    def archive(self, name, text):
        """What nm reads as a convenience library."""
        libs = self.root / ".libs"
        libs.mkdir(exist_ok=True)
        subprocess.run(CC + ["-c", "-x", "c", "-", "-o", libs / f"{name}.a"],
                       input=text, text=True, check=True)

    def module(self, text, *flags):
        libs = self.root / ".libs"
        libs.mkdir(exist_ok=True)
        subprocess.run(CC + ["-shared", "-fPIC", "-x", "c", "-", *flags, "-o",
                             libs / "mod_api_oauth2.so"],
                       input=text, text=True, check=True)

    def judge(self, name, source=None):
        """Run a guard: its faults as one text."""
        module = importlib.import_module(name)
        guard = Guard(name, *module.LOOKS_AT, source=source or self.root,
                      build=self.root)
        module.check(guard)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = guard.verdict()
        faults = "\n".join(guard.faults)
        self.assertEqual(status, 1 if faults else 0)
        self.assertIn(f"{name}: looked at ", said.getvalue())
        return faults

    def test_rows(self):
        for name in ("base", "core", "service", "adapter"):
            self.archive(f"lib{name}", f"int ao2_{name};\n")
        for name, rows in BAD.items():
            self.assertEqual(self.judge(name), "", name)
            for path, change, wanted in rows:
                with self.subTest(guard=name, change=change):
                    self.change(name, path, change, wanted)
        print(f"{sum(map(len, BAD.values()))} faults found, as they should")

    def change(self, name, path, change, wanted):
        old = GOOD.get(path, "")
        if isinstance(change, tuple):
            self.assertIn(change[0], old)
            new = old.replace(*change, 1)
        else:
            new = old + change
        self.files({path: new})
        self.assertIn(wanted, self.judge(name))
        self.files({path: old})
        if not old:
            (self.root / path).unlink()

    def test_walls(self):
        self.assertEqual(self.judge("layers"), "")
        self.makefile("-Ihigh", "-Ihigh")
        self.assertIn("libcore_la_CPPFLAGS: lets httpd.h in",
                      self.judge("layers"))
        self.makefile("", "")
        self.assertIn("libadapter_la_CPPFLAGS: httpd.h is out of sight",
                      self.judge("layers"))
        self.makefile("-fno-such-flag", "-Ihigh")
        self.assertIn("nothing compiles", self.judge("layers"))
        self.files({"Makefile": ""})
        self.assertIn("is not there", self.judge("layers"))

    def test_symbols(self):
        for name in ("base", "core", "service", "adapter"):
            self.archive(f"lib{name}", f"int ao2_{name};\n")
        self.assertEqual(self.judge("names"), "")
        self.archive("libcore", "static int f;\nint *ao2_core = &f;\n")
        self.assertEqual(self.judge("names"), "")
        self.archive("libcore", "int f;\nint *ao2_core = &f;\n")
        self.assertIn("the symbol f lacks ao2_", self.judge("names"))
        (self.root / ".libs/libcore.a").unlink()
        self.assertIn("libcore.a", self.judge("names"))

    def test_exports(self):
        good = "int other(void);\nint api_oauth2_module;\n" \
               "__attribute__((visibility(\"hidden\"))) int f(void)\n" \
               "{ return other(); }\n"
        rows = [("int ao2_more;\n", "exports ao2_more"),
                ("int ao2_gone(void);\nint (*api_oauth2_call)(void) = "
                 "ao2_gone;\n", "ao2_gone is nowhere defined")]
        flags = ["-nostdlib", "-Wl,-z,lazy"]
        self.module(good, *flags)
        self.assertEqual(self.judge("exports"), "")
        for more, wanted in rows:
            self.module(good + more, *flags)
            self.assertIn(wanted, self.judge("exports"))
        self.module("int ao2_only;\n", *flags)
        self.assertIn("does not export", self.judge("exports"))

    def test_nothing_to_look_at(self):
        with tempfile.TemporaryDirectory() as empty:
            for name in list(BAD) + ["exports"]:
                self.assertIn("to look at",
                              self.judge(name, pathlib.Path(empty)), name)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    unittest.main()
