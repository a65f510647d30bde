"""The budget: what each mode may add to the same file with the same token,
in instructions. Counts, not times: no load of the machine changes them.

The record is of one kind of machine and of one compiler. OpenSSL and the C
library are told to leave out what not every processor of that kind has.
"""
import json
import platform
import subprocess
from pathlib import Path

import contenders
from servers import TOP

RECORD = Path(__file__).with_name("budget.json")
SLACK = 0.05
#: Neither AVX nor the instructions for hashes and multiplications.
ENVIRONMENT = {"OPENSSL_ia32cap": "~0x5000000000000000:~0x20280128",
               "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-ERMS"}


def added(ours, bare):
    """{mode: instructions beyond the same token that nobody looks at}"""
    modes = {mode.name: mode for mode in contenders.Ours.modes}
    return {name: count - bare[contenders.PLAIN[modes[name].kind].name]
            for name, count in ours.items()}


def judge(measured, recorded):
    """[(mode, instructions, part over the record, whether it is too much)]"""
    return [(name, count, count / recorded[name] - 1,
             count > recorded[name] * (1 + SLACK))
            for name, count in measured.items()]


def fits_machine(record):
    return record["machine"] == platform.machine()


def read():
    return json.loads(RECORD.read_text())


def write(measured):
    RECORD.write_text(json.dumps(
        {"machine": platform.machine(), "added": measured}, indent=1) + "\n")


def slowed(place):
    """The environment of a module that does more than it has to."""
    library = Path(place) / "slow.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library),
                    str(TOP / "tests/integration/support/slow.c")],
                   check=True)
    return {**ENVIRONMENT, "LD_PRELOAD": str(library)}
