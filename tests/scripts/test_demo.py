"""scripts/demo in a copy of the sources, as a newcomer would run it."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
JWT = [401, 200, 403, 401, 401, 401]
OPAQUE = [200, 401]
UPSTREAM = [401, 200, 200]
SUBSCRIPTION = [403, 200, 200, 200, 429, 403]


class Demo:
    def __init__(self, place):
        self.place = place
        shutil.copytree(SOURCE, place, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns(
                            ".git", ".demo", "build",
                            "node_modules"))

    def run(self, *words, script="demo"):
        done = subprocess.run(
            ["bash", self.place / "scripts" / script, *words], text=True,
            capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def pids(self):
        return [int(path.read_text())
                for path in (self.place / ".demo").glob("*.pid")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    copy = Demo(tmp_path_factory.mktemp("copy"))
    yield copy
    copy.run("--stop")


def alive(pid):
    """Also of a process that ended and that nobody waited for: no."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


@pytest.mark.parametrize("words,caller,servers,statuses", [
    ([], "alice", 2, JWT + SUBSCRIPTION),
    (["--issuer", "real"], "pizza-app", 3,
     JWT + OPAQUE + UPSTREAM + SUBSCRIPTION)])
def test_demo(demo, words, caller, servers, statuses):
    code, output, errors = demo.run(*words)
    assert code == 0, output + errors
    shown = re.findall(r"^ +HTTP/1.1 (\d+)", output, re.M)
    assert list(map(int, shown)) == statuses
    assert f'"X-User": "{caller}"' in output

    # What it prints for going on by hand works as it stands.
    by_hand = re.search(r"^    TOKEN=.*?http://\S+/pizza$", output,
                        re.M | re.S).group()
    answer = subprocess.run(["bash", "-c", by_hand], cwd=demo.place,
                            text=True, capture_output=True, timeout=30)
    assert answer.stdout.startswith("HTTP/1.1 200"), answer
    assert '"Authorization": null' in answer.stdout

    pids = demo.pids()
    assert len(pids) == servers and all(map(alive, pids))
    code, output, _ = demo.run("--stop")
    assert code == 0 and output.count("stopped") == servers
    assert not any(map(alive, pids)) and not demo.pids()


@pytest.mark.parametrize("old,new", [
    ("the scope \"read\"' 403", "the scope \"read\"' 200"),
    ("'insufficient_scope'", "'invalid_token'"),
    ('"X-Scope\\": \\"read write', '"X-Scope\\": \\"read'),
    ("over the plan's limit\" 429", "over the plan's limit\" 200"),
])
def test_it_fails_when_an_answer_is_another(demo, old, new):
    script = demo.place / "scripts/demo"
    text = script.read_text()
    assert text.count(old) == 1
    (demo.place / "scripts/broken").write_text(text.replace(old, new))
    code, output, errors = demo.run(script="broken")
    assert code == 1 and output.count("WRONG") == 1, output
    assert "1 answers are not as announced" in errors
    assert not demo.pids()


def test_stop_leaves_other_processes_alone(demo):
    """A pid file that outlived its server names somebody else's process."""
    (demo.place / ".demo").mkdir(exist_ok=True)
    (demo.place / ".demo/backend.pid").write_text(f"{os.getpid()}\n")
    code, output, _ = demo.run("--stop")
    assert (code, output) == (0, "")
    assert not demo.pids()


@pytest.mark.parametrize("words", [["--issuer"], ["--issuer", "x"], ["x"]])
def test_wrong_words(demo, words):
    assert demo.run(*words)[0] == 2
