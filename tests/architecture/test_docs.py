"""The pages say what is there: links lead somewhere, made pages are current, the tree speaks of itself alone."""

import re
import runpy
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fairlead.config import OTHER_VARIABLES, SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")])
CAPABILITIES = ROOT / "docs" / "capabilities.md"
NOUNS = ROOT / "docs" / "nouns"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
MADE = {
    "tools/factdoc.py": "docs/facts.md",
    "tools/statedoc.py": "docs/states.md",
    "tools/configdoc.py": "docs/operate/configuration.md",
}
ROWS = 99
# Whom the tree may name: documentation, the carriers it speaks to, and addresses that are nobody's.
HOSTS = re.compile(
    r"(.*\.)?(example|test|invalid)$|(.*\.)?example\.(com|org|net)$|localhost$|127\.\d+\.\d+\.\d+$|::1$|0\.0\.0\.0$"
    r"|192\.0\.2\.\d+$|127\.0\.0\.1\.carrier\.example$"
    r"|(.*\.)?soracom\.(io|com)$|(.*\.)?korewireless\.com$|(.*\.)?twilio\.com$"
    r"|testendpoint\.com$|mycompany\.com$"  # the published examples of two carriers' signatures
    r"|(.*\.)?telnyx\.com$|(.*\.)?1nce\.com$|(.*\.)?emnify\.(net|com)$|(.*\.)?hologram\.io$"
    r"|(.*\.)?monogoto\.io$|(.*\.)?onomondo\.com$"
    r"|developer\.cisco\.com$|thingspace\.verizon\.com$"
    r"|cel\.dev$|semver\.org$|www\.apache\.org$|stoplight\.io$|json-schema\.org$|www\.w3\.org$"
)
REGISTRIES = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|registry\.[a-z]+\.[a-z]+|(deb|security|snapshot)\.debian\.org"
    r"|proxy\.golang\.org|ghcr\.io|quay\.io|docker\.io|crates\.io|artifactory|nexus\.[a-z]+)\b",
    re.IGNORECASE,
)
MACHINE = re.compile(r"(?<![\w.~])/(work|root|home/[a-z]\w*|Users/\w+|mnt/\w+)/[\w.]|/tmp/bash_jobs")
ELSEWHERE = re.compile(
    r"\b(co-?pilot|chatbot|language model|LLM|AI assistant|as an AI|sub-?agents?|helper session|the brief"
    r"|house\.md|style\.md|codebases\.md|market\.md|seed 00\d|issue #?\d+)\b",
    re.IGNORECASE,
)
ITSELF = "tests/architecture/test_docs.py"
NOT_OURS = {"LICENSE", "NOTICE", "requirements.lock", "console/package-lock.json"}


@cache
def tree() -> dict[str, str]:
    """Every text file of the repository by its path, those not yet committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("git cannot list this tree")
    found = {}
    for name in sorted(set(filter(None, listed.stdout.decode().split("\0")))):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            found[name] = content.decode("utf-8")
    return found


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {match[0]}"
        for name, text in tree().items()
        if name != ITSELF and name not in NOT_OURS
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    titles = re.findall(r"^#{1,6} (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def targets(page: Path) -> list[str]:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [target for target in LINK.findall(prose) if not urlsplit(target).scheme]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in targets(page):
        name, _, anchor = target.partition("#")
        led = (page.parent / name).resolve() if name else page
        assert led.exists(), f"{target} leads nowhere"
        assert led.is_relative_to(ROOT), f"{target} leads out of the tree"
        if anchor:
            assert anchor in anchors(led.read_text(encoding="utf-8")), f"{target}: no such heading"


def test_every_page_can_be_found():
    """From the README, by following links."""
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in targets(page) if ".md" in target]
    lost = [str(page.relative_to(ROOT)) for page in PAGES if page not in seen and ROOT / "src" not in page.parents]
    assert lost == []


@pytest.mark.parametrize(("tool", "page"), MADE.items())
def test_made_pages_are_current(tool, page):
    written = runpy.run_path(str(ROOT / tool))["page"]()
    assert (ROOT / page).read_text(encoding="utf-8") == written, f"run {tool}"


def test_the_configuration_page_names_every_variable():
    page = (ROOT / "docs" / "operate" / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in OTHER_VARIABLES if f"`{name}`" not in page] == []
    assert [key for key in SETTINGS if f"`{key}`" not in page] == []


def test_the_metrics_page_names_every_metric():
    page = (ROOT / "docs" / "operate" / "metrics.md").read_text(encoding="utf-8")
    sources = [text for name, text in tree().items() if name.startswith("src/fairlead/") and name.endswith(".py")]
    made = {
        found[2] + ("_total" if found[1] == "Counter" and not found[2].endswith("_total") else "")
        for text in sources
        for found in re.finditer(r'\b(Counter|Histogram|Gauge|Summary)\(\s*"(fairlead_\w+)"', text)
    }
    assert len(made) > 5
    assert sorted(name for name in made if name not in page) == []


def test_every_noun_has_a_page():
    named = re.findall(r"\]\(([\w-]+)\.md\)", (NOUNS / "index.md").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(page.stem for page in NOUNS.glob("*.md") if page.stem != "index")


def test_pages_name_endpoints_and_files_that_exist():
    endpoints = set(re.findall(r"(/v1/[^\s]+)", (ROOT / "tests/architecture/access_matrix.txt").read_text()))
    shapes = {re.sub(r"\{\w+\}", "{}", path) for path in endpoints}
    prefixes = {shape.rsplit("/", 1)[0] for shape in shapes} | shapes
    wrong = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(r"`(?:(?:GET|POST|PUT|PATCH|DELETE) )?(/v1/[\w{}/.-]+)", text):
            shape = re.sub(r"\{\w+\}", "{}", path).rstrip("/.")
            if shape not in prefixes and shape not in {"/v1/", "/v1", "/v1/openapi.json", "/v1/oidc"}:
                wrong.append(f"{page.relative_to(ROOT)}: {path}")
        named = re.findall(r"`((?:src|tests|tools|api|examples|bench)/[\w./-]+)`", text)
        wrong += [f"{page.relative_to(ROOT)}: {name}" for name in named if not (ROOT / name).exists()]
    assert wrong == []


def test_the_readme_maps_columns_that_the_files_have():
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    imports = re.findall(r'fairlead import \w+ (\S+) .*?--map "([^"]+)"', readme)
    assert len(imports) >= 3
    for file, mapping in imports:
        header = re.split("[,;\t]", (ROOT / file).read_text(encoding="utf-8").splitlines()[0])
        theirs = [pair.partition(":")[2] for pair in mapping.split(",")]
        assert [name for name in theirs if name not in header] == [], file


def capability_rows() -> dict[int, tuple[str, str, str]]:
    """Row → capability, mark, what shows it or what is missing."""
    found = {}
    for line in CAPABILITIES.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\| (\d+) \| (.+?) \| \*(works|partly|not yet)\* \| (.+?) \|", line):
            number = int(match[1])
            assert number not in found, f"row {number} stands twice"
            found[number] = (match[2], match[3], match[4])
    return found


def test_capabilities_has_every_row():
    assert sorted(capability_rows()) == list(range(1, ROWS + 1))


def test_what_works_is_shown_by_something_that_exists():
    unproven = []
    for number, (_, mark, shown) in capability_rows().items():
        proofs = re.findall(r"`((?:tests|bench)/[\w./-]+\.py)(?:::(\w+))?`", shown)
        for path, name in proofs:
            file = ROOT / path
            if not file.exists() or (
                name and not re.search(rf"^(async )?def {name}\(", file.read_text(), re.MULTILINE)
            ):
                unproven.append(f"row {number}: {path}::{name}")
        if mark == "works" and not proofs:
            unproven.append(f"row {number}: names no test")
    assert unproven == []


def test_capabilities_counts_itself():
    rows = capability_rows()
    told = re.search(r"\*\*(\d+) work, (\d+) work partly, (\d+) do not exist yet\.\*\*", CAPABILITIES.read_text())
    assert told, "the page says how many"
    marks = [mark for _, mark, _ in rows.values()]
    assert [int(n) for n in told.groups()] == [marks.count(mark) for mark in ("works", "partly", "not yet")]


def test_the_tree_names_no_registry():
    assert hits(REGISTRIES) == []


def test_the_tree_names_no_machine():
    assert hits(MACHINE) == []


def test_the_tree_speaks_of_itself_alone():
    assert hits(ELSEWHERE) == []


def test_addresses_are_documentation_or_nobodys():
    strange = [
        f"{name}: {host}"
        for name, text in tree().items()
        if name not in NOT_OURS and name != ITSELF
        for host in set(re.findall(r"https?://(?:[\w.%-]+(?::[\w.%-]*)?@)?([A-Za-z0-9.-]*[A-Za-z0-9])", text))
        if "." in host and not HOSTS.match(host)
    ]
    assert strange == []


def test_the_checks_can_fail():
    assert REGISTRIES.search("index-url = https://pypi.org/simple")
    assert MACHINE.search("see /home/ada/notes.txt")
    assert ELSEWHERE.search("as told in the brief")
    assert not HOSTS.match("tracker.evil.io")
    assert anchors("# A `b`\n\n## 1. The one, loop") == {"a-b", "1-the-one-loop"}


def test_sections_of_the_house_that_comments_name_exist():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    sections = {int(number) for number in re.findall(r"^## (\d+)\. ", page, re.MULTILINE)}
    assert sections == set(range(1, 13))
    named = {
        int(number)
        for name, text in tree().items()
        if name != ITSELF
        for list_ in re.findall(r"house §+\s?([\d, ]+)", text)
        for number in re.findall(r"\d+", list_)
    }
    assert named
    assert named <= sections


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "APPENDIX: How to apply the Apache License to your work." in text


def test_the_gate_runs_the_tests_and_nothing_else():
    run = ROOT / ".ci" / "run"
    assert run.stat().st_mode & 0o111, "it can be run"
    lines = [line for line in run.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[-1] == "exec make test"
    assert lines[0].startswith("set -")
    assert len(lines) == 3
