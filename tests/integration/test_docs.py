"""The documentation holds together: links lead somewhere, and the manual page
of htapi knows the options that htapi knows."""
import os
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
HTAPI = os.environ.get("AO2_HTAPI", TOP / "htapi")
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md")])


def without_code(text):
    text = re.sub(r"(?ms)^```.*?^```$", "", text)
    return re.sub(r"(?m)^    .*$", "", text)


def anchors(text):
    """As GitHub makes them of headings."""
    heads = re.findall(r"(?m)^#+ (.*)$", without_code(text))
    return {re.sub(r"[^\w\- ]", "", re.sub("&[lg]t;", "", head)).lower()
            .replace(" ", "-") for head in heads}


def broken_links(page, text):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        path, _, anchor = link.partition("#")
        if re.match(r"https?:", link):
            continue
        target = page.parent / path
        if path and not target.exists():
            yield link
        elif anchor and anchor not in anchors(target.read_text() if path
                                              else text):
            yield link


def test_there_are_pages():
    assert len(PAGES) >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page):
    assert list(broken_links(page, page.read_text())) == []


def test_every_page_is_listed_and_installed():
    index = (TOP / "docs/index.md").read_text()
    makefile = (TOP / "Makefile.am").read_text()
    for page in TOP.glob("docs/*.md"):
        assert page.name == "index.md" or f"]({page.name})" in index
        assert f"docs/{page.name}" in makefile


def test_broken_links_are_found():
    text = "# One two\n[a](#one-two) [b](#three) [c](README.md) [d](none.md)\n"
    assert list(broken_links(TOP / "x.md", text)) == ["#three", "none.md"]


def test_manual_page_knows_the_options():
    usage = subprocess.run([HTAPI, "--help"], text=True, check=True,
                           capture_output=True).stdout
    manual = (TOP / "docs/htapi.1").read_text()
    commands = [line.split("htapi ")[1].split(" -")[0].split(" FILE")[0]
                for line in usage.splitlines() if "htapi " in line]
    assert len(commands) >= 4
    for command in commands:
        assert f".Cm {command}\n" in manual and f".Ss htapi {command}" in manual
    options = set(re.findall(r"--([a-z-]+)", usage))
    # mdoc writes "--option" as ".Fl -option".
    assert options == set(re.findall(r"\bFl -([a-z-]+)", manual)) - {
        "help", "version"}
