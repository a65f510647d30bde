"""A tree with no more than what a package needs, to install it in.

Debian's tools decide what that is, as if nothing were installed. What this
machine has is copied from it, files and dpkg's records; the rest is fetched.
Nothing is mounted.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

#: What maintainer scripts and the tests call, and dpkg takes for granted.
BESIDE = ("apache2 base-files base-passwd bash coreutils dash dpkg findutils "
          "grep sed usr-is-merged").split()
INFO = Path("/var/lib/dpkg/info")
UNUSED = ("usr/share/doc/", "usr/share/man/", "usr/share/locale/")
#: Symbolic links into usr.
MERGED = ("bin", "lib", "lib64", "sbin")
NODES = {"null": 3, "zero": 5, "random": 8, "urandom": 9}
#: A service would be started otherwise.
POLICY = "#!/bin/sh\nexit 101\n"


def output(*command, **how):
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=600, **how)
    assert done.returncode == 0, done.stdout
    return done.stdout


def needed(deb, place):
    """The names of all packages, but the deb itself."""
    (place / "nothing").touch()
    plan = output("apt-get", "-s", "--no-install-recommends",
                  "-o", f"Dir::State::Status={place}/nothing",
                  "install", str(deb), *BESIDE)
    names = re.findall(r"^Inst (\S+) ", plan, re.M)
    assert deb.name.startswith(names[-1] + "_"), names
    return names[:-1]


def is_here(name):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}",
                           name], text=True, capture_output=True)
    return done.stdout == "installed"


def skeleton(root):
    for name in ("dev", "run/lock", "tmp", "usr/sbin", "var/lib/dpkg/info",
                 "var/lib/dpkg/updates"):
        (root / name).mkdir(parents=True)
    for name in MERGED:
        (root / name).symlink_to(f"usr/{name}")
        (root / "usr" / name).mkdir(exist_ok=True)
    for name, minor in NODES.items():
        os.mknod(root / "dev" / name, 0o20666, os.makedev(1, minor))
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(POLICY)
    policy.chmod(0o755)


def copy(root, names):
    """Installed packages: their files and what dpkg knows of them."""
    files = set()
    for name in output("dpkg-query", "-L", *names).splitlines():
        if name.startswith("/") and not name[1:].startswith(UNUSED):
            files.add(name[1:])
    files -= {"", *MERGED}
    (root.parent / "files").write_text("\n".join(
        sorted(f for f in files if os.path.lexists("/" + f))))
    output("sh", "-c", "tar -C / -c --no-recursion -T ../files | tar -x",
           cwd=root)
    (root / "var/lib/dpkg/status").write_text(
        output("dpkg-query", "-s", *names))
    for name in names:
        for path in [*INFO.glob(f"{name}.*"), *INFO.glob(f"{name}:*.*")]:
            shutil.copy(path, root / "var/lib/dpkg/info")
    for name in ("passwd", "group"):
        shutil.copy(f"/usr/share/base-passwd/{name}.master",
                    root / "etc" / name)


def make(deb, root):
    """The tree `root`, ready for `dpkg --root=ROOT --install deb`."""
    root.mkdir()
    names = needed(deb, root.parent)
    skeleton(root)
    copy(root, [name for name in names if is_here(name)])
    absent = [name for name in names if not is_here(name)]
    if absent:
        output("apt-get", "download", "-q", *absent, cwd=root.parent)
        output("sh", "-c", f"dpkg --root={root} --install *.deb",
               cwd=root.parent, env={**os.environ,
                                     "DEBIAN_FRONTEND": "noninteractive"})
