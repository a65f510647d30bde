"""Times, by wrk: pairs of runs, one right after the other, first the one and
then the other first, so that what else the machine does falls on both."""
import re
import statistics
import subprocess

import contenders

SECONDS, PAIRS = 1, 15
MODES = (contenders.KNOWN_JWT, contenders.KNOWN_OPAQUE, contenders.PLAN)
THREADS = (1, 4, 16, 64, 256)
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3}


def run(server, mode, token, connections):
    """Requests a second, percentiles in ms, and CPU a request in us."""
    before = server.cpu_sec()
    text = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency",
         "-H", f"Authorization: Bearer {token}",
         f"http://127.0.0.1:{server.port}/{mode.path}/index.html"],
        text=True, capture_output=True, check=True, timeout=60).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    requests = int(re.search(r"(\d+) requests in", text)[1])
    latency = {part: float(value) * UNITS[unit] for part, value, unit in
               re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)\b", text)}
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "p50": latency["50"], "p99": latency["99"],
            "cpu": (server.cpu_sec() - before) / requests * 1e6}


def compare(ours, bare, mode, token, connections=16, pairs=PAIRS):
    """Medians of both, and the ratios of rates with their quartiles."""
    runs = {"ours": [], "bare": []}
    servers = {"ours": ours, "bare": bare}
    for number in range(pairs):
        for name in sorted(servers, reverse=bool(number % 2)):
            runs[name].append(run(servers[name], mode, token, connections))
    ratios = [a["rate"] / b["rate"]
              for a, b in zip(runs["ours"], runs["bare"])]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {"ratio": middle, "low": low, "high": high, "pairs": pairs,
            **{name: {key: statistics.median(one[key] for one in all_runs)
                      for key in all_runs[0]}
               for name, all_runs in runs.items()}}


def start(kind, world, folder, mpm, threads):
    return kind(world).configure(folder, mpm, threads).start()


def measure(world, place, mpm="event", threads=64, modes=MODES, pairs=PAIRS,
            connections=16):
    """{mode: comparison}, and what a child takes in memory."""
    with start(contenders.Bare, world, place / f"bare{threads}{mpm}", mpm,
               threads) as bare, \
            start(contenders.Ours, world, place / f"ours{threads}{mpm}", mpm,
                  threads) as ours:
        result = {}
        for mode in modes:
            token = world.make(mode.kind)
            for server in (ours, bare):
                run(server, mode, token, connections)
            result[mode.name] = compare(ours, bare, mode, token, connections,
                                        pairs)
            print(f"{mpm}, {threads} threads: {mode.name}: "
                  f"{result[mode.name]['ratio']:.3f}", flush=True)
        return {"modes": result, "memory_kb": {
            "ours": ours.memory_kb(), "bare": bare.memory_kb()}}


def by_threads(world, place):
    """{threads: ratio of a known token}"""
    mode = contenders.KNOWN_JWT
    return {threads: measure(world, place, "worker", threads, (mode,), 5,
                             threads)["modes"][mode.name]
            for threads in THREADS}
