"""How far each connector is proved: computed from manifests, claims and a test report, never declared.

    tools/connectors.py                    run the claimed tests, then write what follows from their outcome
    tools/connectors.py --report X.xml     judge by that JUnit report instead of running anything
    tools/connectors.py --check …          write nothing; exit 1 where a claim is refused or what is written differs

A claim (`quality.toml`) names, for every rule, a test (`path::name`, or the folder `tests/contract`), a file that must
be there, `{ exempt = "why" }` where a rule may not apply, or `{ missing = "what" }`. A test stands for what the
report says: passed, all its cases. One that failed, was skipped or does not exist refuses the claim, and the tool ends
with 1. Of the contract suite, shared by all, only the cases of the connector itself count. A connector reaches a tier
when it keeps every rule of it and of those below; one that is experimental, or was judged by a reconstruction, ends at
silver whatever it claims.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
CONNECTORS = ROOT / "src" / "fairlead" / "connectors"
DATA = CONNECTORS / "tiers.toml"
PAGE = ROOT / "docs" / "carriers" / "README.md"
BEGIN, END = "<!-- made by tools/connectors.py -->", "<!-- end -->"
CAP = "silver"  # of whatever is experimental

RULES: Mapping[str, tuple[str, ...]] = {
    "bronze": (
        "manifest-valid", "credentials-checked-before-save", "one-account-once", "inventory-complete",
        "translate-covered", "contract-suite", "secrets-redacted", "errors-mapped", "docs-setup", "docs-permissions",
        "docs-removal", "licence-clean",
    ),
    "silver": (
        "owner-named", "rate-limit-kept", "retry-after-honoured", "reauth-asks-once", "log-once-down-once-up",
        "incremental-sync", "webhook-signature", "clock-skew", "coverage-95",
    ),
    "gold": (
        "writes-idempotent", "outcome-unknown-read-back", "undo-for-each-write", "dry-run", "usage-and-cost",
        "diagnostics-bundle", "finding-with-remedy", "docs-known-limits", "simulated-twin",
    ),
    "platinum": ("strict-typing", "nightly-against-sandbox", "soak-100k-sims", "stale-and-swapped-sims", "two-owners"),
}  # fmt: skip
# Rules that may not apply: a carrier that signs nothing, one that counts no requests, one that takes no credential.
EXEMPTIBLE = frozenset({
    "webhook-signature", "licence-clean", "rate-limit-kept", "retry-after-honoured", "reauth-asks-once",
    "credentials-checked-before-save", "secrets-redacted", "incremental-sync",
})  # fmt: skip


class Refused(Exception):
    """A claim that cannot be believed."""


@dataclass(frozen=True)
class Case:
    """One test case of a report."""

    path: str  # tests/contract/test_x.py
    name: str  # without its parameters
    parameters: str
    passed: bool


@dataclass(frozen=True)
class Standing:
    """What follows for one connector."""

    id: str
    name: str
    tier: str
    experimental: bool
    missing: tuple[str, ...]  # for the next tier
    next: str


def read_report(file: Path) -> list[Case]:
    """The cases of a JUnit report. One that failed, broke or was skipped did not pass."""
    found: list[Case] = []
    for one in ET.parse(file).getroot().iter("testcase"):  # noqa: S314 - our own pytest wrote it
        name, _, parameters = one.get("name", "").partition("[")
        path = one.get("classname", "").replace(".", "/") + ".py"
        passed = not any(one.find(word) is not None for word in ("failure", "error", "skipped"))
        found.append(Case(path, name, parameters.removesuffix("]"), passed))
    return found


def folders() -> list[Path]:
    """Every connector of the tree."""
    return sorted(path.parent for path in CONNECTORS.glob("*/manifest.toml"))


def claims(folder: Path) -> dict[str, Any]:
    """Rule → claim. Raises `Refused` where a rule is left out or unknown."""
    file = folder / "quality.toml"
    if not file.is_file():
        return {rule: {"missing": "no quality.toml"} for rules in RULES.values() for rule in rules}
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    for tier, rules in RULES.items():
        wrong = set(read.get(tier, {})) ^ set(rules)
        if wrong:
            raise Refused(f"{folder.name}: [{tier}] must answer {sorted(rules)}; look at {sorted(wrong)}")
    if set(read) != set(RULES):
        raise Refused(f"{folder.name}: expected the tables {list(RULES)}")
    return {rule: claim for table in read.values() for rule, claim in table.items()}


def kept(folder: Path, rule: str, claim: Any, cases: Sequence[Case] | None) -> str:
    """What is missing for a rule; empty where it is kept. `cases` None: only look whether what is named exists."""
    if isinstance(claim, dict):
        ((word, why),) = claim.items()
        if word not in {"missing", "exempt"} or not why or (word == "exempt" and rule not in EXEMPTIBLE):
            raise Refused(f"{folder.name}: {rule} = {claim}: expected missing, or exempt where that may be, and why")
        return why if word == "missing" else ""
    where, _, test = str(claim).partition("::")
    if not where.startswith("tests"):
        if not (ROOT / where).is_file():
            raise Refused(f"{folder.name}: {rule}: there is no file {where}")
        return ""
    if not test and where != "tests/contract":
        raise Refused(f"{folder.name}: {rule}: {claim} names no test")
    if test and not defined(where, test):
        raise Refused(f"{folder.name}: {rule}: there is no test {claim}")
    if cases is not None:
        _passed(folder, rule, str(claim), cases)
    return ""


def defined(path: str, test: str) -> bool:
    """True where that file has that test."""
    file = ROOT / path
    return file.is_file() and bool(
        re.search(rf"^(async )?def {re.escape(test)}\(", file.read_text(encoding="utf-8"), re.MULTILINE)
    )


def _passed(folder: Path, rule: str, claim: str, cases: Sequence[Case]) -> None:
    where, _, test = claim.partition("::")
    found = [one for one in cases if (one.path == where and one.name == test) or (not test and _in(one.path, where))]
    if _in(where, "tests/contract"):
        ids = {one.name for one in folders()} | benches()
        found = [one for one in found if _bench(one.parameters, ids) in benches_of(folder.name)]
    if not found:
        raise Refused(f"{folder.name}: {rule}: {claim} was not run for it")
    failed = [f"{one.path}::{one.name}[{one.parameters}]" for one in found if not one.passed]
    if failed:
        raise Refused(f"{folder.name}: {rule}: {failed[0]} did not pass ({len(failed)} of {len(found)} cases)")


def _in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def benches() -> set[str]:
    """The names of the suite's benches."""
    text = (ROOT / "tests/contract/benches/__init__.py").read_text(encoding="utf-8")
    return set(re.findall(r'^ +"([\w-]+)":', text, re.MULTILINE))


def benches_of(connector: str) -> set[str]:
    """Those of a connector: of its name, or of its name with more behind a dash (twins by configuration)."""
    return {one for one in benches() | {connector} if one == connector or one.startswith(connector + "-")}


def _bench(parameters: str, ids: set[str]) -> str:
    """The longest bench that a case's parameters name."""
    named = [one for one in ids if re.search(rf"(^|-){re.escape(one)}(-|$)", parameters)]
    return max(named, key=len, default="")


def judge(folder: Path, cases: Sequence[Case] | None) -> Standing:
    """The tier of a connector. Raises `Refused`."""
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    experimental = bool(manifest["experimental"]) or manifest["contract"] == "reconstruction"
    said = claims(folder)
    open_ = {rule: kept(folder, rule, claim, cases) for rule, claim in said.items()}
    tier, following, missing = "none", "", tuple[str, ...]()
    for step, rules in RULES.items():
        following = step
        missing = tuple(f"{rule}: {open_[rule]}" for rule in rules if open_[rule])
        if tier == CAP and experimental:
            missing = (
                f"it is experimental, and ends at {CAP} until it was judged by the carrier's own contract",
                *missing,
            )
        if missing:
            break
        tier, following = step, ""
    return Standing(folder.name, manifest["name"], tier, experimental, missing, following)


def data_of(standings: Sequence[Standing]) -> str:
    """What the package ships."""
    lines = ["# Made by tools/connectors.py from manifests, claims and a test report; never by hand.\n"]
    for one in standings:
        for name in ids_of(CONNECTORS / one.id):
            lines += [f"[{name}]", f'tier = "{one.tier}"', f"experimental = {str(one.experimental).lower()}", ""]
    return "\n".join(lines)


def ids_of(folder: Path) -> list[str]:
    """What accounts call a folder's connectors: one for each manifest, where a carrier has several interfaces."""
    return sorted(str(tomllib.loads(path.read_text(encoding="utf-8"))["id"]) for path in folder.glob("manifest*.toml"))


def page_of(standings: Sequence[Standing]) -> str:
    """The table that the documentation includes."""
    rows = ["| connector | tier | for the next tier |", "| --- | --- | --- |"]
    for one in standings:
        label = f"{one.name} (experimental)" if one.experimental else one.name
        place = ROOT / "docs" / "carriers" / f"{one.id}.md"
        label = f"[{label}]({place.name})" if place.is_file() else label
        rest = f"**{one.next}**: {'; '.join(one.missing)}" if one.missing else "–"
        rows.append(f"| {label} | {one.tier} | {rest.replace('|', '/')} |")
    return "\n".join(rows)


def with_table(page: str, table: str) -> str:
    """A page with the table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def run(standing_claims: Sequence[str]) -> list[Case]:
    """Run the claimed tests, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *standing_claims]
        subprocess.run(command, cwd=ROOT, check=False)
        return read_report(report)


def main(arguments: Sequence[str]) -> int:
    """Judge all; print what is refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    found, refused = list[Standing](), list[str]()
    try:
        named = {claim for one in folders() for claim in claims(one).values() if isinstance(claim, str)}
    except Refused as error:
        print(error)
        return 1
    tests = sorted(one for one in named if one.startswith("tests") and "tests/contract::" not in one)
    contract = [one for one in tests if one == "tests/contract"]
    wanted = [one for one in tests if not (contract and one.startswith("tests/contract/"))]
    cases = read_report(given.report) if given.report else run([one for one in wanted if _there(one)])
    for folder in folders():
        try:
            found.append(judge(folder, cases))
        except Refused as error:
            refused.append(str(error))
    if refused:
        print("\n".join(f"refused: {one}" for one in refused))
        return 1
    page = with_table(PAGE.read_text(encoding="utf-8"), page_of(found))
    if given.check:
        stale = DATA.read_text(encoding="utf-8") != data_of(found) or PAGE.read_text(encoding="utf-8") != page
        if stale:
            print("tiers.toml or docs/carriers/README.md is not what follows: run tools/connectors.py")
        return int(stale)
    DATA.write_text(data_of(found), encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")
    print(page_of(found))
    return 0


def _there(claim: str) -> bool:
    where, _, test = claim.partition("::")
    return (ROOT / where).is_dir() or defined(where, test)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
