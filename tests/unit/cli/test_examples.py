"""The example files are what the example world writes, and its policies are what the server reads."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from fairlead.model.identifiers import read_iccid, read_imei
from fairlead.policy.read import read_resources

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def world() -> Any:
    spec = importlib.util.spec_from_file_location("example_world", EXAMPLES / "world.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_files_are_as_the_world_writes_them(world: Any) -> None:
    written = world.files(world.build(lambda: world.TODAY))
    kept = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.csv")}
    assert kept == written, "run: python examples/world.py write"


def test_their_identifiers_have_valid_check_digits(world: Any) -> None:
    made = world.build(lambda: world.TODAY)
    for device in made.devices.values():
        assert read_imei(device.imei) == device.imei
        assert all(read_iccid(iccid, digits=19) == iccid for iccid in device.slots if iccid)


@pytest.mark.parametrize("path", sorted((EXAMPLES / "policies").glob("*.yaml")), ids=lambda p: p.name)
def test_policies_are_read_without_a_fault(path: Path) -> None:
    resources, faults = read_resources(path.read_text(encoding="utf-8"), file=path.name)
    assert not faults
    assert [r.metadata.name for r in resources] == [path.stem]
