"""What a connector says about itself is what it is."""

import inspect
import re

import pytest
from tests.contract.bench import Bench

from fairlead.engine.ports.carrier import CAPABILITIES, CARRIED_BY
from fairlead.model.subscription import Verb, capability


async def test_the_manifest_names_exactly_the_capabilities_the_class_has(bench: Bench) -> None:
    connector = bench.open()
    has = {name for name, protocol in CAPABILITIES.items() if isinstance(connector, protocol)}
    assert has == set(connector.manifest.implements)


async def test_every_method_takes_what_the_port_gives(bench: Bench) -> None:
    connector = bench.open()
    for name in connector.manifest.implements:
        protocol = CAPABILITIES[name]
        for method in (one for one in vars(protocol) if not one.startswith("_")):
            wanted = inspect.signature(getattr(protocol, method)).parameters
            given = inspect.signature(getattr(type(connector), method)).parameters
            assert [(one.name, one.kind, one.default) for one in given.values()] == [
                (one.name, one.kind, one.default) for one in wanted.values()
            ], f"{name}.{method}"


async def test_every_capability_has_its_verb_in_the_record(bench: Bench) -> None:
    supported = {verb for verb in Verb if capability(bench.manifest.capabilities, verb).supported}
    for name in bench.manifest.implements:
        verbs = {verb for verb, carrier in CARRIED_BY.items() if carrier == name}
        assert not verbs or verbs & supported, f"{name}: none of {sorted(verbs)} is in the manifest"


async def test_the_bench_knows_each_verb(bench: Bench) -> None:
    """A bench that forgets a verb would leave it untested."""
    for verb in Verb:
        if capability(bench.manifest.capabilities, verb).supported and verb in CARRIED_BY and verb != Verb.RESUME:
            assert verb in bench.verbs, verb


def test_marks_name_what_exists() -> None:
    """A misspelt capability in a mark would silently leave its test out."""
    from pathlib import Path

    for file in Path(__file__).parent.glob("test_*.py"):
        for args in re.findall(
            r"^(?:@|pytestmark = pytest\.mark\.)needs\(([^)]*)\)", file.read_text(encoding="utf-8"), re.MULTILINE
        ):
            for name in re.findall(r'"([A-Z]\w+)"', args):
                assert name in CAPABILITIES, f"{file.name}: {name}"


@pytest.mark.needs("FollowsUp")
async def test_a_reference_that_nobody_gave_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="reference"):
        await bench.open().follow_up("nonsense")
