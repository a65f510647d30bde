"""The alert rules and the dashboard in conf/: what they ask for is there."""
import json
import re
import subprocess
from pathlib import Path

import pytest
from support import metrics, pages
from support.server import MPM
from support.wait import until

pytestmark = pytest.mark.skipif(MPM != "event",
                                reason="the same files everywhere")

CONF = Path(__file__).parents[2] / "conf"
RULES = CONF / "prometheus/api_oauth2.rules.yml"
DASHBOARD = CONF / "grafana/api_oauth2.json"


def known():
    """Names and labels of all series, out of the reference."""
    text = (CONF.parent / "docs/reference.md").read_text()
    found = {}
    for name, kind, labels in re.findall(
            r"^\| `(api_oauth2_\w+)` \| (\w+) \| ([^|]*)\|", text, re.M):
        labels = set(re.findall(r"`(\w+)`", labels)) | {"instance"}
        if kind == "histogram":
            found[name + "_bucket"] = labels | {"le"}
        else:
            found[name] = labels
    return found


def expressions():
    dashboard = json.loads(DASHBOARD.read_text())
    yield from (target["expr"] for panel in dashboard["panels"]
                for target in panel["targets"])
    yield from re.findall(r"expr: (?:>-\n)?((?:[^\n]|\n {10})+)",
                          RULES.read_text())


def faults(expression, series):
    """What it asks for that is not there."""
    names = re.findall(r"\bapi_oauth2_\w+", expression)
    labels = set(re.findall(r"(\w+)(?:=~|!=|=)\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        labels |= set(re.findall(r"\w+", group))
    there = set.union(*(series.get(name, set()) for name in names))
    return [name for name in names if name not in series] + sorted(
        labels - there)


def test_what_is_asked_for_is_there():
    series = known()
    asked = list(expressions())
    assert len(series) > 30 and len(asked) > 25
    assert {text: faults(text, series) for text in asked
            if faults(text, series)} == {}
    assert faults('sum by (gone) (api_oauth2_gone{x="1"}) + '
                  'api_oauth2_processes', series) == [
        "api_oauth2_gone", "gone", "x"]


def test_promtool_takes_the_rules(tmp_path):
    def check(path):
        return subprocess.run(["promtool", "check", "rules", path],
                              capture_output=True, text=True,
                              timeout=60).returncode

    assert check(RULES) == 0
    bad = tmp_path / "bad.yml"
    bad.write_text(RULES.read_text().replace("max by (", "max bye (", 1))
    assert check(bad) != 0


def test_a_rule_fires(httpd, key, tmp_path):
    """A faulty registry, seen through the rules by a real Prometheus."""
    server = pages.start(httpd, key, [], 9, metrics.LOCATION)
    server.expect("AO2-050")
    server.write("conf/registry.json", "{")
    rules = tmp_path / "rules.yml"
    rules.write_text(re.sub(r"for: \d+m", "for: 0s", RULES.read_text()))
    prometheus = metrics.Prometheus(tmp_path, server.port, rules)
    try:
        until(lambda: prometheus.query(
            'ALERTS{alertname="ApiRegistryFaulty",alertstate="firing"}'), 60)
    finally:
        prometheus.stop()
