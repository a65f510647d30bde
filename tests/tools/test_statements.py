"""The schemas of conf/sql and the statements of the module, on the databases
that they are for: the unit test, told where these are."""
import os
import subprocess
from pathlib import Path

from support import htapi

TOP = Path(__file__).parents[2]
PROGRAM = Path(htapi.HTAPI).parent / "tests/unit/test_registry_sql"


def test_on_every_database(postgres, mariadb):
    answer = subprocess.run(
        [PROGRAM], text=True, timeout=60, capture_output=True,
        env=dict(os.environ, AO2_SOURCE=str(TOP),
                 AO2_TEST_PGSQL=postgres.new_database(),
                 AO2_TEST_MYSQL=mariadb.new_database()))
    assert answer.returncode == 0, answer.stderr
    for name in ("sqlite", "pgsql", "mysql"):
        assert f"[       OK ] {name}\n" in answer.stdout + answer.stderr
