"""docs/reference.md and conf/api_oauth2.conf against the code, both ways.

A table of the reference is known by the heading of its first column; a kind
may have several tables, other columns may stand between or behind, other
tables are not looked at. The first cell of a row starts with `Name ...`:
the name is the first word inside the backticks (`<ApiIssuer NAME>` is
<ApiIssuer). A pipe inside a cell is written \\|.

    | Directive | Context | Default | ...
        Context: D (everywhere, .htaccess included); D and L (as D, but
        one form of it not in .htaccess); S (server and virtual host); or
        the sections where it stands, as `<ApiIssuer>`.
        Default: the words of the directive, or an en dash for none.
    | Require | ...            the name behind Require, as `oauth2-scope S ...`
    | Variable | ...           environment variables
    | Note | ...               request notes
    | Error | Number | Status | RFC 6750 | WSO2 | Level | Text
        of base/errors.def; Number is three digits, also where the row is the
        second one of a failure; RFC 6750 is `word`, or an en dash for none
    | Limit | Value | ...      of base/limits.h; Value starts with a number,
                               KiB allowed behind
    | Metric | Type | Labels   of service/metrics.def; Labels separated by
                               spaces, in their order

The version is the same in configure.ac and in the public header.

conf/api_oauth2.conf has a line for every directive, commented out or not,
and none for a directive that is not there.
"""
import re

import defaults
from guard import blank, run

REFERENCE = "docs/reference.md"
CONF = "conf/api_oauth2.conf"
DIRECTIVES = "src/glue/directives.c"
METRICS = "src/service/metrics.def"
KINDS = ("Directive", "Require", "Variable", "Note", "Error", "Limit",
         "Metric")
NOTHING = ("–", "required")

# Where a directive stands, by its handler's name.
SECTIONS = {"ao2_issuer_": {"<ApiIssuer>"},
            "ao2_party_": {"<ApiIssuer>", "<ApiUpstream>"},
            "ao2_upstream_": {"<ApiUpstream>"}}

# Set by httpd from what the module gives it.
OF_HTTPD = {"REMOTE_USER": r"r->user = ", "AUTH_TYPE": r"r->ap_auth_type = "}


def cells(line):
    parts = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [part.strip().replace("\\|", "|") for part in parts]


def tables(text):
    """Rows of the tables that count: (kind, name, line, {heading: cell})."""
    heads = None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("|"):
            heads = None
            continue
        row = cells(line)
        if heads is None:
            heads = row
        elif heads[0] in KINDS and not re.match(r"\|[\s:-]+\|", line):
            name = re.match(r"`([^\s`]+)", row[0])
            yield (heads[0], name[1].rstrip(">") if name else row[0], number,
                   dict(zip(heads, row)))


def context_of(handler, info, glue):
    for beginning, sections in SECTIONS.items():
        if handler.startswith(beginning):
            return sections
    if "IN_L" in info:
        return {"L"}
    if "IN_D" not in info:
        return {"S"}
    body = re.search(rf"\b{handler}\(.*?\n}}\n", glue, re.S)
    refuses = body and "NOT_IN_HTACCESS" in body[0]
    return {"D", "L"} if refuses else {"D"}


def directives(guard):
    """{name: (context, default)} of the command table."""
    text = blank(guard.text(DIRECTIVES), keep_strings=True)
    glue = "".join(guard.text(path) for path in guard.c_files("src/glue")
                   if path.suffix == ".c")
    found = {}
    rows = re.findall(r'AP_INIT_\w+\(\s*"([^"]+)",\s*(\w+),(.*?)"', text,
                      re.S)
    for name, handler, rest in rows:
        if not name.lstrip("<").startswith("Api"):
            continue
        info = " ".join(rest.split())
        found[name] = (context_of(handler, info, glue),
                       defaults.default_of(guard, name, handler, info))
    return found


def providers(guard):
    text = "".join(blank(guard.text(path), keep_strings=True)
                   for path in guard.c_files("src/glue"))
    return dict.fromkeys(re.findall(r'\{"([\w-]+)", &\w+_provider\}', text))


def exported_names(guard, kind):
    header = guard.text("include/mod_api_oauth2.h")
    return dict.fromkeys(re.findall(
        rf'#define API_OAUTH2_{kind}_\w+\s+"([^"]+)"', header))


def variables(guard):
    found = exported_names(guard, "ENV")
    glue = "".join(guard.text(path) for path in guard.c_files("src/glue"))
    found.update(dict.fromkeys(re.findall(
        r'apr_table_setn?\((?:env|r->subprocess_env),\s*"([^"]+)"', glue)))
    found.update(dict.fromkeys(name for name, shown in OF_HTTPD.items()
                               if re.search(shown, glue)))
    return found


def errors(guard):
    """{id: row}; where a failure has a second row: {"id status": row}."""
    text = blank(guard.text("src/base/errors.def"), keep_strings=True)
    rows = re.findall(
        r'AO2_ERROR\(\w+,\s*(\w+),\s*(\d+),\s*(\d+),\s*"(\w*)",\s*(\d+),'
        r'\s*(\w+),\s*"([^"]*)"\)', text)
    return {row[0] if int(row[1]) < 1000 else f"{row[0]} {row[2]}": row[1:]
            for row in rows}


def limits(guard):
    text = blank(guard.text("src/base/limits.h"))
    found = {}
    for name, value in re.findall(r"#define (AO2_M\w+) ([\d ()*]+)", text):
        product = 1
        for factor in re.findall(r"\d+", value):
            product *= int(factor)
        found[name] = product
    return found


def metrics(guard):
    """{name: (type, labels)}"""
    text = re.sub(r'"\n *"', "", blank(guard.text(METRICS),
                                      keep_strings=True))
    found = {}
    for name, kind, labels, column in re.findall(
            r'AO2_COUNTED\(\w+,\s*(\w+),\s*(\w+),\s*"([^"]*)",'
            r'\s*"([^"]*)"', text):
        found[name] = (kind, re.findall(r"\w+", f"{labels},{column}"))
    for name, label in re.findall(r'AO2_GAUGE\(\w+,\s*(\w+),\s*"(\w*)"',
                                  text):
        found[name] = ("gauge", re.findall(r"\w+", label))
    return {f"api_oauth2_{name}": row for name, row in found.items()}


def words_of(cell):
    """The words of a default, durations as seconds."""
    words = []
    for word in cell.replace("`", "").split():
        name, equals, value = word.rpartition("=")
        number = defaults.seconds(value)
        words.append(f"{name}{equals}{number}" if number is not None
                     else word)
    return words


def compare_directive(row, code):
    context, default = code
    documented = set(re.findall(r"\b[SDL]\b|<\w+>", row.get("Context", "")))
    if documented != context:
        yield f"its context is {' '.join(sorted(context))}"
    shown = row.get("Default", "")
    if default is None and shown not in NOTHING:
        yield "it has no default"
    if default is not None and words_of(shown) != words_of(" ".join(default)):
        yield f"its default is {' '.join(default)}"


def compare_error(row, code):
    number, status, rfc6750, wso2, level, text = code
    wanted = {"Number": f"{int(number) % 1000:03d}", "Status": status,
              "RFC 6750": f"`{rfc6750}`" if rfc6750 else "–", "WSO2": wso2,
              "Level": level, "Text": text}
    for column, value in wanted.items():
        if row.get(column) != value:
            yield f"its {column} is {value}"


def compare_limit(row, code):
    value = re.match(r"([\d ,]*\d) ?(KiB)?", row.get("Value", ""))
    number = value and (int(re.sub(r"\D", "", value[1]))
                        * (1024 if value[2] else 1))
    if number != code:
        yield f"its value is {code}"


def compare_metric(row, code):
    kind, labels = code
    if row.get("Type") != kind:
        yield f"its type is {kind}"
    if re.findall(r"`(\w+)`", row.get("Labels", "")) != labels:
        yield f"its labels are {' '.join(labels)}"


COMPARE = {"Directive": compare_directive, "Error": compare_error,
           "Limit": compare_limit, "Metric": compare_metric}


def check_conf(guard, names):
    seen = set()
    for number, line in enumerate(guard.text(CONF).split("\n"), 1):
        match = re.match(r"[#\s]*(<?Api\w+)(\s|$)", line)
        if match:
            guard.look("lines of configuration")
            seen.add(match[1])
            if match[1] not in names:
                guard.fault(f"{CONF}:{number}", f"no directive {match[1]}")
    for name in sorted(set(names) - seen):
        guard.fault(CONF, f"{name} is missing")


def check_version(guard):
    shown = re.search(r'#define API_OAUTH2_VERSION "(.+)"',
                      guard.text("include/mod_api_oauth2.h"))
    if not shown or f"[{shown[1]}])" not in guard.text("configure.ac"):
        guard.fault("include/mod_api_oauth2.h",
                    "the version is not that of configure.ac")


def check(guard):
    code = {"Directive": directives(guard), "Require": providers(guard),
            "Variable": variables(guard), "Error": errors(guard),
            "Note": exported_names(guard, "NOTE"), "Limit": limits(guard),
            "Metric": metrics(guard)}
    seen = {kind: set() for kind in KINDS}
    for kind, name, line, row in tables(guard.text(REFERENCE)):
        where = f"{REFERENCE}:{line}"
        guard.look(kind)
        second = f"{name} {row.get('Status')}"
        if kind == "Error" and second in code[kind]:
            name = second
        if name in seen[kind] and kind != "Directive":
            guard.fault(where, f"{kind} {name} stands here twice")
        seen[kind].add(name)
        if name not in code[kind]:
            guard.fault(where, f"{kind} {name} is not in the code")
        elif kind in COMPARE:
            for wrong in COMPARE[kind](row, code[kind][name]):
                guard.fault(where, f"{kind} {name}: {wrong}")
    for kind in KINDS:
        guard.look("rows of code", len(code[kind]))
        for name in sorted(set(code[kind]) - seen[kind]):
            guard.fault(REFERENCE, f"{kind} {name} is missing")
    check_conf(guard, code["Directive"])
    check_version(guard)


LOOKS_AT = (*KINDS, "rows of code", "lines of configuration")

if __name__ == "__main__":
    run(check, "reference", *LOOKS_AT)
