#!/usr/bin/python3
"""What a registry costs in a file, in SQLite and in PostgreSQL.

    make bench/bench_registry bench/bench_database htapi
    bench/registries.py [SUBSCRIPTIONS ...]

Starts a PostgreSQL of its own. A line for each size and kind: processor time
of reading the file, or of `htapi registry import` and the server filling the
database; what a decision costs that has to ask; what one costs whose answers
are there.
"""
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/integration"))

from support.databases import Postgres  # noqa: E402

SIZES = (1000, 10_000, 100_000, 1_000_000)


def run(*words):
    return subprocess.run([str(word) for word in words], cwd=TOP, text=True,
                          check=True, capture_output=True).stdout


def row(size, kind, load, asked="-", kept="-"):
    print(size, kind, load, asked, kept, sep="\t", flush=True)


def in_file(size):
    line = run("bench/bench_registry", size).splitlines()[1].split("\t")
    row(size, "file", line[3], kept=line[6])


def processor_time(server):
    """Of all that has ended: our own children, and the server's."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().split()
    theirs = int(fields[15]) + int(fields[16])
    return own.ru_utime + own.ru_stime + theirs / os.sysconf("SC_CLK_TCK")


def in_database(size, driver, params, document, server):
    registry = f"{driver}:{params}"
    run("./htapi", "--registry", registry, "registry", "init")
    begin = processor_time(server)
    run("./htapi", "--registry", registry, "registry", "import", document)
    took = f"{processor_time(server) - begin:.1f}"
    row(size, driver, took, *run("bench/bench_database", driver, params,
                                 size).split())


def main(sizes):
    print("subscriptions\tregistry\tload_cpu_s\tasked_us\tkept_ns")
    server = Postgres()
    try:
        with tempfile.TemporaryDirectory() as place:
            document = Path(place) / "registry.json"
            for size in sizes:
                document.write_text(run("bench/bench_registry", "--write",
                                        size))
                in_file(size)
                in_database(size, "sqlite3", f"{place}/{size}.db", document,
                            server)
                in_database(size, "pgsql", server.new_database(), document,
                            server)
    finally:
        server.stop()


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or SIZES)
