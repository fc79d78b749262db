"""Prism judges both sides of a connector: our requests and our fake's replies.

Prism (npm) stands as a proxy between them with the vendor's contract in hand. Contracts are no part
of this repository: they are looked for in FAIRLEAD_CARRIER_SPECS, or in `carrier-specs` below a
directory `shared` beside the checkout, and without them, or without node and npm, tests are skipped by name.

How it judges: a request that breaks the contract is stopped (422, 400 or 415, never a reliable
code) and a reply that breaks it becomes a 500, both as a problem of its own type; lesser findings
travel in the header `sl-violations`. So the verdict is read from these two, on every exchange. A
status the contract does not declare is a warning, and no finding: hardly any contract declares 429.

    CONTRACT = Contract("kore/supersim.yaml", patches=(Patch("/paths/~1Sims/…", was=…, now=…, reason="…"),))

    one_for_all, judged = judges(vendor=Case(BENCHES["vendor"], CONTRACT))

    def test_each_patch_is_still_needed():
        still_needed(CONTRACT)

Where a vendor publishes no contract, one may be written by hand from its pages (`ours`): it holds both sides to
what the pages say, and proves nothing about the vendor.

A reconstruction by a third party may hint and never judges: its findings go to `hint`.

A contract is sometimes wrong. A `Patch` says where, what stands there, what should, and why; when
the vendor mends it, `still_needed` fails and the patch goes.
"""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from tests.contract.bench import Bench, Clock, Maker, Stage

from fairlead.engine.ports.carrier import ProviderId
from fairlead_sim.carriers.serving import serving

PRISM = "@stoplight/prism-cli@5.14.2"  # 5.16 wants a newer node than Debian has
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "var" / "prism"
PROBLEM = "https://stoplight.io/prism/errors#"
ABSENT: Final = object()  # nothing stands there, or shall

marks = [pytest.mark.peer("prism"), pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Patch:
    """One repair of a contract, at a JSON pointer (RFC 6901)."""

    pointer: str
    was: Any  # what the contract says; ABSENT for nothing
    now: Any  # what it should say; ABSENT takes it out
    reason: str


@dataclass(frozen=True)
class Contract:
    """A vendor's contract, by its path below the folder of contracts, and what is wrong with it."""

    path: str
    patches: tuple[Patch, ...] = field(default=())
    ours: bool = False  # written by hand from a vendor's pages, and in this repository: tests/contract/specs


# --- contracts ---------------------------------------------------------------------------------


def original(contract: Contract) -> Path:
    """The file; skips the test by name without it."""
    if contract.ours:
        return ROOT / "tests" / "contract" / "specs" / contract.path
    given = os.environ.get("FAIRLEAD_CARRIER_SPECS")
    beside = [parent / "shared" / "carrier-specs" for parent in (ROOT.parent, ROOT.parent.parent)]
    for folder in [Path(given)] if given else beside:
        if (folder / contract.path).is_file():
            return folder / contract.path
    pytest.skip(f"peer prism: no carrier contracts; set FAIRLEAD_CARRIER_SPECS to a folder with {contract.path}")


class _Core(yaml.SafeLoader):
    """YAML 1.2's core words only: Prism reads 1.2, where `on` is text and a date is text."""


_Core.yaml_implicit_resolvers = {}
_Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|Null|NULL|~|)$"), ["n", "N", "~", ""])
_Core.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Core.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.\d+|\d+\.\d*)([eE][-+]?\d+)?$"), list("-+.0123456789")
)
_Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?\d+$"), list("-+0123456789"))


_Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))


def loaded(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Core)


def _steps(pointer: str) -> list[str]:
    assert pointer.startswith("/"), pointer
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def found(document: Any, pointer: str) -> Any:
    for step in _steps(pointer):
        try:
            document = document[int(step)] if isinstance(document, list) else document[step]
        except (KeyError, IndexError):
            return ABSENT
    return document


def patched(document: Any, patch: Patch) -> None:
    *way, last = _steps(patch.pointer)
    place = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    key: Any = int(last) if isinstance(place, list) else last
    if patch.now is ABSENT:
        del place[key]
    else:
        place[key] = patch.now


def judged_by(contract: Contract) -> Path:
    """The file Prism reads: the vendor's own, or a mended copy outside the repository's files."""
    path = original(contract)
    if not contract.patches:
        return path
    document = loaded(path)
    for patch in contract.patches:
        patched(document, patch)
    text = json.dumps(document)
    copy = CACHE / f"{sha256(text.encode()).hexdigest()[:16]}.json"
    CACHE.mkdir(parents=True, exist_ok=True)
    copy.write_text(text, encoding="utf-8")
    return copy


def still_needed(contract: Contract) -> None:
    """Each patch mends what the vendor's file still says."""
    document = loaded(original(contract))
    for patch in contract.patches:
        assert patch.reason
        assert found(document, patch.pointer) == patch.was, f"{patch.pointer}: the contract changed; {patch.reason}"
        assert patch.now != patch.was, f"{patch.pointer}: mends nothing"


# --- the proxy ---------------------------------------------------------------------------------


def program() -> Path:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("peer prism: node and npm are not installed")
    found_at = CACHE / "node_modules" / ".bin" / "prism"
    if not found_at.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text('{"private": true}\n')
        install = ["npm", "install", "--no-save", "--no-audit", "--no-fund", PRISM]
        done = subprocess.run(install, cwd=CACHE, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            pytest.skip(f"peer prism: npm cannot install it: {done.stderr.strip()[-200:]}")
    return found_at


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def proxy(contract: Contract, upstream: str) -> AsyncIterator[str]:
    """Prism in front of an address; gives its own."""
    spec, port = judged_by(contract), free_port()
    command = [str(program()), "proxy", "-h", "127.0.0.1", "-p", str(port), "--errors", str(spec), upstream]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(90):
        while b"listening" not in (line := await process.stdout.readline()):
            said += line
            assert line, f"Prism ended before it listened: {said[-2000:].decode(errors='replace')}"
    drain = asyncio.create_task(process.stdout.read())
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
        await drain


class Verdict:
    """Every exchange with the proxy, and what was wrong with it."""

    def __init__(self) -> None:
        self.exchanges: list[str] = []
        self.findings: list[str] = []
        self.warnings: list[str] = []

    async def judge(self, response: httpx.Response) -> None:
        what = f"{response.request.method} {response.request.url.path}"
        self.exchanges.append(what)
        await response.aread()
        for finding in json.loads(response.headers.get("sl-violations", "[]")):
            place = (finding.get("location") or [""])[0]
            ours = str(place).startswith("request") or finding.get("severity") == "Error"
            (self.findings if ours else self.warnings).append(f"{what}: {finding}")
        if "problem+json" in response.headers.get("content-type", "") and PROBLEM in response.text:
            self.findings.append(f"{what}: {response.text[:2000]}")

    def clear(self) -> None:
        self.exchanges.clear()
        self.findings.clear()
        self.warnings.clear()


@dataclass(frozen=True)
class Objection:
    """What a reconstruction objects to, where the vendor's own pages say otherwise."""

    what: str  # in the finding
    reason: str


def hint(verdict: Verdict, *known: Objection) -> None:
    """What a third party's reconstruction has to say: it is shown as an expected failure, and never fails a test."""
    new = [one for one in verdict.findings if not any(objection.what in one for objection in known)]
    if new:
        pytest.xfail(f"a reconstruction objects, which decides nothing: {new[:5]}")


@dataclass
class Judged:
    """A bench whose connectors speak to its fake through Prism."""

    bench: Bench
    url: str
    http: httpx.AsyncClient
    verdict: Verdict


@asynccontextmanager
async def judging(maker: Maker, contract: Contract, *, auth: Contract | None = None) -> AsyncIterator[Judged]:
    """The bench of a vendor behind its contract; `auth` where the handshake has a contract of its own."""
    verdict = Verdict()
    async with AsyncExitStack() as stack:
        hooks = {"response": [verdict.judge]}
        http = await stack.enter_async_context(httpx.AsyncClient(event_hooks=hooks, trust_env=False))
        stage = Stage("", http)
        upstream = await stack.enter_async_context(serving(stage))
        stage.url = await stack.enter_async_context(proxy(contract, upstream))
        bench = maker.make(Clock(), stage)
        if auth is not None:
            bench.auth_url = await stack.enter_async_context(proxy(auth, upstream))
        yield Judged(bench=bench, url=stage.url, http=http, verdict=verdict)


@dataclass(frozen=True)
class Case:
    """A vendor and the contract it is judged by."""

    maker: Maker
    contract: Contract
    auth: Contract | None = None


def judges(**cases: Case) -> tuple[Any, Any]:
    """Two fixtures, to be called so: `one_for_all`, the judge of a module, and `judged`, who has said nothing yet.

    With several cases every test runs once for each, named after it.
    """
    alone = next(iter(cases.values())) if len(cases) == 1 else None

    @pytest.fixture(scope="module", params=None if alone else list(cases))
    async def one_for_all(request: pytest.FixtureRequest) -> AsyncIterator[Judged]:
        case = alone or cases[request.param]
        async with judging(case.maker, case.contract, auth=case.auth) as made:
            yield made

    @pytest.fixture
    def judged(one_for_all: Judged) -> Judged:
        one_for_all.verdict.clear()
        return one_for_all

    return one_for_all, judged


async def spoil_a_reply(
    judged: Judged, monkeypatch: pytest.MonkeyPatch, line: ProviderId, *, of: str, into: object
) -> None:
    """The judge finds a reply that is wrong: with `of` the fake's words are put wrong, and the line is read."""
    connector = judged.bench.open()
    await connector.check()
    assert judged.verdict.findings == []
    monkeypatch.setattr(of, into)
    with pytest.raises(Exception, match="HTTP 500"):
        await connector.read_sim(line)
    assert any("VIOLATIONS" in finding for finding in judged.verdict.findings)
    judged.verdict.clear()
