"""Instructions a request.

A server under callgrind, one process, one connection. Two series of
requests that differ in length are counted; the difference is what the
additional requests cost, without what begins and ends a series. Each series
is counted several times and the least is taken: whatever else the process
does now and then only adds; a series is short, so that it does so seldom.
"""
import re
from dataclasses import dataclass

from client import Client

ROUNDS = 5


@dataclass(frozen=True)
class Lengths:
    short: int
    long: int


#: With the same token each time, and with another one each time.
KNOWN, NEW = Lengths(2, 12), Lengths(2, 8)


class Counter:
    """Counts what `server`, just started for it, executes."""

    def __init__(self, server):
        self.profiles = server.root / "profiles"
        self.client = Client(server.port, server.process.pid)

    def close(self):
        self.client.close()

    def written(self):
        return len(list(self.profiles.glob("profile.*")))

    def boundary(self):
        """Begin a new profile; the one that ended with it."""
        self.client.ask(method="OPTIONS")
        self.client.wait_until_idle()
        return self.profiles / f"profile.{self.written()}"

    def series(self, path, tokens):
        self.boundary()
        for token in tokens:
            status = self.client.ask(path, token)
            if status != 200:
                raise RuntimeError(f"{path}: answered with {status}")
        text = self.boundary().read_text()
        return int(re.search(r"^(?:summary|totals): (\d+)", text, re.M)[1])

    def per_request(self, path, tokens, lengths):
        """`tokens` is an iterator; its first one is not counted."""
        self.client.ask(path, next(tokens))
        least = {}
        for _ in range(ROUNDS):
            for length in (lengths.short, lengths.long):
                count = self.series(path, [next(tokens)
                                           for _ in range(length)])
                least[length] = min(count, least.get(length, count))
        return round((least[lengths.long] - least[lengths.short])
                     / (lengths.long - lengths.short))
