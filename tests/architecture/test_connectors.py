"""Tiers follow from tests: what is written is what follows, and no claim stands without its test."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "tests/contract/test_reading.py"
INVENTORY = "test_the_inventory_is_complete_and_nothing_comes_twice"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tools_connectors", ROOT / "tools" / "connectors.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def test_the_table_and_the_packages_data_are_what_follows_from_the_claims(tool: ModuleType) -> None:
    """Taken at their word here; `make test` ends by holding the claims against the run's own report."""
    found = [tool.judge(folder, None) for folder in tool.folders()]
    page = tool.PAGE.read_text(encoding="utf-8")
    assert tool.with_table(page, tool.page_of(found)) == page, "run tools/connectors.py"
    assert tool.DATA.read_text(encoding="utf-8") == tool.data_of(found), "run tools/connectors.py"


def case(tool: ModuleType, parameters: str, passed: bool = True, name: str = INVENTORY) -> Any:
    return tool.Case(CONTRACT, name, parameters, passed)


CLAIM = f"{CONTRACT}::{INVENTORY}"


def kept(tool: ModuleType, claim: Any, cases: Any, rule: str = "inventory-complete", folder: str = "soracom") -> str:
    return tool.kept(tool.CONNECTORS / folder, rule, claim, cases)


def test_a_claim_stands_when_all_its_cases_passed(tool: ModuleType) -> None:
    assert kept(tool, CLAIM, [case(tool, "soracom-none"), case(tool, "soracom-one")]) == ""


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [("soracom-none", True), ("soracom-one", False)],
        [("file-none", True)],  # another connector's success is not this one's
        [("soracom2-none", True)],
    ],
)
def test_a_claim_whose_test_did_not_pass_is_refused(tool: ModuleType, cases: list[tuple[str, bool]]) -> None:
    with pytest.raises(tool.Refused, match=INVENTORY):
        kept(tool, CLAIM, [case(tool, *one) for one in cases])


@pytest.mark.parametrize(
    ("rule", "claim"),
    [
        ("inventory-complete", f"{CONTRACT}::test_that_nobody_wrote"),
        ("inventory-complete", "tests/contract/test_nothing.py::test_x"),
        ("inventory-complete", "tests/unit"),
        ("docs-setup", "docs/carriers/nowhere.md"),
        ("inventory-complete", {"exempt": "we know it works"}),
        ("inventory-complete", {"missing": ""}),
        ("inventory-complete", {"done": "yes"}),
    ],
)
def test_a_claim_of_what_does_not_exist_is_refused(tool: ModuleType, rule: str, claim: Any) -> None:
    with pytest.raises(tool.Refused):
        kept(tool, claim, None, rule)


def test_skipped_and_broken_are_not_passed(tool: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="tests.contract.test_reading" name="test_a[soracom]"/>'
        '<testcase classname="tests.x" name="test_b"><skipped/></testcase>'
        '<testcase classname="tests.x" name="test_c"><error/></testcase>'
        '<testcase classname="tests.x" name="test_d"><failure/></testcase></testsuite></testsuites>'
    )
    found = tool.read_report(report)
    assert [(one.path, one.name, one.parameters, one.passed) for one in found] == [
        (CONTRACT, "test_a", "soracom", True), ("tests/x.py", "test_b", "", False), ("tests/x.py", "test_c", "", False),
        ("tests/x.py", "test_d", "", False),
    ]  # fmt: skip


def test_an_experimental_connector_ends_at_silver_whatever_it_claims(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    claims = {rule: "LICENSE" for rules in tool.RULES.values() for rule in rules}
    monkeypatch.setattr(tool, "claims", lambda _folder: claims)
    for experimental, contract, tier in (
        ("true", "documentation", "silver"), ("false", "reconstruction", "silver"), ("false", "first-party", "platinum"),
    ):  # fmt: skip
        (folder / "manifest.toml").write_text(f'name = "Odd"\nexperimental = {experimental}\ncontract = "{contract}"\n')
        found = tool.judge(folder, [])
        assert found.tier == tier
        assert ("experimental" in " ".join(found.missing)) == (tier == "silver")


def test_a_tier_holds_all_below_it(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    claims: dict[str, Any] = {rule: "LICENSE" for rules in tool.RULES.values() for rule in rules}
    claims["clock-skew"] = {"missing": "not measured"}
    monkeypatch.setattr(tool, "claims", lambda _folder: claims)
    found = tool.judge(tool.CONNECTORS / "soracom", [])
    assert (found.tier, found.next, found.missing) == ("bronze", "silver", ("clock-skew: not measured",))


def test_a_rule_that_is_left_out_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "quality.toml").write_text('[bronze]\nmanifest-valid = "LICENSE"\n[silver]\n[gold]\n[platinum]\n')
    with pytest.raises(tool.Refused, match="contract-suite"):
        tool.claims(tmp_path)
