"""Many writers at once, and writers that die or fail in between: a registry
is always the old one or the new one, and nothing is lost."""
import fcntl
import json
import os
import resource
import signal
import subprocess
import threading

import pytest

from support import htapi, wait

WRITERS, EACH = 6, 4


def large(applications):
    """A document whose writing takes a while."""
    return {"version": 1, "apis": [{"name": "pizza", "version": str(n)}
                                   for n in range(10)],
            "applications": [
                {"id": f"app-{number}",
                 "subscriptions": [{"api": "pizza", "version": str(n)}
                                   for n in range(10)]}
                for number in range(applications)]}


def start(registry, *words):
    return subprocess.Popen([htapi.HTAPI, "--registry", registry.name,
                             *map(str, words)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_writers_at_once(registry):
    registry.fill()
    answers = []

    def write(writer):
        for number in range(EACH):
            answers.append(registry.ask(f"app add {writer}-{number}"))
            answers.append(registry.ask(
                f"subscribe {writer}-{number} pizza 1.0 --plan gold"))

    threads = [threading.Thread(target=write, args=(n,))
               for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.stderr for a in answers if a.returncode] == []
    counts = registry.json("registry check")
    assert counts["applications"] == WRITERS * EACH + 1
    assert counts["subscriptions"] == WRITERS * EACH


def test_one_of_two_wins(registry):
    registry.fill()
    processes = [start(registry, "app", "add", "same") for _ in range(6)]
    codes = sorted(p.wait(60) for p in processes)
    for process in processes:
        process.communicate()
    assert codes == [htapi.DONE] + [htapi.REFUSED] * 5


def in_between(registry, path, postgres):
    """Tells whether a writer is in the midst of it."""
    kind = registry.name.split(":")[0]
    if kind == "file":
        return path.with_suffix(".htapi").exists
    if kind == "sqlite3":
        return path.with_name("registry-journal").exists
    database = registry.name.split("dbname=")[1]
    return lambda: postgres.sql(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'INSERT%' OR query "
        f"LIKE '%htapi_api%' AND datname = '{database}'")


@pytest.mark.parametrize("kind", ["file", "sqlite3", "pgsql"])
def test_killed_in_between(kind, tmp_path, postgres):
    path = tmp_path / "registry"
    name = postgres.new_database() if kind == "pgsql" else path
    registry = htapi.Registry(f"{kind}:{name}").fill()
    before = registry.do("registry show")
    document = tmp_path / "document"
    document.write_text(json.dumps(large(2000)))
    is_writing = in_between(registry, path, postgres)
    for _ in range(3):
        process = start(registry, "registry", "import", document)
        wait.until(lambda: is_writing() or process.poll() is not None, 30,
                   0.001)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert registry.do("registry show") == before
    # Nobody stands in the way of the next writer.
    registry.do("app add after")
    assert registry.json("registry check")["applications"] == 2
    registry.do("registry import", document)
    assert registry.json("registry check")["subscriptions"] == 20000
    leftovers = {p.name for p in tmp_path.iterdir()} - {"registry",
                                                        "document"}
    assert leftovers == set()


def file_registry(tmp_path):
    return htapi.Registry(f"file:{tmp_path}/registry").fill()


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_mode_and_owner_stay(tmp_path, mode):
    registry = file_registry(tmp_path)
    path = tmp_path / "registry"
    path.chmod(mode)
    owner = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(),
                                                      os.getegid())
    os.chown(path, *owner)
    before = path.stat()
    registry.do("app add other")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, *owner)
    assert after.st_ino != before.st_ino


def test_new_file_follows_the_umask(tmp_path):
    htapi.run("registry", "init", "--registry", f"file:{tmp_path}/a",
              preexec_fn=lambda: os.umask(0o027))
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_symbolic_link_stays(tmp_path):
    file_registry(tmp_path)
    link = tmp_path / "link"
    link.symlink_to("registry")
    htapi.Registry(f"file:{link}").do("app add other")
    assert link.is_symlink()
    registry = htapi.Registry(f"file:{tmp_path}/registry")
    assert len(registry.show()["applications"]) == 2


def test_planted_file_is_no_way_in(tmp_path):
    registry = file_registry(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "registry.htapi").symlink_to(victim)
    registry.do("app add other")
    assert victim.read_text() == "mine"
    assert not (tmp_path / "registry").is_symlink()


def test_waits_for_the_lock(tmp_path):
    registry = file_registry(tmp_path)
    with open(tmp_path / "registry") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = start(registry, "app", "add", "other")
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.5)
        # Readers do not wait.
        assert len(registry.show()["applications"]) == 1
    process.communicate(timeout=10)
    assert process.returncode == htapi.DONE
    assert len(registry.show()["applications"]) == 2


def limited(size):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size, code", [(100, htapi.WRONG),
                                        (100000, htapi.DONE)])
def test_disk_full(tmp_path, size, code):
    registry = file_registry(tmp_path)
    before = (tmp_path / "registry").read_text()
    answer = registry.ask("app add other",
                          preexec_fn=lambda: limited(size))
    assert answer.returncode == code
    assert bool(answer.stderr) == (code != htapi.DONE)
    changed = (tmp_path / "registry").read_text() != before
    assert changed == (code == htapi.DONE)
    assert [path.name for path in tmp_path.iterdir()] == ["registry"]


def test_result_that_nobody_takes(tmp_path):
    registry = file_registry(tmp_path)
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            [htapi.HTAPI, "token", "create", "shop", "--registry",
             registry.name], stdout=full, stderr=subprocess.PIPE, text=True)
    assert answer.returncode == htapi.WRONG
    assert "cannot be written" in answer.stderr
