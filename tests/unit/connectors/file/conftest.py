"""A back office in a folder, and an account that reads it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.contract.bench import Clock, Stage
from tests.contract.benches.file import FileBench, bench

from fairlead.engine.ports.carrier import Accepted, Outcome


@pytest.fixture
def office() -> FileBench:
    return bench(Clock(), Stage("", None))  # type: ignore[arg-type] - no server is needed


@pytest.fixture
def folder(office: FileBench) -> Path:
    return office.fake.folder


@pytest.fixture
def later(office: FileBench) -> Callable[..., Any]:
    """Let time pass, the back office working every quarter of an hour, then ask what became of it."""

    async def wait(outcome: Outcome, **by: float) -> Outcome:
        assert isinstance(outcome, Accepted), outcome
        until = office.clock() + timedelta(**by)
        while office.clock() < until:
            office.clock.tick(minutes=15)
            office.fake.work()
        return await office.open().follow_up(outcome.reference)

    return wait
