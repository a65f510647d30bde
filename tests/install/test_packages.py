"""Packages: what make deb and make rpm make, and a .deb that is installed,
used and purged in a tree with what it depends on and nothing else."""
import contextlib
import os
import re
import subprocess
from pathlib import Path

import clean_root
import pytest
from conftest import SOURCE, exported, run

VERSION = re.search(r"AC_INIT\(\[mod_api_oauth2\], \[([\d.]+)\]\)",
                    (SOURCE / "configure.ac").read_text())[1]
NAME = "libapache2-mod-api-oauth2"
OPTIONS = f"nocheck noautodbgsym parallel={os.cpu_count()}"
#: Where dpkg and httpd note what happened.
NOTES = ("var/lib/dpkg/", "var/log/", "var/cache/", "tmp/", "run/")
#: What Fedora's httpd-devel and rpm would say.
FEDORA = {"_httpd_mmn": "1-1", "_httpd_apxs": "/usr/bin/apxs", "_libdir":
          "/usr/lib64", "optflags": "-O0"}
#: What rpmlint asks of a distribution's own package.
KNOWN = ("invalid-url Source0", "no-buildroot-tag")
SITE = """
Listen 127.0.0.1:{port}
ServerName server.example
<ApiIssuer corp>
    ApiIssuerURL https://login.example.com/
    ApiJWKS file:keys/corp.json
</ApiIssuer>
<Location />
    AuthType Bearer
    ApiAudience pizza
    Require valid-user
</Location>
"""
CLAIMS = "iss=https://login.example.com/ aud=pizza sub=alice".split()


@pytest.mark.parametrize("path,words", [
    ("debian/changelog", rf"\A{NAME} \({VERSION}\) "),
    ("mod_api_oauth2.spec", rf"^Version: +{VERSION}$"),
    ("mod_api_oauth2.spec", rf"^%changelog\n\*.* - {VERSION}-\d+$"),
])
def test_versions_are_one(path, words):
    assert re.search(words, (SOURCE / path).read_text(), re.M)


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    place = tmp_path_factory.mktemp("packages") / "deb"
    run("make", "deb", f"DEB_DIR={place}", DEB_BUILD_OPTIONS=OPTIONS)
    return next(place.glob(f"{NAME}_{VERSION}_*.deb"))


def test_lintian(deb):
    assert run("lintian", "--allow-root", "--pedantic", "--display-info",
               "--fail-on", "error,warning,info,pedantic",
               str(next(deb.parent.glob("*.changes")))) == ""


@pytest.fixture(scope="module")
def root(deb, tmp_path_factory):
    if os.getuid() != 0:
        pytest.skip("chroot is for root")
    place = tmp_path_factory.mktemp("root") / "root"
    clean_root.make(deb, place)
    return place


def inside(root, *command, code=0):
    return run("chroot", str(root), *command, cwd="/", code=code,
               LC_ALL="C", PATH="/usr/sbin:/usr/bin")


def files(root):
    return {str(path.relative_to(root)) for path in root.rglob("*")
            if not str(path.relative_to(root)).startswith(NOTES)}


@contextlib.contextmanager
def serving(root):
    """httpd in the tree, with Debian's configuration and a site; its port."""
    from support import client, server, wait

    port = server.free_port()
    conf = root / "etc/apache2"
    (conf / "ports.conf").write_text("")
    (conf / "conf-enabled/site.conf").write_text(SITE.format(port=port))
    process = subprocess.Popen(
        ["chroot", str(root), "sh", "-c",
         ". /etc/apache2/envvars && exec apache2 -D FOREGROUND"],
        stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        def answers():
            assert process.poll() is None
            with contextlib.suppress(OSError):
                return client.request(port, "/")

        wait.until(answers, 30)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def test_install_and_purge(root, deb):
    from support import client

    ports = (root / "etc/apache2/ports.conf").read_text()
    before = files(root)
    run("dpkg", f"--root={root}", "--install", str(deb))
    new = files(root) - before
    module = "usr/lib/apache2/modules/mod_api_oauth2.so"
    assert {module, "usr/bin/htapi", "etc/apache2/mods-enabled/api_oauth2.load",
            "etc/apache2/mods-enabled/api_oauth2.conf",
            "usr/share/bash-completion/completions/htapi"} <= new
    assert exported(str(root / module)) == ["api_oauth2_module"]
    assert VERSION in inside(root, "htapi", "--version")

    keys = root / "etc/apache2/keys"
    keys.mkdir()
    key = inside(root, "htapi", "key", "create", "--alg", "ES256")
    (keys / "key.jwk").write_text(key)
    (keys / "corp.json").write_text(inside(
        root, "htapi", "key", "public", "/etc/apache2/keys/key.jwk"))
    token = inside(root, "htapi", "jwt", "sign", "--key",
                   "/etc/apache2/keys/key.jwk",
                   *(f"--claim={claim}" for claim in CLAIMS)).strip()
    with serving(root) as port:
        answers = [client.request(port, "/", t).status
                   for t in (None, token[:-4] + "AAAA", token)]
        assert answers == [401, 401, 200]
    for name in ("keys/key.jwk", "keys/corp.json", "conf-enabled/site.conf"):
        (root / "etc/apache2" / name).unlink()
    keys.rmdir()
    (root / "etc/apache2/ports.conf").write_text(ports)
    inside(root, "apache2ctl", "configtest")
    run("dpkg", f"--root={root}", "--purge", NAME)
    left = files(root) - before
    # what Debian's tools leave of any module: those it wanted stay enabled
    assert {Path(name).stem for name in left} == {
        "socache_shmcb", "disabled_by_admin", "disabled_by_maint"}
    assert before <= files(root)
    assert NAME not in run("dpkg-query", f"--admindir={root}/var/lib/dpkg",
                           "-W")


def defines():
    return [word for name, value in FEDORA.items()
            for word in ("--define", f"{name} {value}")]


def test_rpm(tmp_path, protects):
    """Built as on Fedora, but for what rpm's own database lacks here."""
    place = tmp_path / "rpm"
    flags = " ".join(f"'{word}'" for word in
                     ["-bb", "--nodeps", "--without", "tests", *defines()])
    run("make", "rpm", f"RPM_DIR={place}", f"RPM_FLAGS={flags}")
    package = next(place.glob(f"RPMS/*/mod_api_oauth2-{VERSION}-1*.rpm"))
    names = run("rpm", "-qlp", str(package)).split()
    module = "/usr/lib64/httpd/modules/mod_api_oauth2.so"
    assert {module, "/usr/bin/htapi",
            "/etc/httpd/conf.modules.d/20-api_oauth2.conf",
            "/etc/httpd/conf.d/api_oauth2.conf"} <= set(names)
    assert "httpd-mmn = 1-1" in run("rpm", "-qRp", str(package))
    run(f"rpm2cpio {package} | cpio -idm --quiet", cwd=tmp_path)
    protects(Path(f"{tmp_path}{module}"))


def test_rpmlint():
    said = run("rpmlint", str(SOURCE / "mod_api_oauth2.spec"))
    found = [line for line in re.findall(r"^\S+: [WE]: (.*)$", said, re.M)
             if not line.startswith(KNOWN)]
    assert found == [] and "1 specfiles checked" in said
