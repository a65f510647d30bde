"""docs/registry.md: its commands run, its document is right, and its table
has the members that the code reads."""
import json
import os
import re
import subprocess
from pathlib import Path

from support import htapi, tokens

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/registry.md").read_text()
RECORDS = (TOP / "src/core/registry_records.c").read_text()


def test_commands(tmp_path):
    block = re.search(r"(?m)^    R=file:\S+\n((?:    .*\n)+)", PAGE)
    (tmp_path / "htapi").symlink_to(htapi.HTAPI)
    answer = subprocess.run(
        ["bash", "-euc", f"R=file:{tmp_path}/registry\n{block[1]}"],
        env=dict(os.environ, PATH=f"{tmp_path}:{os.environ['PATH']}"),
        text=True, capture_output=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    tokens.minted.add(answer.stdout.strip())
    assert htapi.Registry(f"file:{tmp_path}/registry").json(
        "registry check") == {"plans": 1, "apis": 1, "applications": 1,
                              "clients": 1, "tokens": 1, "subscriptions": 1}


def test_document(tmp_path):
    text = re.search(r"```json\n(.*?)```", PAGE, re.S)[1]
    (tmp_path / "document").write_text(text)
    assert htapi.run("registry", "check",
                     tmp_path / "document").returncode == htapi.DONE
    assert set(json.loads(text)) == {"version", "plans", "apis",
                                     "applications"}


def documented():
    """{row: {member: whether it is required}} of the table."""
    found, row = {}, None
    for first, members, required in re.findall(
            r"(?m)^\| *(\w*) *\| (`[^|]*`) \| ([^|]*?) *\|", PAGE):
        row = first.lower() or row
        for name in re.findall(r"`(\w+)`", members):
            found.setdefault(row, {})[name] = (required == "yes"
                                               or f"`{name}`" in required)
    return found


def read():
    """The same, as the code has it."""
    found = {}
    for row, body in re.findall(r"(\w+)_fields\[\] = \{(.*?)END", RECORDS,
                                re.S):
        found[row] = {name: more.startswith("1") for name, more in re.findall(
            r'[A-Z]+\("(\w+)", *([^,]*),', body)}
    return found


def test_members():
    table, code = documented(), read()
    assert table.pop("document") == {"version": True}
    assert len(code) == 7
    lists = {"application": {"clients", "tokens", "subscriptions"}}
    for row, members in code.items():
        assert table.pop(row) == {
            name: required for name, required in members.items()
            if name not in lists.get(row, ())}, row
    assert table == {}
