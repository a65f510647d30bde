"""Key files over time: read again when they change, never replaced by
something worse."""
import os
import signal

import pytest
from support import remote, tokens
from support.server import ONE_PROCESS
from support.wait import until

LINES = "ApiJWKS file:keys/jwks.json"
MOST = 512 * 1024


def start(httpd, jwks, lines=LINES):
    return httpd(remote.site(lines), main=ONE_PROCESS,
                 files={"htdocs/index.html": "hi", "keys/jwks.json": jwks})


def signed(key, **header):
    return tokens.sign(tokens.claims(), key, header=header)


def replaced(path, text):
    """By another file, as careful people do it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o644)
    os.replace(new, path)


def rewritten(path, text):
    path.write_text(text)


def same_time(path, text):
    """Put back to the old time, as some tools do it."""
    before = path.stat()
    replaced(path, text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def linked(path, text):
    """Through symbolic links, as orchestrators mount them."""
    folder = path.with_name(f"at-{len(list(path.parent.iterdir()))}")
    folder.mkdir(mode=0o755)
    (folder / path.name).write_text(text)
    link = path.with_suffix(".link")
    link.symlink_to(folder / path.name)
    os.replace(link, path)


@pytest.mark.parametrize("change", [replaced, rewritten, same_time, linked])
def test_a_change_counts(httpd, change, key, jwks):
    server = start(httpd, jwks)
    other = tokens.new_key(kid="k2")
    old, new = signed(key), signed(other)
    assert [remote.status(server, t) for t in (old, new)] == [200, 401]
    change(server.root / "keys/jwks.json", tokens.key_set(other))
    until(lambda: remote.status(server, new) == 200, 5)
    assert remote.status(server, old) == 401
    change(server.root / "keys/jwks.json", jwks)
    until(lambda: remote.status(server, old) == 200, 5)
    assert remote.status(server, new) == 401


def unlinked(path):
    path.unlink()


def folder(path):
    path.unlink()
    path.mkdir()


def fifo(path):
    path.unlink()
    os.mkfifo(path, 0o666)


def loop(path):
    path.unlink()
    path.symlink_to(path)


def text(content):
    return lambda path: replaced(path, content)


BAD = {  # and what is said
    "gone": (unlinked, "cannot be read"),
    "folder": (folder, "is no regular file"),
    "fifo": (fifo, "is no regular file"),
    "loop": (loop, "cannot be read"),
    "empty": (text(""), "is empty"),
    "broken": (text('{"keys": ['), "malformed"),
    "no-keys": (text('{"keys": []}'), "no usable key"),
    "no-object": (text("[]"), "no object"),
    "long": (text("{}" + " " * MOST), "is longer than"),
}


def test_files_that_turn_bad(httpd, key, jwks):
    """The old keys stay in force, also in a process that starts now; good
    files end it."""
    server = httpd(
        remote.many({name: f"ApiJWKS file:keys/{name}" for name in BAD}),
        main=ONE_PROCESS, files={f"keys/{name}": jwks for name in BAD})
    server.expect("the old keys stay in force|exit signal Killed")
    other = tokens.new_key(kid="k2")

    def statuses(key):
        return {remote.status(server, tokens.sign(
            tokens.claims(iss=f"https://{name}.example"), key), f"/{name}")
            for name in BAD}

    def served():
        """None while no process is there to answer."""
        try:
            return statuses(key) == {remote.SERVED}
        except (OSError, IndexError):
            return None

    assert served()
    for name, (spoil, _) in BAD.items():
        spoil(server.root / "keys" / name)
    for name, (_, said) in BAD.items():
        until(lambda: [line for line in server.log().splitlines()
                       if f"<ApiIssuer {name}>" in line and said in line], 5)
    assert served()
    child = server.children()[0]
    os.kill(child, signal.SIGKILL)
    until(lambda: served() and server.children() != [child], 10)
    assert statuses(other) == {401}
    for name in BAD:
        path = server.root / "keys" / name
        if path.is_dir():
            path.rmdir()
        replaced(path, tokens.key_set(other))
    until(lambda: statuses(other) == {remote.SERVED}, 5)
    assert statuses(key) == {401}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_bad_from_the_start(httpd, name, jwks):
    spoil, said = BAD[name]
    server = httpd(start=False, files={"keys/jwks.json": jwks})
    assert server.configtest(remote.site(LINES))[0] == 0
    spoil(server.root / "keys/jwks.json")
    code, told = server.configtest(remote.site(LINES))
    assert code != 0 and said in told and "ApiJWKS" in told


def test_several_files(httpd, key):
    others = [tokens.new_key(kid=f"f{i}") for i in range(3)]
    server = httpd(
        remote.site("ApiJWKS file:keys/0 file:keys/1\nApiJWKS file:keys/2"),
        main=ONE_PROCESS, files={"htdocs/index.html": "hi", **{
            f"keys/{i}": tokens.key_set(k) for i, k in enumerate(others)}})
    assert [remote.status(server, signed(k)) for k in [*others, key]] == [
        200, 200, 200, 401]
    replaced(server.root / "keys/1", tokens.key_set(key))
    until(lambda: remote.status(server, signed(key)) == 200, 5)
    assert [remote.status(server, signed(k)) for k in others] == [
        200, 401, 200]


@pytest.mark.parametrize("size, good", [(MOST, True), (MOST + 1, False)])
def test_the_longest_file(httpd, jwks, size, good):
    server = httpd(start=False, files={
        "keys/jwks.json": jwks + " " * (size - len(jwks))})
    assert (server.configtest(remote.site(LINES))[0] == 0) == good
