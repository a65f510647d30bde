"""Names that only one httpd knows."""
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def names(folder, **hosts):
    """The environment in which NAME is ADDRESS[@SECONDS to find it]; names
    end in ".example"."""
    library = Path(folder) / "resolver.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"],
                   check=True, timeout=60)
    for path in (library.parent, library):
        path.chmod(path.stat().st_mode | 0o055)
    return {"LD_PRELOAD": str(library), "TEST_HOSTS": " ".join(
        f"{name}.example={address}" for name, address in hosts.items())}
