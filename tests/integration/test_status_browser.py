"""The status page in a real browser: three widths, light and dark. Nothing
that axe-core finds wrong, nothing that sticks out, and no script at all."""
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from support import pages, tokens
from support.server import MPM
from support.wait import until

pytestmark = pytest.mark.skipif(MPM != "event",
                                reason="the same page everywhere")

HERE = Path(__file__).parents[1] / "browser"
NOBODY = socket.socket()
NOBODY.bind(("127.0.0.1", 0))


WIDTHS = (380, 768, 1440)


def look(url, folder, *widths):
    """What tests/browser/look.mjs says of a page."""
    program = Path(os.environ.get("AO2_BROWSER", HERE)) / "look.mjs"
    done = subprocess.run(["node", program, url, folder, *map(str, widths)],
                          text=True, capture_output=True, timeout=500)
    assert done.returncode == 0, (
        f"{program}: are its packages installed (npm ci), and chromium?\n"
        f"{done.stderr}")
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def seen(module_httpd, key, tmp_path_factory):
    server = pages.start(module_httpd, key, [tokens.new_key(
        "EdDSA", pages.EVIL)], NOBODY.getsockname()[1])
    pages.fill(server, key)
    until(lambda: len(pages.model(server)["refusals"]) == 6)
    folder = tmp_path_factory.mktemp("pictures")
    seen = look(f"http://127.0.0.1:{server.port}/status?format=html", folder,
                *WIDTHS)
    for one in seen["looks"]:
        assert (folder / f"{one['width']}-{one['scheme']}.png").exists()
    return seen


def test_all_looks(seen):
    assert [(one["width"], one["scheme"]) for one in seen["looks"]] == [
        (width, scheme) for width in WIDTHS for scheme in ("light", "dark")]
    assert seen["status"] == 200


def test_axe_finds_nothing(seen):
    for one in seen["looks"]:
        assert one["passes"] > 20
        assert one["violations"] == [], one["width"]


def test_nothing_sticks_out(seen):
    assert [one["width"] for one in seen["looks"] if one["sideways"]] == []


def test_no_script_no_complaint(seen):
    assert seen["scripts"] == 0 and seen["problems"] == []
    for one in seen["looks"]:
        assert pages.EVIL in one["text"]


def test_light_and_dark(seen):
    backs = {(one["scheme"], one["back"]) for one in seen["looks"]}
    assert len(backs) == len({back for _, back in backs}) == 2


def test_sections(seen):
    for one in seen["looks"]:
        assert one["headings"][:3] == ["Decisions", "Issuers", "Keys"]
        assert one["rows"] > 30


BAD = """<!DOCTYPE html><html><body style="width:3000px;color:#777;
background:#888"><img src="/gone.png"><p>Hard to read</p>
<script>console.log("here")</script></body></html>"""


def test_a_bad_page_is_seen(httpd, tmp_path):
    """What is looked for is found where it is."""
    server = httpd(files={"htdocs/bad.html": BAD},
                   main="AddType text/html .html")
    bad = look(f"http://127.0.0.1:{server.port}/bad.html", tmp_path, 380)
    assert bad["scripts"] == 1 and "here" in bad["problems"]
    assert bad["looks"][0]["sideways"]
    rules = {text.split(":")[0] for text in bad["looks"][0]["violations"]}
    assert {"color-contrast", "image-alt", "html-has-lang"} <= rules
