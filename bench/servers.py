"""Private servers on loopback, each with one process that serves.

`Httpd` and `Nginx` are started with a configuration, waited for, and stopped
by their process id. Under valgrind they count what they execute: each call
of the function `boundary` writes a profile and begins the next.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/integration"))

HTTPD = next((p for p in ("/usr/sbin/apache2", "/usr/sbin/httpd")
              if Path(p).exists()), None)
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
MODULES = Path(subprocess.run(["apxs", "-q", "LIBEXECDIR"], text=True,
                              capture_output=True).stdout.strip()
               or "/usr/lib/apache2/modules")
MODULE = Path(os.environ.get("AO2_MODULE",
                             TOP / ".libs/mod_api_oauth2.so")).resolve()
START_SEC = 60
USUAL = "authn_core authz_core authz_user mime headers socache_shmcb"
ONE_PROCESS = {
    "prefork": "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\n"
               "ServerLimit 1\nMaxRequestWorkers 1\n",
    "threaded": "StartServers 1\nServerLimit 1\nThreadLimit {threads}\n"
                "ThreadsPerChild {threads}\nMaxRequestWorkers {threads}\n"
                "MinSpareThreads 1\nMaxSpareThreads {threads}\n",
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """What httpd and nginx have in common. `boundary` is set by those that
    can be counted."""

    def __init__(self, root):
        self.root = Path(root)
        self.port = free_port()
        self.process = None
        for name in ("htdocs", "run", "profiles"):
            (self.root / name).mkdir(parents=True)
        self.write("htdocs/index.html", "hello, world\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def open_up(self):
        """The server may run as another user than this program."""
        for path in (self.root / "run", self.root / "profiles"):
            path.chmod(0o777)
        for path in [self.root, *self.root.parents][:3]:
            path.chmod(path.stat().st_mode | 0o055)

    def valgrind(self):
        return ["valgrind", "--tool=callgrind", f"--dump-before="
                f"{self.boundary}", f"--callgrind-out-file={self.root}/"
                "profiles/profile", "--dump-instr=no"]

    def launch(self, command, environment=None):
        self.open_up()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL,
            stdout=open(self.root / "stdout", "w"),
            stderr=open(self.root / "stderr", "w"), start_new_session=True,
            env={**os.environ, **(environment or {})})
        deadline = time.monotonic() + START_SEC
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(self.complaints())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("not started in time\n" + self.complaints())

    def complaints(self):
        return "\n".join((self.root / name).read_text(errors="replace")[-3000:]
                         for name in ("stderr", "error.log")
                         if (self.root / name).exists())

    def workers(self):
        """Ids of the processes that serve."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()] or [pid]

    def cpu_sec(self):
        """What the serving processes have used."""
        ticks = 0
        for pid in self.workers():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
            ticks += sum(map(int, fields.split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_kb(self):
        """Resident and not shared, of the largest serving process."""
        most = 0
        for pid in self.workers():
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            most = max(most, sum(map(int, re.findall(
                r"^Private_\w+:\s+(\d+)", text, re.M))))
        return most

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Httpd(Server):
    #: Nothing calls it but an OPTIONS request for a file.
    boundary = "ap_send_http_options"

    def configure(self, conf, mpm="prefork", threads=1, modules=()):
        names = [f"mpm_{mpm}", *USUAL.split(), *modules]
        load = "\n".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so"
            for name in names if (MODULES / f"mod_{name}.so").exists())
        size = ONE_PROCESS["prefork" if mpm == "prefork" else "threaded"]
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        self.write("httpd.conf", f"""
Define root {self.root}
ServerRoot {self.root}
DefaultRuntimeDir {self.root}/run
PidFile {self.root}/run/httpd.pid
Mutex file:{self.root}/run default
Listen 127.0.0.1:{self.port}
ServerName server.example
{load}
{user}
{size.format(threads=threads)}
TypesConfig /dev/null
ErrorLog {self.root}/error.log
LogLevel warn
DocumentRoot {self.root}/htdocs
<Directory {self.root}/htdocs>
    Require all granted
</Directory>
KeepAlive On
KeepAliveTimeout 300
MaxKeepAliveRequests 0
{conf}
""")
        return self

    def command(self, *words):
        return [HTTPD, "-f", str(self.root / "httpd.conf"), *words]

    def start(self):
        return self.launch(self.command("-DFOREGROUND"))

    def start_counting(self, environment=None):
        """One process, all that it executes is counted."""
        return self.launch(self.valgrind() + self.command("-X"), environment)


class Nginx(Server):
    #: For an answer that nginx makes itself: here, to an OPTIONS request.
    boundary = "ngx_http_special_response_handler"

    def configure(self, conf, main=""):
        user = "user www-data;" if os.getuid() == 0 else ""
        self.write("nginx.conf", f"""
{main}
{user}
worker_processes 1;
pid {self.root}/run/nginx.pid;
error_log {self.root}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    client_body_temp_path {self.root}/run/body;
    proxy_temp_path {self.root}/run/proxy;
    fastcgi_temp_path {self.root}/run/fastcgi;
    uwsgi_temp_path {self.root}/run/uwsgi;
    scgi_temp_path {self.root}/run/scgi;
{conf.replace("LISTEN", f"listen 127.0.0.1:{self.port}; "
                        f"root {self.root}/htdocs;")}
}}
""")
        return self

    def command(self, directives):
        return [NGINX, "-p", str(self.root), "-c",
                str(self.root / "nginx.conf"), "-g", directives]

    def start(self):
        return self.launch(self.command("daemon off;"))

    def start_counting(self, environment=None):
        return self.launch(self.valgrind() + self.command(
            "daemon off; master_process off;"), environment)
