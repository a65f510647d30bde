"""The module exports one symbol: api_oauth2_module. It needs none of its
own names from elsewhere."""
import subprocess

from guard import run

MODULE = ".libs/mod_api_oauth2.so"
SYMBOL = "api_oauth2_module"


def symbols(guard, *options):
    done = subprocess.run(["nm", "-D", "-P", *options,
                           str(guard.build / MODULE)],
                          capture_output=True, text=True, timeout=60)
    if done.returncode:
        guard.fault(MODULE, done.stderr.strip())
    return [line.split()[0] for line in done.stdout.splitlines()]


def check(guard):
    exported = symbols(guard, "--defined-only")
    guard.look("exported symbols", len(exported))
    for name in exported:
        if name != SYMBOL:
            guard.fault(MODULE, f"exports {name}")
    if SYMBOL not in exported:
        guard.fault(MODULE, f"does not export {SYMBOL}")
    needed = symbols(guard, "--undefined-only")
    guard.look("needed symbols", len(needed))
    for name in needed:
        if name.startswith("ao2_"):
            guard.fault(MODULE, f"{name} is nowhere defined")


LOOKS_AT = ("exported symbols", "needed symbols")

if __name__ == "__main__":
    run(check, "exports", *LOOKS_AT)
