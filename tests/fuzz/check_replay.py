"""The replay of the corpora can fail, and the seeds are those that
make_seeds.py writes."""
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("AO2_SOURCE", "."))
BUILD = pathlib.Path(os.environ.get("AO2_BUILD", "."))

# What lies in a folder, and how the base64url target ends on it.
ROWS = (
    ("an accepted input", {"a": b"QQ"}, 0),
    ("accepted and refused ones", {"a": b"QQ", "b": b"Q"}, 0),
    ("refused ones alone", {"b": b"Q"}, 1),
    ("nothing", {}, 1),
    ("a hidden file alone", {".a": b"QQ"}, 1),
    ("no folder", None, 1),
    ("an input over a megabyte", {"a": b"QQ", "b": b"A" * 1024 * 1024}, 1),
)


def replay(folder):
    program = BUILD / "tests" / "fuzz" / "fuzz_base64url"
    return subprocess.run([program, folder], capture_output=True,
                          timeout=60).returncode


def check_rows(folder):
    for number, (name, files, wanted) in enumerate(ROWS):
        place = folder / str(number)
        if files is not None:
            place.mkdir()
            for file, content in files.items():
                (place / file).write_bytes(content)
        status = replay(place)
        if status != wanted:
            yield f"{name}: exit {status}, not {wanted}"


def check_seeds(folder):
    corpus = SOURCE / "tests" / "fuzz" / "corpus"
    subprocess.run([sys.executable, SOURCE / "tests/fuzz/make_seeds.py",
                    folder], check=True, timeout=60)
    seeds = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not seeds:
        yield "make_seeds.py wrote nothing"
    for path in seeds:
        kept = corpus / path.relative_to(folder)
        if not kept.is_file() or kept.read_bytes() != path.read_bytes():
            yield f"{kept} is not what make_seeds.py writes"
    print(f"{len(ROWS)} folders, {len(seeds)} seeds")


with tempfile.TemporaryDirectory() as scratch:
    rows = pathlib.Path(scratch) / "rows"
    rows.mkdir()
    faults = [*check_rows(rows), *check_seeds(pathlib.Path(scratch) / "seeds")]
print("\n".join(faults))
sys.exit(1 if faults else 0)
