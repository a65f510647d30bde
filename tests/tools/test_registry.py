"""The commands of htapi on registries: the same on a file, on SQLite and on
PostgreSQL."""
import datetime
import hashlib
import json
import os
import re
import subprocess
import zlib

import pytest

from support import htapi, tokens
from support.registries import KINDS, new_registry

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum(text):
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return digits


def seconds_from_now(text):
    then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    now = datetime.datetime.now(datetime.timezone.utc)
    return (then - now).total_seconds()


def rows(document, kind):
    """The rows of one kind, of the application they belong to or of all."""
    if kind in document:
        return document[kind]
    return [row for app in document["applications"] for row in app[kind]]


def test_everything_once(registry):
    registry.fill()
    registry.do("api add pizza 2.0")
    registry.do("app client shop --issuer corp --client-id c1")
    registry.do("app client shop --issuer test --client-id c1 "
                "--key-type sandbox")
    registry.do("subscribe shop pizza 1.0 --plan gold "
                "--expires 2027-01-01T00:00:00Z")
    registry.do("subscribe shop pizza *")
    assert registry.show() == {
        "version": 1,
        "plans": [{"name": "gold", "limits": [
            {"requests": 5000, "per": "1mi", "burst": 500},
            {"requests": 1000000, "per": "30d", "burst": 1000000}]}],
        "apis": [
            {"name": "pizza", "version": "1.0", "status": "published"},
            {"name": "pizza", "version": "2.0", "status": "published"}],
        "applications": [{
            "id": "shop", "name": "Shop", "owner": "alice",
            "status": "active", "token_format": "any",
            "clients": [
                {"issuer": "corp", "client_id": "c1",
                 "key_type": "production"},
                {"issuer": "test", "client_id": "c1",
                 "key_type": "sandbox"}],
            "tokens": [],
            "subscriptions": sorted([
                {"api": "pizza", "version": "1.0", "plan": "gold",
                 "status": "active", "starts": None,
                 "expires": "2027-01-01T00:00:00Z"},
                {"api": "pizza", "version": "*", "plan": None,
                 "status": "active", "starts": None, "expires": None}],
                key=lambda row: row["version"] != "1.0"
                if registry.name.startswith("file") else row["version"])}]}
    assert registry.json("registry check") == {
        "plans": 1, "apis": 2, "applications": 1, "clients": 2, "tokens": 0,
        "subscriptions": 2}
    assert registry.do("registry show --json").count("\n") == 1


@pytest.mark.parametrize("line, why", [
    ("registry init", None),
    ("plan add gold", 'plan "gold" is there already'),
    ("api add pizza 1.0",
     'version "1.0" of API "pizza" is there already'),
    ("api status soup blocked", 'no version "" of API "soup"'),
    ("api status pizza 2.0 blocked", 'no version "2.0" of API "pizza"'),
    ("app add shop", 'application "shop" is there already'),
    ("app client none --issuer i --client-id c", 'no application "none"'),
    ("app client shop --issuer corp --client-id c1",
     'client "c1" of issuer "corp" belongs to an application already'),
    ("app status none blocked", 'no application "none"'),
    ("subscribe none pizza 1.0", 'no application "none"'),
    ("subscribe shop soup", 'no version "" of API "soup"'),
    ("subscribe shop soup *", 'no version "*" of API "soup"'),
    ("subscribe shop pizza 2.0", 'no version "2.0" of API "pizza"'),
    ("subscribe shop pizza * --plan none", 'no plan "none"'),
    ("subscribe shop pizza 1.0", "the subscription is there already"),
    ("subscription block none pizza 1.0", 'no application "none"'),
    ("subscription block shop pizza *",
     'no subscription of "shop" to version "*" of API "pizza"'),
    ("token create none", 'no application "none"'),
    ("token list none", 'no application "none"'),
    ("token revoke shop t1", 'no token "t1" of application "shop"'),
    ("token rotate shop t1", 'no token "t1" of application "shop"'),
])
def test_refused(module_registry, line, why):
    said = module_registry.refused(line)
    assert why is None or said == why


@pytest.fixture(scope="module", params=KINDS)
def module_registry(request, tmp_path_factory):
    """A filled registry that nobody changes."""
    registry = new_registry(request.param, tmp_path_factory.mktemp("place"),
                            request).fill()
    registry.do("app client shop --issuer corp --client-id c1")
    registry.do("subscribe shop pizza 1.0")
    before = registry.do("registry show")
    yield registry
    assert registry.do("registry show") == before


@pytest.mark.parametrize("line", [
    "plan add", "plan add a b", "plan add x --limit 5", "plan add x --limit "
    "5/1y", "plan add x --limit 0/1s", "plan add x --limit 5/1s:0",
    "plan add x --limit 5/1s: ", "plan add x --limit -5/1s",
    "plan add x --limit 99999999999999999999/1s", "plan add " + "x" * 256,
    "plan add x --limit 1/1s --limit 2/1s", "api add x *", "api add",
    "api status pizza 1.0 gone", "api status pizza * blocked",
    "api status pizza 1.0 blocked --sunset 1d", "app add x --token-format "
    "saml", "app add x --unknown", "app client shop --issuer i",
    "app client shop --issuer i --client-id c --key-type test",
    "app status shop closed", "subscribe shop pizza 1.0 --expires never",
    "subscribe shop pizza 1.0 more", "subscription close shop pizza 1.0 "
    "--production", "token create shop --expires 90y",
    "token create shop --ip 10.1", "token create shop --ip 192.0.2.0/33",
    "token create shop --scope a\"b", "token create shop extra",
    "token list", "registry show extra", "registry import", "",
    "plan", "plan remove gold", "registry import /nonexistent",
])
def test_wrong_calls(module_registry, line):
    answer = module_registry.ask(line)
    assert answer.returncode == htapi.WRONG, answer
    assert answer.stdout == "" and answer.stderr != ""


def test_not_utf8(module_registry):
    answer = module_registry.ask("app add", os.fsdecode(b"\xff"))
    assert answer.returncode == htapi.WRONG
    assert "not UTF-8" in answer.stderr


@pytest.mark.parametrize("name", ["a:b", "a b", " a ", "-a", "Ünïcode", "%s",
                                  "'; DROP TABLE api_plans; --", "a\nb",
                                  '"\\', "x" * 255])
def test_any_name(registry, name):
    registry.do("registry init")
    registry.do("plan add --", name)
    registry.do("api add --", name, name)
    registry.do("app add --name", name, "--", name)
    registry.do("app client --issuer", name, "--client-id", name, "--", name)
    registry.do("subscribe --plan", name, "--", name, name, name)
    document = registry.show()
    assert document["plans"][0]["name"] == name
    assert rows(document, "apis")[0]["version"] == name
    app = document["applications"][0]
    assert app["id"] == app["name"] == name
    assert app["clients"][0]["client_id"] == name
    assert app["subscriptions"][0]["plan"] == name
    registry.do("subscription block --", name, name, name)
    assert rows(registry.show(), "subscriptions")[0]["status"] == "blocked"


def test_names_that_differ_little(registry):
    registry.do("registry init")
    names = ["app", "App", "app ", "\u00e4pp", "a\u0308pp"]
    for name in names:
        registry.do("app add --", name)
    assert sorted(row["id"] for row in registry.show()["applications"]) == \
        sorted(names)


def test_states(registry):
    registry.fill()
    registry.do("subscribe shop pizza 1.0")
    for line, status in [("block", "blocked"), ("activate", "active"),
                         ("block --production", "production_blocked"),
                         ("close", "closed"), ("activate", "active")]:
        answer = registry.json(f"subscription {line} shop pizza 1.0")
        assert answer["status"] == status
        assert rows(registry.show(), "subscriptions")[0]["status"] == status
    for status in ("blocked", "active"):
        registry.do(f"app status shop {status}")
        assert registry.show()["applications"][0]["status"] == status
    for status in ("blocked", "retired", "published"):
        registry.do(f"api status pizza 1.0 {status}")
        assert registry.show()["apis"][0]["status"] == status


def test_deprecation(registry):
    registry.fill()
    registry.do("api status pizza 1.0 deprecated --sunset 30d")
    row = registry.show()["apis"][0]
    assert -10 < seconds_from_now(row["deprecation"]) <= 0
    assert 0 <= 30 * 86400 - seconds_from_now(row["sunset"]) < 10
    registry.do("api status pizza 1.0 deprecated "
                "--deprecation 2026-01-01T00:00:00Z")
    again = registry.show()["apis"][0]
    assert again["deprecation"] == "2026-01-01T00:00:00Z"
    assert again["sunset"] == row["sunset"]
    registry.do("api status pizza 1.0 published")
    assert set(registry.show()["apis"][0]) == {"name", "version", "status"}


def test_tokens(registry):
    registry.fill()
    text = registry.token(
        "token create shop --scope a --scope b:c --expires 90d "
        "--not-before 2026-01-01T00:00:00Z --ip 192.0.2.0/24 --ip ::1 "
        "--key-type sandbox")
    assert re.fullmatch(r"api_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}", text)
    assert text[47:] == checksum(text[:47])
    digest = hashlib.sha256(text.encode()).hexdigest()
    row, = rows(registry.show(), "tokens")
    assert 0 <= 90 * 86400 - seconds_from_now(row.pop("expires")) < 10
    assert row == {"id": digest[:8], "sha256": digest, "prefix": text[:8],
                   "scopes": ["a", "b:c"], "key_type": "sandbox",
                   "not_before": "2026-01-01T00:00:00Z", "status": "active",
                   "ip": ["192.0.2.0/24", "::1"]}
    assert digest[:8] in registry.do("token list shop")
    registry.do(f"token revoke shop {digest[:8]}")
    listed, = registry.json("token list shop")
    assert listed["status"] == "revoked" and listed["sha256"] == digest
    assert text not in registry.do("registry show")


def test_new_tokens_differ(registry):
    registry.fill()
    made = {registry.token("token create shop") for _ in range(3)}
    assert len(made) == 3
    row = rows(registry.show(), "tokens")[0]
    assert row["scopes"] == row["ip"] == []
    assert row["expires"] is row["not_before"] is None


def test_token_as_json(registry):
    registry.fill()
    answer = registry.json("token create shop --scope a")
    tokens.minted.add(answer["token"])
    digest = hashlib.sha256(answer["token"].encode()).hexdigest()
    assert answer["sha256"] == digest and answer["application"] == "shop"


def by_id(registry):
    return {row["id"]: row for row in registry.json("token list shop")}


def test_rotation(registry):
    registry.fill()
    registry.token("token create shop --scope a --ip ::1 --expires 90d")
    (first, old), = by_id(registry).items()
    registry.token(f"token rotate shop {first} --grace 2h")
    now = by_id(registry)
    assert 7190 < seconds_from_now(now[first]["expires"]) <= 7200
    assert now[first]["status"] == "active"
    new, = (row for name, row in now.items() if name != first)
    same = ("scopes", "ip", "key_type", "expires", "status")
    assert [new[name] for name in same] == [old[name] for name in same]
    registry.token(f"token rotate shop {new['id']} --expires 10d")
    now = by_id(registry)
    assert now[new["id"]]["status"] == "revoked"
    assert len(now) == 3
    assert registry.refused(f"token rotate shop {new['id']}") == \
        f'token "{new["id"]}" is revoked'
    registry.do(f"token revoke shop {first}")


def test_rotation_of_an_expired_token(registry):
    registry.fill()
    registry.token("token create shop --expires 2020-01-01T00:00:00Z")
    (first, _), = by_id(registry).items()
    assert "say --expires" in registry.refused(f"token rotate shop {first}")
    assert len(by_id(registry)) == 1
    registry.token(f"token rotate shop {first} --expires 1d")
    assert len(by_id(registry)) == 2


def test_import_replaces_all(registry, tmp_path):
    registry.fill()
    registry.do("subscribe shop pizza 1.0 --plan gold")
    registry.token("token create shop --scope a --ip ::1")
    document = registry.show()
    path = tmp_path / "document"
    path.write_text(json.dumps(document, sort_keys=True, indent=3))
    registry.do("plan add silver")
    registry.do("app add other")
    registry.do("registry import", path)
    assert registry.show() == document
    empty = registry.ask("registry import - --json", input='{"version": 1}')
    assert json.loads(empty.stdout)["applications"] == 0
    assert registry.show()["plans"] == []


def test_wrong_import_changes_nothing(registry, tmp_path):
    registry.fill()
    before = registry.do("registry show")
    path = tmp_path / "document"
    path.write_text('{"version": 1, "applications": [{"id": "a",\n'
                    '"subscriptions": [{"api": "soup", "version": "*"}]}]}')
    assert registry.refused("registry import", path) == (
        f"{path}: line 2: applications[0].subscriptions[0].api: "
        'no API "soup"')
    assert registry.do("registry show") == before


def on_a_terminal(*words):
    """What htapi writes to standard error when that is a terminal."""
    ours, theirs = os.openpty()
    process = subprocess.Popen([htapi.HTAPI, *map(str, words)],
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        seen += more
    os.close(ours)
    assert process.wait(60) == htapi.DONE
    return seen.decode()


def test_progress(registry, tmp_path):
    registry.fill()
    path = tmp_path / "document"
    path.write_text(json.dumps({"version": 1, "applications": [
        {"id": str(n)} for n in range(2000)]}))
    words = ("registry", "import", path, "--registry", registry.name)
    shown = on_a_terminal(*words)
    assert re.search(r"\rreading  \[#{40}\] 100 %", shown)
    if not registry.name.startswith("file:"):
        percents = [int(n) for n in
                    re.findall(r"\rwriting  \[#* *\] +(\d+) %", shown)]
        assert percents == sorted(percents) and len(percents) > 50
        assert percents[-1] == 100
    assert shown.endswith("\r\x1b[K")  # and nothing of it stays
    assert htapi.run(*words).stderr == ""


def test_check_of_files(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text('{"version": 1}')
    bad.write_text('{"version": 1,\n"plans": [{"nam": "x"}]}')
    assert htapi.run("registry", "check", good).stdout.startswith("OK: 0 ")
    answer = htapi.run("registry", "check", bad)
    assert answer.returncode == htapi.REFUSED
    assert answer.stderr == f'htapi: {bad}: line 2: plans[0]: "name" is ' \
                            "missing\n"
    assert htapi.run("registry", "check", tmp_path / "none").returncode == \
        htapi.WRONG
    assert htapi.run("registry", "check", "-",
                     input='{"version": 1}').returncode == htapi.DONE
    # A file that cannot be understood is no registry to work on.
    broken = htapi.Registry(f"file:{bad}")
    assert broken.ask("plan add x").returncode == htapi.WRONG
    assert broken.ask("registry check", good).returncode == htapi.WRONG


def test_options_anywhere(tmp_path):
    name = f"file:{tmp_path}/registry"
    for words in (["--registry", name, "registry", "init"],
                  ["plan", f"--registry={name}", "add", "gold", "--limit",
                   "1/1s"],
                  ["plan", "add", "--json", "--registry", name, "--", "-x"]):
        assert htapi.run(*words).returncode == htapi.DONE, words
    assert [row["name"] for row in htapi.Registry(name).show()["plans"]] == \
        ["gold", "-x"]


@pytest.mark.parametrize("name", ["registry", "file:", "mysql:dbname=x", ""])
def test_no_registry(name):
    answer = htapi.run("registry", "show", "--registry", name)
    assert answer.returncode == htapi.WRONG
    assert "--registry takes file:PATH" in answer.stderr


def test_database_that_is_none(tmp_path, postgres):
    missing = htapi.Registry(f"sqlite3:{tmp_path}/none")
    assert "cannot be read" in missing.ask("registry show").stderr
    assert not (tmp_path / "none").exists()
    (tmp_path / "text").write_text("this is no database, not at all")
    for name in (f"sqlite3:{tmp_path}/text",
                 f"pgsql:{postgres.new_database()}",
                 f"pgsql:host={tmp_path} dbname=x"):
        answer = htapi.Registry(name).ask("registry show")
        assert answer.returncode == htapi.WRONG and answer.stderr, name


def test_other_version_of_the_schema(postgres):
    registry = htapi.Registry(f"pgsql:{postgres.new_database()}")
    registry.do("registry init")
    database = registry.name.split("dbname=")[1]
    postgres.sql("UPDATE api_registry SET version = 2", database)
    answer = registry.ask("plan add x")
    assert answer.returncode == htapi.WRONG
    assert "not of version 1" in answer.stderr
