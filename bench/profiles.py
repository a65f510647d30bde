"""Where the instructions go: what a mode costs beyond the same file with the
same token, by function."""
import re
import subprocess
from collections import Counter

import counting

REQUESTS = 100


def read(path):
    """{function: instructions a request}, its callees not counted."""
    text = subprocess.run(["callgrind_annotate", "--threshold=100",
                           str(path)], check=True, text=True,
                          capture_output=True).stdout
    found = Counter()
    for cost, name in re.findall(r"^ *([\d,]+) \([ \d.]+%\)  (\S.*)$", text,
                                 re.M):
        function = re.search(r":(\S+)(?: \[(?:.*/)?(\S+)\])?$", name)
        if function:
            name, library = function.groups()
            # Without a name of its own; the library says enough.
            name = "..." if name.startswith("0x") else name.split("'")[0]
            found[f"{name} [{library}]"] += int(cost.replace(",", ""))
    total = int(re.search(r"([\d,]+).*PROGRAM TOTALS", text)[1].replace(",",
                                                                         ""))
    # Those that were running all the time are charged with what they called.
    return Counter({name: cost / REQUESTS for name, cost in found.items()
                    if cost < total * 9 // 10})


def of(contender, server, mode):
    """Of one series of requests."""
    with server.start_counting():
        counter = counting.Counter(server)
        stream = mode.stream(contender.world)
        path = f"/{mode.path}/index.html"
        counter.client.ask(path, next(stream))
        counter.series(path, [next(stream) for _ in range(REQUESTS)])
        written = server.root / f"profiles/profile.{counter.written()}"
        counter.close()
    return read(written)


def difference(mine, plain):
    """[(function, instructions)], the dearest first."""
    rest = Counter(mine)
    rest.subtract(plain)
    return rest.most_common()
