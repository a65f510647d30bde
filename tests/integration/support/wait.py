"""Waiting for something to become true, never longer than needed."""
import time


def until(probe, seconds=10, pause=0.02):
    """The first true value of `probe()`; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {probe}"
        time.sleep(pause)
