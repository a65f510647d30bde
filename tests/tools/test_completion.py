"""The completion for bash offers what htapi takes."""
import subprocess
from pathlib import Path

import pytest

from support import htapi

COMPLETION = Path(__file__).parents[2] / "conf/completion/htapi"


def complete(folder, *words):
    """What bash offers for the last of these words."""
    script = (f"source {COMPLETION}\nCOMP_WORDS=(\"$@\")\n"
              "COMP_CWORD=$(($# - 1))\n_htapi\n"
              "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    answer = subprocess.run(
        ["bash", "-uc", script, "bash", htapi.HTAPI, *words], text=True,
        capture_output=True, timeout=20, cwd=folder)
    assert answer.stderr == ""
    return set(answer.stdout.split())


@pytest.mark.parametrize("words, offered", [
    ("", "api app jwt key plan registry subscribe subscription token"),
    ("to", "token"), ("nothing", ""),
    ("token ", "create list revoke rotate"), ("token c", "create"),
    ("token create --", "--expires --ip --json --key-type --not-before "
                        "--registry --scope"),
    ("subscription block --pr", "--production"),
    ("subscribe --st", "--starts"),
    ("--registry ", "file: sqlite3: pgsql:"),
    ("--registry file : ./reg", "./registry.json"),
    ("--registry file : ./registry.json tok", "token"),
    ("--json api st", "status"),
    ("api status --json pizza 1.0 ", "published deprecated blocked retired"),
    ("app client --key-type ", "production sandbox"),
    ("app add --token-format j", "jwt"),
    ("app status shop a", "active"),
    ("key public ./reg", "./registry.json"),
    ("jwt sign --key ./reg", "./registry.json"),
])
def test_offers(tmp_path, words, offered):
    (tmp_path / "registry.json").write_text("")
    assert complete(tmp_path, *words.split(" ")) == set(offered.split())
