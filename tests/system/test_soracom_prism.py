"""Prism judges both sides of the Soracom connector: our requests and our fake's replies.

Prism (npm) stands as a proxy between them with the vendor's contract in hand. The contract is not
part of this repository: it is looked for in FAIRLEAD_CARRIER_SPECS, or in `carrier-specs` below a
directory `shared` beside the checkout, and without it, or without node and npm, these tests are skipped by name.

How it judges: a request that breaks the contract is stopped (422, 400 or 415, never a reliable
code) and a reply that breaks it becomes a 500, both as a problem of its own type; lesser findings
travel in the header `sl-violations`. So the verdict is read from these two, on every exchange.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors.soracom.factory import FACTORY
from fairlead.engine.ports.carrier import (
    Accepted,
    BucketKey,
    BucketLevel,
    Credential,
    Done,
    Limit,
    ProviderId,
    ReasonCode,
    Refused,
    Secret,
)
from fairlead.model.ids import AccountId, TenantId
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Session

PRISM = "@stoplight/prism-cli@5.14.2"  # 5.16 wants a newer node than Debian has
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "var" / "prism"
PROBLEM = "https://stoplight.io/prism/errors#"
KEY_ID, KEY = "keyId-f00dfeedbeef", "secret-0123456789abcdef"

pytestmark = [pytest.mark.peer("prism"), pytest.mark.timeout(300)]


def contract() -> Path:
    given = os.environ.get("FAIRLEAD_CARRIER_SPECS")
    folders = [Path(given)] if given else [ROOT.parent / "shared" / "carrier-specs"]
    for folder in folders:
        found = folder / "soracom" / "soracom-api.en.yaml"
        if found.is_file():
            return found
    pytest.skip(
        "peer prism: no carrier contracts; set FAIRLEAD_CARRIER_SPECS to a folder with soracom/soracom-api.en.yaml"
    )


def prism_program() -> Path:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("peer prism: node and npm are not installed")
    program = CACHE / "node_modules" / ".bin" / "prism"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text('{"private": true}\n')
        install = ["npm", "install", "--no-save", "--no-audit", "--no-fund", PRISM]
        done = subprocess.run(install, cwd=CACHE, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            pytest.skip(f"peer prism: npm cannot install it: {done.stderr.strip()[-200:]}")
    return program


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Verdict:
    """Every exchange with the proxy, and what was wrong with it."""

    def __init__(self) -> None:
        self.exchanges: list[str] = []
        self.findings: list[str] = []

    async def judge(self, response: httpx.Response) -> None:
        what = f"{response.request.method} {response.request.url.path}"
        self.exchanges.append(what)
        await response.aread()
        for finding in json.loads(response.headers.get("sl-violations", "[]")):
            self.findings.append(f"{what}: {finding}")
        if "problem+json" in response.headers.get("content-type", "") and PROBLEM in response.text:
            self.findings.append(f"{what}: {response.text[:2000]}")


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


class Bench:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.world = World(clock=lambda: self.at)
        self.world.add_carrier(
            "nl",
            name="Noordzee Mobiel",
            home="204-08",
            apns=frozenset({"iot"}),
            roams_in="everywhere",
            standby_plans=frozenset({"plan01s"}),
        )
        self.fake = SoracomFake(self.world, "nl", auth_key_id=KEY_ID, auth_key=KEY)


@pytest.fixture(scope="module")
async def judged() -> AsyncIterator[tuple[Bench, str]]:
    """The fake with Prism in front of it; gives the proxy's address."""
    spec, program, bench, port = contract(), prism_program(), Bench(), free_port()
    async with serving(bench.fake) as url:
        command = [str(program), "proxy", "-h", "127.0.0.1", "-p", str(port), "--errors", str(spec), url]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        assert process.stdout is not None
        async with asyncio.timeout(90):
            while b"listening" not in (line := await process.stdout.readline()):
                assert line, "Prism ended before it listened"
        drain = asyncio.create_task(process.stdout.read())
        try:
            yield bench, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.wait()
            await drain


def door(url: str, http: httpx.AsyncClient, bench: Bench):
    limits = {name: Limit(per_second=1000, burst=1000) for name in ("auth", "read", "write")}
    config = AccountConfig(
        tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="nl", base_url=url, limits=limits
    )
    credential = Credential(fields={"auth_key_id": Secret(KEY_ID), "auth_key": Secret(KEY)})
    return FACTORY.open(config, credential, http, Levels(), now=lambda: bench.at)


async def test_every_call_and_every_reply_keeps_the_contract(judged: tuple[Bench, str]) -> None:
    bench, url = judged
    verdict = Verdict()
    sims = bench.world.issue("nl", 120)
    line = ProviderId(sims[0].iccid)
    bench.world.add_device("d1", country="TR", slots=[line])
    group = bench.fake.add_group("meters")
    async with httpx.AsyncClient(event_hooks={"response": [verdict.judge]}, trust_env=False) as http:
        connector = door(url, http, bench)
        await connector.check()
        assert sum([len(page.sims) async for page in connector.list_sims()]) == 120
        assert await connector.list_groups()

        assert isinstance(bench.world.attach("d1", 0, "iot"), Session)
        bench.world.traffic("d1", 4000, 9000)
        assert (await connector.read_session(line)).online
        bench.at += timedelta(hours=1)
        bench.world.detach("d1")
        assert not (await connector.read_sim(line)).session.online
        since = bench.at - timedelta(days=1)
        pages = [page async for page in connector.session_events(line, since=since, until=bench.at)]
        assert sum(len(page.events) for page in pages) == 2
        for granularity in ("minutes", "day", "month"):
            assert await connector.read_usage(line, since=since, until=bench.at, granularity=granularity)

        for change in (connector.suspend, connector.activate, connector.standby, connector.deactivate):
            assert isinstance(await change(line), Done)
        assert isinstance(await connector.set_group(line, group), Done)
        assert isinstance(await connector.unset_group(line), Done)
        assert isinstance(await connector.add_subscription(line, plan="planX1", enable=True), Accepted)
        imsi = (await connector.read_sim(line)).containers[0].imsi
        assert isinstance(await connector.cancel_download(line, imsi=imsi), Done)
        iccid = (await connector.read_sim(line)).iccid
        assert iccid is not None
        assert isinstance(await connector.allow_termination(line), Done)
        assert isinstance(await connector.forbid_termination(line), Done)
        assert isinstance(await connector.allow_termination(line), Done)
        assert isinstance(await connector.terminate(line, confirm=iccid), Done)
    assert verdict.findings == []
    assert len(verdict.exchanges) > 30


async def test_the_judge_would_have_spoken(judged: tuple[Bench, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply with a word the contract lacks, and a request with a malformed parameter, are both found."""
    bench, url = judged
    verdict = Verdict()
    line = ProviderId(bench.world.issue("nl", 1)[0].iccid)
    async with httpx.AsyncClient(event_hooks={"response": [verdict.judge]}, trust_env=False) as http:
        connector = door(url, http, bench)
        await connector.check()
        assert verdict.findings == []
        monkeypatch.setattr("fairlead_sim.carriers.soracom_words.STATUS", {"ready": "asleep"})
        with pytest.raises(Exception, match="HTTP 500"):
            await connector.read_sim(line)
        assert any("VIOLATIONS" in finding for finding in verdict.findings)
        verdict.findings.clear()
        tokens = next(iter(bench.fake._tokens))
        headers = {"X-Soracom-API-Key": tokens[0], "X-Soracom-Token": tokens[1]}
        await http.get(f"{url}/sims", params={"limit": "abc"}, headers=headers)
        assert verdict.findings


async def test_a_refusal_the_contract_does_not_declare_still_reads_as_a_refusal(judged: tuple[Bench, str]) -> None:
    """The contract declares no 400 for a protected termination; the carrier sends one, and Prism lets it pass."""
    bench, url = judged
    line = ProviderId(bench.world.issue("nl", 1)[0].iccid)
    async with httpx.AsyncClient(trust_env=False) as http:
        connector = door(url, http, bench)
        iccid = (await connector.read_sim(line)).iccid
        assert iccid is not None
        outcome = await connector.terminate(line, confirm=iccid)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.PRECONDITION
