"""Gives each test the benches that have what it needs, and no others: nothing is skipped, nothing asked in vain.

    @needs("SendsSms")                              the capability
    @needs("SwitchesState", verbs=["suspend"])      and that verb, as the manifest supports it
    @needs(logs_in=True)                            and a bench that says so of itself
    @each_verb("activate", "suspend", "standby")    once for each of them that a bench has, as `verb`

A test that no bench can be asked yet is left out of the collection.
"""

from collections.abc import AsyncIterator
from dataclasses import fields

import pytest
from tests.contract.bench import Bench, Clock, Maker, Stage
from tests.contract.benches import BENCHES

from fairlead.connectors._kit.http import new_client
from fairlead.model.subscription import Verb, capability
from fairlead_sim.carriers.serving import serving

CARRIED_BY_METHOD = {"forbid_termination": Verb.ALLOW_TERMINATION, "unset_group": Verb.SET_GROUP}
_PROBE = Stage("http://127.0.0.1:9", None)  # type: ignore[arg-type] - only looked at, never called


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*capabilities, verbs, **traits): which benches a contract test is for")
    config.addinivalue_line("markers", "each_verb(*methods): once for each of them that a bench has")


def has_verb(maker: Maker, method: str) -> bool:
    verb = CARRIED_BY_METHOD.get(method) or Verb(method)
    return capability(maker.factory.manifest.capabilities, verb).supported


def fits(maker: Maker, metafunc: pytest.Metafunc) -> bool:
    for mark in metafunc.definition.iter_markers("needs"):
        traits = dict(mark.kwargs)
        if not set(mark.args) <= set(maker.factory.manifest.implements):
            return False
        if not all(has_verb(maker, verb) for verb in traits.pop("verbs", ())):
            return False
        if traits:
            made = maker.make(Clock(), _PROBE)
            assert set(traits) <= {one.name for one in fields(Bench)}, f"a bench has no {sorted(traits)}"
            if any(getattr(made, name) != wanted for name, wanted in traits.items()):
                return False
    return True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "bench" not in metafunc.fixturenames:
        return
    able = [name for name, maker in sorted(BENCHES.items()) if fits(maker, metafunc)]
    each = metafunc.definition.get_closest_marker("each_verb")
    if each is None:
        metafunc.parametrize("bench", able, indirect=True)
        return
    pairs = [(name, verb) for name in able for verb in each.args if has_verb(BENCHES[name], verb)]
    metafunc.parametrize(("bench", "verb"), pairs, indirect=["bench"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what no bench can be asked."""
    here = __file__.rpartition("/")[0]
    empty = [one for one in items if str(one.path).startswith(here) and "NOTSET" in one.nodeid]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [one for one in items if one not in empty]


@pytest.fixture(scope="session")
async def stage() -> AsyncIterator[Stage]:
    async with new_client() as http:
        made = Stage("", http)
        async with serving(made) as made.url:
            yield made


@pytest.fixture
def bench(request: pytest.FixtureRequest, stage: Stage) -> Bench:
    return BENCHES[request.param].make(Clock(), stage)
