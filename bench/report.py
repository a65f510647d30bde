"""docs/performance.md and its plots, from what was measured."""
import json
import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import contenders
from servers import HTTPD, TOP

DOCS = TOP / "docs"
COLORS = ("#2b6cb0", "#c05621", "#2f855a", "#718096")
#: What a mode may add, by the aims of the project.
AIMS = {"JWT known": 10000, "opaque known": 10000, "API token": 10000,
        "JWT new, RS256": 400000, "JWT new, ES256": 950000,
        "opaque new": 200000}
PLAN_AIM = 5000


def ask(*command):
    done = subprocess.run(command, text=True, capture_output=True)
    return (done.stdout + done.stderr).strip()


def machine():
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    httpd = re.search(r"Apache/[\d.]+", ask(HTTPD, "-v"))
    packages = ask("dpkg-query", "-W", "-f", "${Package} ${Version}, ",
                   "libssl3", "libjansson4", "libcurl4",
                   "libapache2-mod-oauth2", "libapache2-mod-auth-openidc",
                   "valgrind", "wrk")
    return (f"{cpu[1] if cpu else 'processor'}, {os.cpu_count()} cores, "
            f"{platform.machine()}; {httpd[0]}; {packages.rstrip(', ')}; "
            f"{ask('gcc', '--version').splitlines()[0]}").replace("; ", ";\n")


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |",
             "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def added(counts, name, mode):
    """Beyond the same token that nobody looks at; None: not measured."""
    count = counts.get(name, {}).get(mode.name)
    if count is None:
        return None
    return count - counts["bare httpd"][contenders.PLAIN[mode.kind].name]


def bars(path, title, rows, unit):
    """A bar a row of (label, value, series); the longest is the width."""
    longest = max(value for _, value, _ in rows)
    height = 40 + 22 * len(rows)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" '
             f'height="{height}" font-family="sans-serif" font-size="12">'
             f'<rect width="720" height="{height}" fill="white"/>'
             f'<text x="10" y="20" font-size="14">{title}</text>']
    for i, (label, value, series) in enumerate(rows):
        y, width = 34 + 22 * i, max(1, 360 * value / longest)
        parts.append(
            f'<text x="10" y="{y + 13}">{label}</text>'
            f'<rect x="250" y="{y}" width="{width:.0f}" height="17" '
            f'fill="{COLORS[series]}"/><text x="{256 + width:.0f}" '
            f'y="{y + 13}">{value:,.0f} {unit}</text>')
    path.write_text("\n".join(parts) + "\n</svg>\n")


def instructions(counts):
    names = [name for name in counts if name != "bare httpd"]
    rows, plot = [], []
    for mode in contenders.Ours.modes:
        cells = [added(counts, name, mode) for name in names]
        aim = AIMS.get(mode.name)
        rows.append([mode.name, *(f"{cell:,}" if cell is not None else "–"
                                  for cell in cells),
                     f"{aim:,}" if aim else "–"])
        if "new" not in mode.name:
            plot += [(f"{mode.name}: {name}", cell, names.index(name))
                     for name, cell in zip(names, cells) if cell is not None]
    bars(DOCS / "performance-known.svg",
         "Instructions that a known token adds to a request", plot, "")
    return table(["added by", *names, "aim"], rows)


def quotas(counts):
    ours = counts["mod_api_oauth2"]
    return (ours[contenders.PLAN.name] - ours[contenders.KNOWN_JWT.name],
            PLAN_AIM)


def times(found):
    return table(
        ["", "ratio (quartiles)", "p50 ms, bare", "p99 ms, bare",
         "CPU µs a request, bare"],
        [[name, f"{row['ratio']:.3f} ({row['low']:.3f}–{row['high']:.3f})",
          *(f"{row['ours'][key]:.2f}, {row['bare'][key]:.2f}"
            for key in ("p50", "p99", "cpu"))]
         for name, row in found["modes"].items()])


def threads(found):
    return table(["threads", "ratio (quartiles)"], [
        [size, f"{row['ratio']:.3f} ({row['low']:.3f}–{row['high']:.3f})"]
        for size, row in found.items()])


def growth(found):
    rows = [[f"{size} {kind}", f"{row['load_sec']:.2f} s",
             f"{row['memory_kb'] / 1024:.1f} MB",
             f"{row['added']:,}" if "added" in row else "–"]
            for kind, sizes in found.items() for size, row in sizes.items()]
    bars(DOCS / "performance-growth.svg",
         "Instructions that a known token adds, by size of the configuration",
         [(f"{size} {kind}", row["added"], list(found).index(kind))
          for kind, sizes in found.items() for size, row in sizes.items()
          if "added" in row], "")
    return table(["configuration with", "read in", "memory of a child",
                  "known token adds"], rows)


def profile(rows):
    return table(["function", "instructions"],
                 [[f"`{name}`", f"{cost:,.0f}"] for name, cost in rows])


PAGE = """# What it costs

Written by `bench/bench report` on {date}, from `bench/bench counts`,
`bench/bench times`, `bench/bench growth` and `bench/bench profile`; the
record of the check is `bench/budget.json`.

Machine: {machine}.

Every contender has shown, before anything was counted, that it takes the good
token and refuses one in which one character is another.

## Instructions a request

One process under callgrind, one connection, a small file; the difference of
two series of requests that differ in length, the least of five. A bare httpd
serves the file in {file:,} instructions, and in {token:,} where the request
carries a token of {length} characters that nobody looks at. What a module
adds to that:

{instructions}

mod_auth_openidc takes an introspection endpoint by https alone, and opens a
connection for each new opaque token. What a subscription and a limit add to a
known token: {plan:,} instructions (aim: {plan_aim:,}).

![Instructions of a known token](performance-known.svg)

`scripts/check` counts again and fails where a mode adds over 5 % more than
recorded; each time it counts a module that was slowed, too, which must fail.

Where the instructions of a known JWT go, by function:

{profile}

{times}

## Growth

{growth}

![Growth](performance-growth.svg)

httpd compares a request with every `<Location>` of a server, whatever module
they are for; the same locations without the module are taken off. What
subscriptions take: [the registry](registry.md#what-it-costs).
"""


TIMES = """## Times

Beside the same httpd with `Require all granted`: requests a second as a ratio,
the median of {pairs} interleaved pairs of wrk with 16 connections, event with
64 threads in one process; the machine's load before was {load}.

{times}

Memory of the child that served: {ours_mb:.1f} MB, bare {bare_mb:.1f} MB.

A known token with more threads (worker, as many connections, 5 pairs):

{threads}"""

BUSY = """## Times

`bench/bench times` compares requests a second, latency and CPU with the same
httpd with `Require all granted`, in interleaved pairs of wrk. The machine had a
load of {load} on {cores} cores when it last ran: what it found then says
nothing and is left out. Counts of instructions do not depend on the load."""


def times_section(found):
    """Nothing is told of times that others have made."""
    cores = os.cpu_count()
    if found["load"] > cores:
        return BUSY.format(load=found["load"], cores=cores)
    event = found["event"]
    first = next(iter(event["modes"].values()))
    return TIMES.format(
        pairs=first["pairs"], load=found["load"], times=times(event),
        ours_mb=event["memory_kb"]["ours"] / 1024,
        bare_mb=event["memory_kb"]["bare"] / 1024,
        threads=threads(found["threads"]))


def write(folder, token_length):
    read = {name: json.loads((folder / f"{name}.json").read_text())
            for name in ("counts", "times", "growth", "profile")}
    bare = read["counts"]["bare httpd"]
    plan, plan_aim = quotas(read["counts"])
    (DOCS / "performance.md").write_text(PAGE.format(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        machine=machine(), file=bare["small file"],
        token=bare[contenders.PLAIN["RS256"].name], length=token_length,
        instructions=instructions(read["counts"]), plan=plan,
        plan_aim=plan_aim, profile=profile(read["profile"]),
        times=times_section(read["times"]), growth=growth(read["growth"])))
