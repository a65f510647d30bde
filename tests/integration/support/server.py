"""A private httpd: own ServerRoot, loopback, free port, stopped by its pid."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

MODULES = Path(subprocess.run(["apxs", "-q", "LIBEXECDIR"], text=True,
                              capture_output=True).stdout.strip()
               or "/usr/lib/apache2/modules")
HTTPD = next(p for p in ("/usr/sbin/apache2", "/usr/sbin/httpd")
             if Path(p).exists())
MPM = os.environ.get("AO2_MPM", "event")
USUAL = ("authn_core authz_core authz_user authz_host mime dir alias headers "
         "env setenvif log_config socache_shmcb").split()
#: One process, so that what a server is asked can be counted.
ONE_PROCESS = "StartServers 1\nServerLimit 1\n" + (
    "MinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 1"
    if MPM == "prefork" else
    "ThreadsPerChild 16\nMaxRequestWorkers 16\n"
    "MinSpareThreads 1\nMaxSpareThreads 16")
#: What a log may say at warning level without anybody announcing it.
HARMLESS = re.compile(r"AH01630|AH01631|AH00052.*exit signal Terminated|"
                      r"AH00163|AH00489|AH00094|AH0049[0-9]|AH00574|AH00295|"
                      r"AH01797|AH00161|AH03092|stands in the configuration itself|"
                      r"can hand out keys|is an http URL|is not used: no ApiAccept|"
                      r"tokens that the issuer made for other services|AH00558|AH00035")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment():
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    if os.environ.get("AO2_SANITIZED"):
        libs = [subprocess.run(["gcc", f"-print-file-name=lib{n}.so"],
                               text=True, capture_output=True).stdout.strip()
                for n in ("asan", "ubsan")]
        env["LD_PRELOAD"] = " ".join(libs)
        env["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1"
        env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    return env


class Httpd:
    #: The roots of all that were started.
    started = []

    def __init__(self, root, modules=(), main=""):
        self.root = Path(root)
        self.port = free_port()
        self.expected = []
        self.process = None
        self.serving = False
        self.env = {}
        for name in ("htdocs", "run", "keys"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        names = dict.fromkeys([f"mpm_{MPM}", *USUAL, *modules])
        load = "\n".join(
            f"LoadModule {n}_module {MODULES}/mod_{n}.so" for n in names
            if (MODULES / f"mod_{n}.so").exists())
        self.base = f"""
Define root {self.root}
Define port {self.port}
ServerRoot {self.root}
DefaultRuntimeDir {self.root}/run
PidFile {self.root}/httpd.pid
Mutex file:{self.root}/run default
Listen 127.0.0.1:{self.port}
ServerName server.example
{load}
LoadModule api_oauth2_module {os.environ['AO2_MODULE']}
TypesConfig /dev/null
{'User www-data' if os.getuid() == 0 else ''}
{'Group www-data' if os.getuid() == 0 else ''}
ErrorLog {self.root}/error.log
LogLevel info api_oauth2:trace8
LogFormat "%>s|%r|%q|%u|%{{oauth2-error}}n|%{{OAUTH2_CLIENT}}e" test
CustomLog {self.root}/access.log test
DocumentRoot {self.root}/htdocs
DirectoryIndex index.html
<Directory {self.root}>
    AllowOverride AuthConfig
    Require all granted
</Directory>
{main}
"""

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def _config(self, conf):
        # a restart that is under way reads the one or the other
        self.write("httpd.conf.new", self.base + conf).replace(
            self.root / "httpd.conf")
        if os.getuid() == 0:
            shutil.chown(self.root / "run", "www-data", "www-data")
            for path in [self.root, *self.root.parents][:4]:
                path.chmod(path.stat().st_mode | 0o055)

    def _env(self):
        """The environment with what the test adds to it."""
        env = environment()
        for name, value in self.env.items():
            both = name == "LD_PRELOAD" and name in env
            env[name] = f"{env[name]} {value}" if both else value
        return env

    def configtest(self, conf):
        self._config(conf)
        done = subprocess.run([HTTPD, "-f", self.root / "httpd.conf", "-t"],
                              text=True, capture_output=True, timeout=60,
                              env=self._env(), errors="replace")
        return done.returncode, done.stderr + done.stdout

    def start(self, conf=""):
        self._config(conf)
        self.started.append(self.root)
        pidfile = self.root / "httpd.pid"
        pidfile.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [HTTPD, "-f", self.root / "httpd.conf", "-DFOREGROUND"],
            env=self._env(), stderr=open(self.root / "stderr", "w"),
            stdout=subprocess.DEVNULL,
            # prefork ends by a signal to its whole process group
            start_new_session=True)
        self.serving = True
        deadline = time.time() + 30
        while time.time() < deadline:
            if self.process.poll() is not None:
                self.serving = False
                raise AssertionError((self.root / "stderr").read_text()
                                     + self.log())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                # httpd listens before it names its process and hears signals:
                # a command sent before would start a second server, or end it
                if pidfile.exists() and self._hears(signal.SIGUSR1):
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError("httpd did not start\n" + self.log())

    def _hears(self, number):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = re.search(r"^SigCgt:\s*(\w+)", status, re.M)[1]
        return int(caught, 16) >> (number - 1) & 1

    def _still_root(self):
        """Children of httpd that have not taken their user yet: told to stop
        there, they leave from the middle of initgroups(3)."""
        for child in self.children():
            try:
                process = Path(f"/proc/{child}")
                if (process / "exe").samefile(HTTPD) and \
                        process.stat().st_uid == 0:
                    return True
            except OSError:
                pass
        return False

    def graceful(self):
        self.process.send_signal(signal.SIGUSR1)

    def children(self):
        """Process ids."""
        pid = self.process.pid
        path = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in path.read_text().split()]

    def log(self, name="error.log"):
        path = self.root / name
        return path.read_text(errors="replace") if path.exists() else ""

    def expect(self, *patterns):
        """Announce log lines at warning or above."""
        self.expected += [re.compile(pattern) for pattern in patterns]

    def stop(self):
        if self.serving and self.process.poll() is not None:
            # another may have taken its place, and would stay behind
            raise AssertionError(f"httpd ended by itself, with status "
                                 f"{self.process.returncode}\n{self.log()}")
        if self.serving:
            # mpm_event, told to stop while it puts a connection away, may
            # close it twice (AH03092) or crash, without any module of ours:
            # a busy machine needs that moment
            if MPM == "event":
                time.sleep(0.1)
            deadline = time.time() + 10
            while os.getuid() == 0 and self._still_root() and \
                    time.time() < deadline:
                time.sleep(0.01)
            self.process.terminate()
            self.process.wait(30)
            self.serving = False
        self.check_logs()

    def check_logs(self):
        for line in self.log().splitlines():
            loud = re.search(r"\[[a-z0-9_]+:(warn|error|crit|alert|emerg)\]",
                             line)
            if "AddressSanitizer" in line or "runtime error" in line or \
                    re.search(r"exit signal (Segm|Abort)", line):
                raise AssertionError("crash: " + line)
            if loud and not HARMLESS.search(line) and \
                    not any(p.search(line) for p in self.expected):
                raise AssertionError("not announced: " + line)
        text = self.log("stderr")
        assert "Sanitizer" not in text and "runtime error" not in text, text
