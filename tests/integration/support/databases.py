"""Private database servers, on a socket in a folder of their own."""
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from support import wait


def program(name, *places):
    """The path of a server's program; a package may hide it."""
    found = shutil.which(name) or next(
        (str(path) for place in places
         for path in sorted(Path("/").glob(place.lstrip("/")))), None)
    assert found, f"{name} is not installed: see scripts/packages"
    return found


class Server:
    """A server, run by a user that is not root; its folder is its own."""

    user = None
    end = signal.SIGTERM  # what it ends at without waiting for anybody

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="api-oauth2-db-",
                                          dir="/tmp"))
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

    def stop(self):
        self.process.send_signal(self.end)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            shutil.rmtree(self.root, ignore_errors=True)

    def new_database(self):
        """A new, empty database; what apr_dbd reaches it by."""
        self.count += 1
        name = f"registry{self.count}"
        self.sql(f"CREATE DATABASE {name}")
        return self.params(name)


class Postgres(Server):
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
    user = "mysql"

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
