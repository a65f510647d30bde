"""The other ways of README.md, as they stand there."""
import re
from pathlib import Path

import pytest
from conftest import BUILD, SOURCE, exported, run

README = (SOURCE / "README.md").read_text()


def commands(word):
    """The one block of shell commands that has this word, without sudo."""
    found = [block for block in re.findall(r"^```sh\n(.*?)^```$", README,
                                           re.M | re.S) if word in block]
    assert len(found) == 1, word
    return found[0].replace("sudo ", "")


def test_apxs_alone(source, protects):
    run(commands("apxs -i -a -c").replace("-i -a -c", "-c", 1), cwd=source)
    module = source / ".libs/mod_api_oauth2.so"
    assert exported(module) == ["api_oauth2_module"]
    protects(module)


@pytest.fixture
def debian(tmp_path):
    """Environment of Debian's tools, out of the package apache2, with a
    configuration of their own: the system's is not touched."""
    run("apt-get download -q apache2 && dpkg -x apache2_*.deb x",
        cwd=tmp_path)
    places = {f"APACHE_{name}": str(tmp_path)
              for name in ("RUN_DIR", "LOCK_DIR", "LOG_DIR",
                           "STATE_DIRECTORY")}
    return dict(places, APACHE_CONFDIR=f"{tmp_path}/x/etc/apache2",
                APACHE_PID_FILE=f"{tmp_path}/pid",
                APACHE_RUN_USER="www-data", APACHE_RUN_GROUP="www-data",
                PATH=f"{tmp_path}/x/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin")


def test_a2enmod(debian):
    conf = Path(debian["APACHE_CONFDIR"])
    steps = commands("a2enmod api_oauth2").replace("/etc/apache2", str(conf))
    run("a2enmod -q mpm_event && " + steps, cwd=SOURCE, **debian)

    load = conf / "mods-enabled/api_oauth2.load"
    modules = run("apxs", "-q", "LIBEXECDIR").strip()
    shipped = f"{modules}/mod_api_oauth2.so"
    assert shipped in load.read_text()
    load.write_text(load.read_text().replace(
        shipped, f"{BUILD}/.libs/mod_api_oauth2.so"))
    names = run(f"apache2 -d {conf} -f apache2.conf -t -D DUMP_MODULES",
                **debian)
    for name in ("authn_core", "authz_core", "api_oauth2"):
        assert f" {name}_module (shared)" in names

    run("a2dismod api_oauth2", **debian)
    assert not list((conf / "mods-enabled").glob("api_oauth2*"))
