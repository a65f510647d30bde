"""make install, make uninstall, --with-apxs."""
import re
from pathlib import Path

from conftest import BUILD, exported, run

HTAPI = re.compile(r"htapi \d+\.\d+\.\d+")


def files(root):
    return sorted(str(path.relative_to(root))
                  for path in Path(root).rglob("*") if not path.is_dir())


def one(names, end):
    found = [name for name in names if name.endswith(end)]
    assert len(found) == 1, (end, names)
    return found[0]


def test_below_a_directory(tmp_path, protects):
    root = tmp_path / "root"
    run("make", "install", f"DESTDIR={root}")
    names = files(root)
    modules = run("apxs", "-q", "LIBEXECDIR").strip()
    module = root / one(names, ".so")
    assert module == Path(f"{root}{modules}/mod_api_oauth2.so")
    assert exported(module) == ["api_oauth2_module"]
    assert HTAPI.match(run(root / one(names, "bin/htapi"), "--version"))
    for end in ("man1/htapi.1", "include/mod_api_oauth2.h", "README.md",
                "reference.md", "api_oauth2.conf"):
        one(names, end)
    assert not [name for name in names if re.search(r"\.l?a$|\.o$", name)]
    protects(module)

    run("make", "uninstall", f"DESTDIR={root}")
    assert files(root) == []


def test_with_apxs(tmp_path, source):
    """The apxs that is named decides, not the one found by PATH."""
    apxs = tmp_path / "apxs"
    apxs.write_text(f"""#!/bin/sh
        if [ "$2" = LIBEXECDIR ]; then
            echo /other/modules
        else
            exec {run("command -v apxs").strip()} "$@"
        fi""")
    apxs.chmod(0o755)
    build = tmp_path / "build"
    build.mkdir()
    run(source / "configure", f"--with-apxs={apxs}", "CFLAGS=-O0", cwd=build)
    run("make", "install", f"DESTDIR={tmp_path}/root", cwd=build)
    one(files(tmp_path / "root"), "other/modules/mod_api_oauth2.so")


def test_without_hiredis(tmp_path, source, monkeypatch):
    """Everything but ApiCache redis:, which says why not."""
    build = tmp_path / "build"
    build.mkdir()
    said = run(source / "configure", "--without-hiredis", "CFLAGS=-O0",
               cwd=build)
    assert 'without hiredis: "ApiCache redis:" is not available' in said
    run("make", "mod_api_oauth2.la", cwd=build)
    module = build / ".libs/mod_api_oauth2.so"
    assert "hiredis" not in run("ldd", module)
    assert "hiredis" in run("ldd", BUILD / ".libs/mod_api_oauth2.so")
    for path, code, words in (
            (module, 1, "the module was built without hiredis"),
            (BUILD / ".libs/mod_api_oauth2.so", 0, "Syntax OK")):
        monkeypatch.setenv("AO2_MODULE", str(path))
        assert_configtest(tmp_path / f"httpd{code}", code, words)


def assert_configtest(root, code, words):
    from support.server import Httpd

    got, said = Httpd(root).configtest(
        "ApiCache redis:127.0.0.1:6379\nApiCacheSecret 0123456789abcdef")
    assert (got, words in said) == (code, True), said


def test_with_an_apxs_that_is_not_there(tmp_path, source):
    output = run(source / "configure", "--with-apxs=/nowhere/apxs",
                 cwd=tmp_path, code=1)
    assert "install apache2-dev, or say --with-apxs=PATH" in output
