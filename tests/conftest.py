"""Fixtures that more than one kind of test needs.

Engines are started on first use, once per test process (so each xdist worker has its own), and
thrown away at the end: no fsync, everything below one directory in the system's temporary
directory, which is opened just far enough for the unprivileged user that engines run as.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.embedded.postgres import Postgres, PostgresSettings

# --- engines -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def engine_home() -> Iterator[Path]:
    """A directory for this test process's engines; not pytest's own, which is closed to other users."""
    home = Path(tempfile.mkdtemp(prefix="fairlead-test-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_dsn(engine_home: Path) -> Iterator[str]:
    """The superuser's DSN of a throw-away PostgreSQL cluster."""
    postgres = Postgres(engine_home, PostgresSettings(fsync=False, shared_buffers_mb=128, max_connections=100))
    try:
        yield postgres.start()
    finally:
        postgres.stop()


# --- databases (migrated, with roles): stand on `pg_dsn` ---------------------------------------
