"""What a server counts, as Prometheus reads it."""
import json
import re
import subprocess
import urllib.parse
import urllib.request

from . import client
from .server import free_port
from .wait import until

#: A location for them, which this machine may read.
LOCATION = """
<Location /metrics>
    SetHandler api-oauth2-metrics
    Require local
</Location>
"""
OPENMETRICS = "application/openmetrics-text"


def text(server, accept=None, path="/metrics"):
    answer = client.request(server.port, path,
                            headers=[("Accept", accept)] if accept else ())
    assert answer.status == 200
    return answer.body.decode("ascii")


def parse(page):
    """{(name, ((label, value), ...)): number}; no series stands twice."""
    found = {}
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")
        key = (match[1].removeprefix("api_oauth2_"), tuple(sorted(labels)))
        assert key not in found, line
        found[key] = float(match[3])
    return found


def value(server, name, **labels):
    """One figure; None where there is no such series."""
    return parse(text(server)).get((name, tuple(sorted(labels.items()))))


def wait_for(server, wanted, name, **labels):
    """Requests are counted when they have been answered."""
    until(lambda: value(server, name, **labels) == wanted)


class Prometheus:
    """A Prometheus of its own, which scrapes a server every second."""

    def __init__(self, folder, target, rules=None):
        self.port = free_port()
        config = {"global": {"scrape_interval": "200ms",
                             "evaluation_interval": "200ms"},
                  "rule_files": [str(rules)] if rules else [],
                  "scrape_configs": [{
                      "job_name": "api_oauth2",
                      "static_configs": [
                          {"targets": [f"127.0.0.1:{target}"]}]}]}
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=open(folder / "prometheus.log", "w"),
            stderr=subprocess.STDOUT)

    def get(self, path, **query):
        """The data of an answer; None while there is none."""
        assert self.process.poll() is None, "prometheus ended"
        url = (f"http://127.0.0.1:{self.port}/api/v1/{path}?"
               + urllib.parse.urlencode(query))
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def query(self, expression):
        """The series that an expression finds: [(labels, number)]."""
        data = self.get("query", query=expression)
        return [(row["metric"], float(row["value"][1]))
                for row in data["result"]] if data else []

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
