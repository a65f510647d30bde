"""What a server holds of the machine: to be the same after many restarts."""
import re
from pathlib import Path


def _read(path):
    try:
        return Path(path).read_text(errors="replace")
    except OSError:  # it has just ended
        return ""


def descriptors(pid):
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0


def shared_mappings(pid):
    """Segments of memory that processes share, whatever made them."""
    return sum(1 for line in _read(f"/proc/{pid}/maps").splitlines()
               if re.match(r"\S+ ..[x-]s ", line))


def threads(pid):
    found = re.search(r"^Threads:\s+(\d+)", _read(f"/proc/{pid}/status"),
                      re.M)
    return int(found[1]) if found else 0


def resident(pid):
    """KiB that are the process's own."""
    found = re.search(r"^RssAnon:\s+(\d+)", _read(f"/proc/{pid}/status"),
                      re.M)
    return int(found[1]) if found else 0


def system_v(pid):
    """Shared memory that the process made and has not removed."""
    rows = _read("/proc/sysvipc/shm").splitlines()[1:]
    return sum(1 for row in rows if row.split()[4] == str(pid))


def of_process(pid):
    return {"descriptors": descriptors(pid), "threads": threads(pid),
            "shared mappings": shared_mappings(pid)}


def of_server(server):
    """The parent's, the largest of its children, files beside them."""
    parent = server.process.pid
    children = [of_process(pid) for pid in server.children()]
    return {
        "parent": of_process(parent),
        "children": {name: max(child[name] for child in children)
                     for name in of_process(parent)},
        "System V": system_v(parent),
        "files": sorted(path.name for path in (server.root / "run").iterdir()
                        if path.is_file()),
    }
