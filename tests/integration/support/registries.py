"""A pytest plugin: databases and registries.

    postgres, mariadb   private database servers, the same for the whole run
    registry            an empty place for a registry, of each kind in turn
"""
import pytest

from support import databases
from support.htapi import Registry

KINDS = ("file", "sqlite3", "pgsql")


def new_registry(kind, place, request):
    """Where a registry may be made.."""
    if kind == "pgsql":
        return Registry("pgsql:" + request.getfixturevalue("postgres")
                        .new_database())
    return Registry(f"{kind}:{place}/registry")


@pytest.fixture(scope="session")
def postgres():
    server = databases.Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb():
    server = databases.MariaDB()
    yield server
    server.stop()


@pytest.fixture(params=KINDS)
def registry(request, tmp_path):
    return new_registry(request.param, tmp_path, request)
