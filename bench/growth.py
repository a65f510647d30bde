"""What grows with the configuration: the time to read it, the memory of a
child, and the instructions of a request."""
import subprocess
import time

import contenders
import counting

SIZES = (1, 100, 1000, 10000)
#: As far as an emulated processor reads a configuration in reasonable time.
MOST_COUNTED = 1000


def more_locations(count):
    """Locations that no request is for."""
    lines = "AuthType Bearer\nApiAccept corp\nApiAudience pizza\n" \
            "Require valid-user"
    return contenders.locations({f"other/{i}": lines for i in range(count)})


def more_issuers(count):
    return "\n".join(f"""<ApiIssuer other{i}>
    ApiIssuerURL https://other{i}.example
    ApiTokenFormat opaque
    ApiMetadata off
    ApiIntrospection https://other{i}.example/introspect
    ApiClientAuth client_secret_basic a b
</ApiIssuer>""" for i in range(count))


KINDS = {"locations": more_locations, "issuers": more_issuers}


class Larger(contenders.Ours):
    """With @more objects in the configuration."""

    def __init__(self, world, more):
        super().__init__(world)
        self.more = more

    def conf(self):
        return super().conf() + "\n" + self.more


def plain_locations(count):
    return contenders.locations(
        {f"other/{i}": "Require all granted" for i in range(count)})


class LargerBare(contenders.Bare):
    def __init__(self, world, more):
        super().__init__(world)
        self.more = more

    def conf(self):
        return super().conf() + "\n" + self.more


def count(contender, folder, mode, world):
    server = contender.configure(folder)
    with server.start_counting():
        counter = counting.Counter(server)
        try:
            return counter.per_request(f"/{mode.path}/index.html",
                                       mode.stream(world), counting.KNOWN)
        finally:
            counter.close()


def load_sec(server):
    begin = time.monotonic()
    done = subprocess.run(server.command("-t"), text=True, timeout=120,
                          capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return time.monotonic() - begin


def measure(world, place):
    """{kind: {size: figures}}"""
    result = {kind: {} for kind in KINDS}
    for kind, make in KINDS.items():
        for size in SIZES:
            if kind == "issuers" and size > MOST_COUNTED:
                continue
            folder = place / f"{kind}{size}"
            server = Larger(world, make(size)).configure(folder, "event", 16)
            row = result[kind][size] = {"load_sec": load_sec(server)}
            with server.start():
                row["memory_kb"] = server.memory_kb()
            if size <= MOST_COUNTED:
                plain = plain_locations(size) if kind == "locations" else ""
                row["added"] = count(
                    Larger(world, make(size)), place / f"{kind}{size}c",
                    contenders.KNOWN_JWT, world) - count(
                    LargerBare(world, plain), place / f"{kind}{size}b",
                    contenders.PLAIN["RS256"], world)
            print(kind, size, row, flush=True)
    return result
