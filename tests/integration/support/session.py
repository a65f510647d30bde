"""A pytest plugin: after the whole run no log of any server started in it
shows a token minted in it, also one minted after the server's own test."""
from pathlib import Path

import pytest

from support import leaks, tokens
from support.server import Httpd


def logs(root):
    """What a server wrote, without what its test laid there."""
    root = Path(root)
    return sorted(path for path in root.rglob("*") if path.is_file()
                  and (path.suffix == ".log" or path.name == "stderr"))


def faults(roots):
    """What is wrong with the logs of these servers, never with the token."""
    for root in roots:
        found = logs(root)
        if not found:
            yield f"{root}: no log to look at"
        for path in found:
            shown = leaks.traces(path.read_text(errors="replace"))
            if shown:
                yield f"{path}: shows {len(shown)} minted token(s)"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    wrong = list(faults(Httpd.started))
    say = session.config.get_terminal_writer()
    say.line(f"\nlogs of {len(Httpd.started)} servers looked at for "
             f"{len(tokens.minted)} tokens: {len(wrong)} faults")
    for fault in wrong:
        say.line(fault)
    if wrong:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
