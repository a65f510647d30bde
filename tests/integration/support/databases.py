"""Private database servers, on a socket in a folder of their own."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

from support import wait

#: Fixtures of servers, by the names of their drivers.
SERVERS = {"pgsql": "postgres", "mysql": "mariadb"}


def program(name, *places):
    """The path of a server's program; a package may hide it."""
    found = shutil.which(name) or next(
        (str(path) for place in places
         for path in sorted(Path("/").glob(place.lstrip("/")))), None)
    assert found, f"{name} is not installed: see scripts/packages"
    return found


class Server:
    """A server, run by a user that is not root; its folder is its own."""

    driver = user = None
    end = signal.SIGTERM  # what it ends at without waiting for anybody

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="api-oauth2-db-",
                                          dir="/tmp"))
        self.root.chmod(0o711)
        self.user_args = {}
        if os.geteuid() == 0:
            shutil.chown(self.root, self.user, self.user)
            self.user_args = dict(user=self.user, group=self.user,
                                  extra_groups=[])
        self.count = 0
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.root, ignore_errors=True)
            raise

    def run(self, *args, **more):
        return subprocess.run(args, check=True, text=True,
                              capture_output=True, cwd=self.root, timeout=60,
                              **self.user_args, **more).stdout

    def start_process(self, *args):
        self.args = args
        with open(self.root / "log", "a") as log:
            self.process = subprocess.Popen(
                args, cwd=self.root, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, **self.user_args)
        wait.until(self.answers, 60)

    def answers(self):
        assert self.process.poll() is None, (self.root / "log").read_text()
        try:
            self.sql("SELECT 1")
        except subprocess.CalledProcessError:
            return False
        return True

    def halt(self):
        self.process.send_signal(self.end)
        self.process.wait(30)

    def start_again(self):
        self.start_process(*self.args)

    def stop(self):
        try:
            self.halt()
        finally:
            self.process.kill()
            shutil.rmtree(self.root, ignore_errors=True)

    def processes(self):
        """Of the server, the first one first."""
        first = self.process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text()
        return [first, *map(int, children.split())]

    def signal(self, number):
        for process in self.processes():
            os.kill(process, number)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def new_database(self):
        """A new, empty database; what apr_dbd reaches it by."""
        self.count += 1
        name = f"registry{self.count}"
        self.sql(f"CREATE DATABASE {name}")
        return self.params(name)


class Postgres(Server):
    driver = "pgsql"
    user = "postgres"
    end = signal.SIGINT

    def start(self):
        place = "/usr/lib/postgresql/*/bin/"
        self.run(program("initdb", place + "initdb"), "-D", "data", "-A",
                 "trust", "-U", "postgres", "--no-sync")
        self.psql = program("psql", place + "psql")
        self.start_process(
            program("postgres", place + "postgres"), "-D", "data", "-k",
            str(self.root), "-c", "listen_addresses=", "-c", "fsync=off")

    def sql(self, text, database="postgres"):
        return self.run(self.psql, "-h", str(self.root), "-U", "postgres",
                        "-qAtc", text, database)

    def params(self, database):
        return f"host={self.root} user=postgres dbname={database}"


class MariaDB(Server):
    driver = user = "mysql"

    def start(self):
        self.run(program("mariadb-install-db"), "--no-defaults",
                 f"--datadir={self.root}/data", "--skip-test-db",
                 "--auth-root-authentication-method=normal")
        self.client = program("mariadb")
        self.start_process(
            program("mariadbd", "/usr/sbin/mariadbd"), "--no-defaults",
            f"--datadir={self.root}/data", f"--socket={self.root}/socket",
            f"--pid-file={self.root}/pid", "--skip-networking",
            "--innodb-flush-log-at-trx-commit=0")

    def sql(self, text, database=""):
        return self.run(self.client, "--no-defaults", "-u", "root",
                        f"--socket={self.root}/socket", "-sNe", text,
                        *filter(None, [database]))

    def params(self, database):
        return f"sock={self.root}/socket,user=root,dbname={database}"


class SQLite:
    """A database in a file, with what servers have."""

    driver = "sqlite3"

    def __init__(self, path):
        self.path = path
        path.parent.chmod(0o755)

    def sql(self, text, database=None):
        link = sqlite3.connect(self.path, timeout=10)
        try:
            link.executescript(text)
        finally:
            link.close()

    def new_database(self):
        return str(self.path)


class Registry:
    """A registry in a database of its own."""

    SCHEMAS = Path(__file__).parents[3] / "conf/sql"

    def __init__(self, server):
        self.server = server
        self.params = server.new_database()
        self.name = re.search(r"dbname=(\w+)|$", self.params)[1]
        self.sql((self.SCHEMAS / f"{server.driver}.sql").read_text())

    def conf(self, min_line="DBDMin 0"):
        """What finds it, for a server."""
        return (f'DBDriver {self.server.driver}\n'
                f'DBDParams "{self.params}"\n{min_line}\n')

    def sql(self, text):
        self.server.sql(text, self.name)

    def fill(self, document):
        """Replace what it holds, by a document as htapi takes it."""
        self.sql("\n".join(["BEGIN;", *CLEAR, *inserts(document),
                            "COMMIT;"]))


CLEAR = [f"DELETE FROM api_{table};" for table in (
    "subscriptions", "tokens", "clients", "applications", "versions",
    "limits", "plans")]


def inserts(document):
    """The rows of a document as statements."""
    def row(table, **columns):
        return (f"INSERT INTO api_{table} ({', '.join(columns)}) "
                f"VALUES ({', '.join(map(literal, columns.values()))});")

    def pick(record, *names):
        return {name: record[name] for name in names if name in record}

    for plan in document.get("plans", []):
        yield row("plans", name=plan["name"])
        for number, limit in enumerate(plan["limits"]):
            yield row("limits", plan=plan["name"], position=number, **limit)
    for name in dict.fromkeys(api["name"] for api in document["apis"]):
        yield row("versions", name=name, version="*")
    for api in document["apis"]:
        times = {name: seconds(api.get(name))
                 for name in ("deprecation", "sunset")}
        yield row("versions", **pick(api, "name", "version", "status"),
                  **times)
    for app in document["applications"]:
        owner = {"application": app["id"]}
        yield row("applications", **pick(app, "id", "name", "owner", "status",
                                         "token_format"))
        for client in app["clients"]:
            yield row("clients", **owner, **client)
        for token in app["tokens"]:
            yield row("tokens", **owner,
                      **pick(token, "id", "sha256", "prefix", "key_type",
                             "status"),
                      scopes=" ".join(token["scopes"]),
                      ip=" ".join(token.get("ip", [])),
                      not_before=seconds(token.get("not_before")),
                      expires=seconds(token.get("expires")))
        for one in app["subscriptions"]:
            yield row("subscriptions", **owner,
                      **pick(one, "api", "version", "plan", "status"),
                      starts=seconds(one.get("starts")),
                      expires=seconds(one.get("expires")))


def literal(value):
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    return "'" + value.replace("'", "''") + "'"


def seconds(time):
    """RFC 3339 as the tables hold it."""
    return time and int(datetime.fromisoformat(
        time.replace("Z", "+00:00")).timestamp())
