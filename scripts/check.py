"""The steps of scripts/check, and what counts as passed.

A step is a command with a log. Where it runs tests they are counted, else
the step itself counts as one. A step that fails without a failed test, or
that should have run tests and ran none, counts as one failure.
"""
import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
STEP_LIMIT_SEC = 1800
JOBS = os.cpu_count() or 1
#: Unit tests with many threads.
THREADED = ("allowance", "answers", "dbd", "flight", "gate", "identity_cache",
            "keyring", "upstream_renewal")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed,
                     self.skipped + other.skipped)

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


# --- counting ---------------------------------------------------------------

def count_program(trs):
    """One test program of make check: its cmocka tests, or itself."""
    result = re.search(r":test-result: (\w+)", trs.read_text())
    output = trs.with_suffix(".log").read_text(errors="replace")
    passed, failed = (
        sum(int(n) for n in re.findall(rf"\[  {word}  \] (\d+) test", output))
        for word in ("PASSED", "FAILED"))
    if result and result.group(1) == "SKIP":
        return Count(skipped=1)
    if result and result.group(1) == "PASS":
        return Count(passed or 1, failed)
    return Count(passed, failed or 1)


def count_make_check(build):
    return sum(map(count_program, Path(build).rglob("*.trs")), Count())


def count_pytest(report):
    if not Path(report).exists():
        return Count()
    total = Count()
    for suite in xml.etree.ElementTree.parse(report).iter("testsuite"):
        ran, failures, errors, skipped = (
            int(suite.get(name, 0))
            for name in ("tests", "failures", "errors", "skipped"))
        bad = failures + errors
        total += Count(max(ran - bad - skipped, 0), bad, skipped)
    return total


def verdict(code, counted):
    """What a step counts for: its exit status, what it counted or None."""
    if counted is None:
        return Count(passed=1) if code == 0 else Count(failed=1)
    ran_none = counted.passed + counted.failed == 0
    if (code != 0 and counted.failed == 0) or ran_none:
        counted = counted + Count(failed=1)
    return counted


# --- running ----------------------------------------------------------------

class Examination:
    def __init__(self, place, out=sys.stdout):
        self.place = Path(place)
        self.out = out
        self.total = Count()
        #: Never held by the main thread but in stop(), which may interrupt
        #: it anywhere.
        self.lock = threading.RLock()
        self.running = set()
        self.begin = time.monotonic()
        shutil.rmtree(self.place, ignore_errors=True)
        (self.place / "logs").mkdir(parents=True)

    def say(self, text):
        print(text, file=self.out, flush=True)

    def run(self, name, command, cwd, count=None, **env):
        """Run a step; whether it went well."""
        log = self.place / "logs" / f"{name}.log"
        start = time.monotonic()
        code = self.execute(command, cwd, log, env)
        result = verdict(code, count and count())
        with self.lock:
            self.total += result
            self.say(f"{name:22} {time.monotonic() - start:6.1f} s   {result}")
            if result.failed:
                tail = log.read_text(errors="replace").splitlines()[-60:]
                self.say("\n".join(f"    | {line}" for line in tail))
                self.say(f"    the whole output: {log}")
        return not result.failed

    def execute(self, command, cwd, log, env):
        with open(log, "w") as out:
            with self.lock:
                process = subprocess.Popen(
                    command, cwd=cwd, shell=isinstance(command, str),
                    env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                    stdout=out, stderr=subprocess.STDOUT,
                    start_new_session=True)
                self.running.add(process.pid)
            try:
                return process.wait(STEP_LIMIT_SEC)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                out.write(f"\nnot done after {STEP_LIMIT_SEC} s\n")
                return 1
            finally:
                self.running.discard(process.pid)

    def stop(self, *_):
        """Interrupted: end what runs, then oneself, with the last word."""
        with self.lock:
            for group in list(self.running):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGTERM)
            self.say("interrupted")
            os._exit(1)

    def not_run(self, name, why):
        with self.lock:
            self.total += Count(failed=1)
            self.say(f"{name:22}          not run: {why}")

    def together(self, steps):
        """Run (function, arguments) as many at once as there are cores."""
        with ThreadPoolExecutor(max_workers=JOBS) as pool:
            steps = [pool.submit(*step) for step in steps]
            # A signal that comes while this thread falls asleep is heard
            # when it wakes.
            while wait(steps, timeout=1).not_done:
                pass
            for done in steps:
                done.result()

    def end(self):
        minutes, seconds = divmod(int(time.monotonic() - self.begin), 60)
        self.say(f"wall time {minutes} min {seconds} s")
        self.say(self.total)
        return 1 if self.total.failed else 0


# --- the steps --------------------------------------------------------------

class Steps:
    def __init__(self, examination):
        self.ex = examination
        self.place = examination.place
        self.source = self.place / "source"

    def tree(self):
        """Make the tarball and unpack it: what follows uses that alone."""
        return self.ex.run("tarball", f"""set -e
            [ -x configure ] || autoreconf -fi
            [ -f Makefile ] || ./configure
            make dist
            mkdir '{self.place}/source'
            tar -xf mod_api_oauth2-*.tar.gz -C '{self.place}/source' \
                --strip-components=1
            rm mod_api_oauth2-*.tar.gz""", TOP)

    def build(self, name, options, **env):
        place = self.place / name
        place.mkdir()
        return self.ex.run(f"build {name}".replace(" ", "-"), f"""set -e
            ../source/configure --enable-werror {options}
            make -j{JOBS}
            make -j{JOBS} check TESTS=
            """, place, **env)

    def make_check(self, name):
        place = self.place / name
        self.ex.run(f"check-{name}", "make check", place,
                    lambda: count_make_check(place))

    def valgrind(self, name):
        place = self.place / name
        self.ex.run("valgrind", "make check-valgrind", place,
                    lambda: count_make_check(place))

    def threads(self):
        """What many threads and processes share, under ThreadSanitizer."""
        place = self.place / "threads"
        place.mkdir()
        programs = " ".join(f"tests/unit/test_{name}" for name in THREADED)
        if self.ex.run("build-threads", f"""set -e
                ../source/configure CFLAGS='-g -O1 -fsanitize=thread' \
                    LDFLAGS=-fsanitize=thread
                make -j{JOBS} {programs}""", place):
            self.ex.run("threads", f"make check TESTS='{programs}'", place,
                        lambda: count_make_check(place),
                        TSAN_OPTIONS="halt_on_error=1")

    def coverage(self, name):
        self.ex.run("coverage", [str(self.source / "scripts/coverage"),
                                 str(self.place / name)], self.place)

    def pytest(self, name, folder, **env):
        report = self.place / "logs" / f"{name}.xml"
        self.ex.run(name, [
            "/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider",
            "-o", "faulthandler_timeout=120", "--durations=10", "-q",
            f"--junitxml={report}", f"tests/{folder}"], self.source,
            lambda: count_pytest(report), PYTHONDONTWRITEBYTECODE="1",
            AO2_ISSUER=str(self.place / "issuer"),
            AO2_BROWSER=str(self.place / "browser"), **env)

    def integration(self, mpm):
        build = self.place / "sanitized"
        self.pytest(f"integration-{mpm}", "integration", AO2_MPM=mpm,
                    AO2_MODULE=str(build / ".libs/mod_api_oauth2.so"),
                    AO2_HTAPI=str(build / "htapi"), AO2_SANITIZED="1",
                    ASAN_OPTIONS="detect_leaks=0")

    def memory(self, name):
        """What sanitizers hide: they keep freed memory aside."""
        build = self.place / name
        self.pytest("memory", "integration", AO2_MPM="event",
                    PYTEST_ADDOPTS="-k 'test_memory_stays_bounded or "
                                   "test_nothing_grows or under_valgrind'",
                    AO2_MODULE=str(build / ".libs/mod_api_oauth2.so"),
                    AO2_HTAPI=str(build / "htapi"))

    def budget(self, name):
        """Instructions a request, against the record."""
        build = self.place / name
        self.ex.run("budget", ["bench/bench", "budget"], self.source,
                    AO2_MODULE=str(build / ".libs/mod_api_oauth2.so"),
                    AO2_HTAPI=str(build / "htapi"),
                    PYTHONDONTWRITEBYTECODE="1")

    def tools(self):
        self.pytest("tools", "tools", AO2_HTAPI=str(self.place /
                                                    "sanitized/htapi"),
                    ASAN_OPTIONS="detect_leaks=0")

    def install(self, name):
        self.pytest("install", "install", AO2_BUILD=str(self.place / name))

    def node(self, name):
        """A folder of the tests with the packages of Node that it needs."""
        return self.ex.run(name, f"""set -e
            mkdir {name}
            cp source/tests/{name}/* {name}
            cd {name}
            npm ci --no-audit --no-fund""", self.place)

    def fuzz(self):
        """Not to find anything new: that the targets build and run."""
        self.ex.run("fuzz", ["scripts/fuzz", "all", "20000"], self.source)

    def distcheck(self, name):
        self.ex.run("distcheck", "make distcheck", self.place / name)


def examine(ex, quick):
    steps = Steps(ex)
    if not steps.tree():
        ex.not_run("everything else", "there is no tarball")
        return
    steps.node("issuer")
    steps.node("browser")
    # The longest first: all cores are busy to the end.
    later = []
    if not quick and steps.build("plain", "CC=gcc"):
        later += [(steps.valgrind, "plain"), (steps.distcheck, "plain"),
                  (steps.install, "plain"), (steps.memory, "plain"),
                  (steps.budget, "plain")]
    if steps.build("sanitized", "--enable-sanitizers CC=gcc"):
        mpms = ["event"] if quick else ["event", "worker", "prefork"]
        later += [(steps.integration, mpm) for mpm in mpms]
        later += [(steps.make_check, "sanitized"), (steps.tools,)]
    if not quick:
        if steps.build("coverage", "--enable-coverage CFLAGS='-O0 -g'"):
            later.append((steps.coverage, "coverage"))
        if steps.build("clang", "CC=clang"):
            later.append((steps.make_check, "clang"))
        later.append((steps.fuzz,))
        later.append((steps.threads,))
        later.append((steps.pytest, "scripts", "scripts"))
    ex.together(later)


def main():
    parser = argparse.ArgumentParser(prog="scripts/check")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    ex = Examination(TOP / "build" / "check")
    signal.signal(signal.SIGINT, ex.stop)
    signal.signal(signal.SIGTERM, ex.stop)
    ex.together([(examine, ex, quick)])
    return ex.end()


if __name__ == "__main__":
    sys.exit(main())
