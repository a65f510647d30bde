#!/usr/bin/python3
"""What opaque tokens cost: a real httpd (event, 4 processes) before a
scripted introspection endpoint.

    bench/opaque.py memory [REQUESTS [TOKENS]]    (default: 1000000 200000)
    bench/opaque.py hanging [SECONDS]             (default: 10)

memory: what the child processes have resident, before and after requests with
as many different tokens, in equal parts. hanging: requests a second with known
tokens, and how many workers are busy, while callers with new tokens come in
all the time: before and after the endpoint ceases to answer.

Takes the module of AO2_MODULE, else of the tree it lies in. Tab-separated.
"""
import asyncio
import json
import multiprocessing
import os
import re
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
os.environ.setdefault("AO2_MODULE", str(TOP / ".libs/mod_api_oauth2.so"))
os.environ["AO2_MPM"] = "event"
sys.path.insert(0, str(TOP / "tests/integration"))
from support.client import parse_all, request, send  # noqa: E402
from support.server import Httpd, free_port  # noqa: E402

WORKERS = 64
MAIN = (f"StartServers 4\nServerLimit 4\nThreadsPerChild {WORKERS // 4}\n"
        f"MaxRequestWorkers {WORKERS}\nMinSpareThreads 1\n"
        f"MaxSpareThreads {WORKERS}\nMaxKeepAliveRequests 0\nLogLevel warn")
CONF = """
<ApiIssuer corp>
    ApiTokenFormat opaque
    ApiIntrospection http://127.0.0.1:{port}/introspect
    ApiConcurrency 8
    ApiCacheTTL 1h
</ApiIssuer>
<Location />
    AuthType Bearer
    ApiAudience any
    Require valid-user
</Location>
<Location /workers>
    SetHandler server-status
    AuthType None
    Require all granted
</Location>
"""


class Endpoint(asyncio.Protocol):
    """Says of every token that it is active."""

    calls = multiprocessing.Value("L", 0, lock=False)
    hangs = multiprocessing.Value("b", 0, lock=False)

    def connection_made(self, transport):
        self.transport, self.seen = transport, b""

    def data_received(self, data):
        self.seen += data
        while b"\r\n\r\n" in self.seen:
            head, _, rest = self.seen.partition(b"\r\n\r\n")
            size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            if len(rest) < size:
                return
            form, self.seen = rest[:size], rest[size:]
            self.calls.value += 1
            if not self.hangs.value:
                self.answer(form)

    def answer(self, form):
        name = re.search(rb"token=([^&]{8})", form)[1].decode()
        body = json.dumps({
            "active": True, "sub": f"user-{name}", "client_id": "app",
            "scope": "orders:read orders:write", "exp": int(time.time()) + 7200
        }).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/"
                             b"json\r\nContent-Length: %d\r\n\r\n%b"
                             % (len(body), body))


def serve(port):
    async def run():
        server = await asyncio.get_running_loop().create_server(
            Endpoint, "127.0.0.1", port, backlog=1024)
        await server.serve_forever()
    asyncio.run(run())


def pipelined(port, texts):
    """Requests on one connection; how often each status came."""
    last = len(texts) - 1
    data = "".join(
        "GET / HTTP/1.1\r\nHost: server.example\r\nConnection: "
        f"{'close' if i == last else 'keep-alive'}\r\n"
        f"Authorization: Bearer {text}\r\n\r\n"
        for i, text in enumerate(texts))
    return Counter(answer.status for answer in parse_all(
        send(port, data.encode(), 120)))


def print_row(*cells):
    print(*cells, sep="\t", flush=True)


def resident(server, name):
    """MiB of each child process, of one line of /proc/PID/status."""
    found = [re.search(name + r":\s+(\d+)",
                       Path(f"/proc/{pid}/status").read_text())
             for pid in server.children()]
    return " ".join(f"{int(one[1]) / 1024:.1f}" for one in found)


def memory(server, count=1000000, tokens=200000):
    count, tokens = int(count), int(tokens)
    texts = [secrets.token_urlsafe(24) for _ in range(tokens)]
    got = Counter()
    start = time.monotonic()
    print_row("requests", "seconds", "answers", "calls", "RSS MiB",
              "of it private MiB")
    with ProcessPoolExecutor(4) as pool:
        for done in range(0, count + 1, min(tokens, count)):
            print_row(done, f"{time.monotonic() - start:.0f}", dict(got),
                      Endpoint.calls.value, resident(server, "VmRSS"),
                      resident(server, "RssAnon"))
            if done < count:
                parts = [texts[i:i + 200] for i in range(0, tokens, 200)]
                got += sum(pool.map(pipelined, [server.port] * len(parts),
                                    parts, chunksize=8), Counter())


class Callers:
    """Threads that send one request after the other, each on a connection of
    its own, until `stop`."""

    def __init__(self, port, count, choose):
        self.port, self.choose = port, choose
        self.got, self.longest = Counter(), 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run)
                        for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stop.is_set():
            before = time.monotonic()
            status = request(self.port, "/", self.choose()).status
            self.got[status] += 1
            self.longest = max(self.longest, time.monotonic() - before)
            if status != 200:  # a caller that is told to come again
                self.stop.wait(0.1)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def busy(server):
    """Workers that are busy, without the one that tells."""
    text = request(server.port, "/workers?auto").body.decode()
    return int(re.search(r"BusyWorkers: (\d+)", text)[1]) - 1


def phase(server, name, seconds, known, new):
    """One row: what callers got and how many workers were busy meanwhile."""
    served = Callers(server.port, 4, lambda: secrets.choice(known))
    others = Callers(server.port, new, lambda: secrets.token_urlsafe(24))
    samples = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        samples.append(busy(server))
        time.sleep(0.1)
    served.end()
    others.end()
    samples.sort()
    print_row(name, f"{sum(served.got.values()) / seconds:.0f}",
              dict(served.got), dict(others.got), f"{others.longest:.2f}",
              *(f"{100 * share / WORKERS:.0f} %" for share in
                (sum(samples) / len(samples), samples[len(samples) * 9 // 10],
                 samples[-1])))


def hanging(server, seconds=10):
    seconds = float(seconds)
    known = [secrets.token_urlsafe(24) for _ in range(100)]
    pipelined(server.port, known * 20)
    print_row("the endpoint", "known/s", "known: answers", "new: answers",
              "longest s", "busy: mean", "90th percentile", "most")
    phase(server, "answers", seconds, known, 0)
    phase(server, "answers, 48 callers with new tokens", seconds, known, 48)
    Endpoint.hangs.value = 1
    phase(server, "hangs, 48 callers with new tokens", seconds, known, 48)
    phase(server, "hangs still", seconds, known, 48)
    Endpoint.hangs.value = 0
    time.sleep(2.5)
    phase(server, "answers again", seconds, known, 48)


def main(command, *arguments):
    port = free_port()
    endpoint = multiprocessing.Process(target=serve, args=(port,), daemon=True)
    endpoint.start()
    with tempfile.TemporaryDirectory(prefix="api-oauth2-") as root:
        os.chmod(root, 0o755)
        server = Httpd(Path(root) / "httpd", ["status"], MAIN)
        server.write("htdocs/index.html", "hi")
        server.expect("AO2-040")
        server.start(CONF.format(port=port))
        try:
            command(server, *arguments)
        finally:
            server.stop()
            endpoint.terminate()


if __name__ == "__main__":
    commands = {"memory": memory, "hanging": hanging}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    main(commands[sys.argv[1]], *sys.argv[2:])
