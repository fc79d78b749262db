"""emnify's own contract judges our requests and our fake's replies (`prism.py` says how).

The contract is proprietary: nothing of it is in this repository, and without the file this module is skipped by name.
"""

from datetime import timedelta

import pytest
from tests.contract.benches.emnify import EMNIFY
from tests.system.prism import ABSENT, Case, Contract, Judged, Patch, judges, marks, spoil_a_reply, still_needed

from fairlead.engine.ports.carrier import Done, NetworkPolicy, ReasonCode, Refused
from fairlead.model.identifiers import Imei, Plmn
from fairlead.model.subscription import SubscriptionState

MB = 1_048_576


class Beyond:
    """Equal to a list of required fields that asks for more than those we send; which, is the contract's to say."""

    def __init__(self, *sent: str) -> None:
        self.sent = frozenset(sent)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and self.sent < set(other)

    def __hash__(self) -> int:
        return hash(self.sent)

    def __repr__(self) -> str:
        return f"more than {sorted(self.sent)}"


class Something:
    """Equal to any object that stands there, whatever it says."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict)

    def __hash__(self) -> int:
        return 0


_INFO = "/components/schemas/Endpoint_GetConnectivityInfoByEndpointId_Response_200/oneOf"
_ASKED = "patch/requestBody/content/application~1json/schema/required"
_SIM, _ENDPOINT = "/paths/~1api~1v1~1sim~1{sim_id}", "/paths/~1api~1v1~1endpoint~1{endpoint_id}"
_BLOCKED = f"{_ENDPOINT}~1operator_blacklist~1{{operator_id}}"
_RESET = f"{_ENDPOINT}~1connectivity/patch/requestBody/content/application~1json/schema/properties"
_EMPTY = (
    *(f"{_SIM}/{method}" for method in ("patch", "delete")),
    *(f"{_BLOCKED}/{method}" for method in ("put", "delete")),
    f"{_ENDPOINT}/patch",
    f"{_ENDPOINT}~1connectivity/patch",
)
_PARTLY = "a PATCH changes what is named; the contract's own prose says that each field may be left out"
CONTRACT = Contract(
    "emnify/emnify-api-openapi.yml",
    patches=(
        Patch(
            "/paths/~1api~1v1~1authenticate/post/security",
            was=ABSENT,
            now=[],
            reason="the contract asks for a token everywhere, also where the token is fetched",
        ),
        *(
            Patch(
                f"{call}/responses/204/content",
                was=Something(),
                now=ABSENT,
                reason="a 204 has no body (RFC 9110 §15.3.5), and the contract wants an object in it",
            )
            for call in _EMPTY
        ),
        *(
            Patch(
                f"{_RESET}/{name}/oneOf/0",
                was=Something(),
                now=ABSENT,
                reason="null is what resets, and it fits both variants of which exactly one shall fit",
            )
            for name in ("location", "pdp_context")
        ),
        *(
            Patch(
                f"{_INFO}/{number}",
                was=Something(),
                now=ABSENT,
                reason="exactly one variant shall fit, and since no field of any is required every reply fits all three",
            )
            for number in (2, 1)
        ),
        Patch(
            f"{_SIM}/{_ASKED}",
            was=Beyond("status"),
            now=ABSENT,
            reason=_PARTLY,
        ),
        Patch(
            f"{_ENDPOINT}/{_ASKED}",
            was=Beyond("imei_lock"),
            now=ABSENT,
            reason=_PARTLY,
        ),
    ),
)
pytestmark = marks


one_for_all, judged = judges(emnify=Case(EMNIFY, CONTRACT))


def test_each_patch_is_still_needed() -> None:
    still_needed(CONTRACT)


async def test_every_call_and_every_reply_keeps_the_contract(judged: Judged) -> None:
    bench, verdict = judged.bench, judged.verdict
    bench.world.issue("tr", 550, state="inventory")
    line = bench.line(device=True)
    connector = bench.open()
    await connector.check()
    assert sum([len(page.sims) async for page in connector.list_sims()]) == 551

    imei = Imei(bench.online(line).imei)
    bench.world.traffic(bench.device(line), 4000, 9000)
    seen = await connector.read_session(line)
    assert seen.online
    assert seen.cell is not None
    bench.fake.info_error = "absentSubscriber"
    assert (await connector.read_session(line)).online
    bench.fake.info_error = ""

    assert isinstance(await connector.set_imei_lock(line, imei), Done)
    assert isinstance(await connector.set_imei_lock(line, None), Done)
    assert isinstance(await connector.set_limit(line, 5 * MB), Done)
    assert isinstance(await connector.set_limit(line, 7 * MB), Done)
    turk, voda = Plmn(mcc="286", mnc="03"), Plmn(mcc="286", mnc="02")
    for plmns in ({turk}, {turk, voda}, {voda}, set[Plmn]()):
        policy = NetworkPolicy(kind="block", plmns=frozenset(plmns))
        assert isinstance(await connector.set_network_policy(line, policy), Done)
    for text in ("wake up", "Ölçüm"):
        assert isinstance(await connector.send_sms(line, text), Done)
    bench.clock.tick(hours=1)
    assert isinstance(await connector.reset_connection(line), Done)
    assert not (await connector.read_session(line)).online
    since = bench.clock() - timedelta(days=1)
    pages = [page async for page in connector.session_events(line, since=since, until=bench.clock())]
    assert sum(len(page.events) for page in pages) == 2
    assert await connector.read_usage(line, since=since, until=bench.clock(), granularity="day")

    assert isinstance(await connector.suspend(line), Done)
    assert isinstance(await connector.activate(line), Done)
    iccid = (await connector.read_sim(line)).iccid
    assert iccid is not None
    refusal = await connector.terminate(line, confirm=iccid)
    assert isinstance(refusal, Refused)
    assert refusal.reason is ReasonCode.PRECONDITION
    bench.fake.release(iccid)
    ended = await connector.terminate(line, confirm=iccid)
    assert isinstance(ended, Done)
    assert ended.observed.subscription.state is SubscriptionState.TERMINATED
    assert verdict.findings == []
    assert len(verdict.exchanges) > 90


async def test_the_carriers_refusals_keep_the_contract(judged: Judged) -> None:
    """A refused change of status and a refused deletion, as the carrier words them."""
    bench = judged.bench
    line = bench.line("suspended")
    connector = bench.open()
    bench.fault("refuse", "activate", status=400, code="4007", message="not today", at_most=1)
    assert isinstance(await connector.activate(line), Refused)
    bench.fault("refuse", "terminate", status=403, at_most=1)
    iccid = (await connector.read_sim(line)).iccid
    assert iccid is not None
    bench.fake.release(iccid)
    refusal = await connector.terminate(line, confirm=iccid)
    assert isinstance(refusal, Refused)
    assert refusal.reason is ReasonCode.PRECONDITION
    assert judged.verdict.findings == []


async def test_the_judge_would_have_spoken(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply of the wrong kind, and a request of the wrong kind, are both found."""
    line = judged.bench.line()
    await spoil_a_reply(
        judged, monkeypatch, line, of="fairlead_sim.carriers.emnify_words.STATUS", into={"active": ("one", "Activated")}
    )
    await judged.http.patch(
        f"{judged.url}/api/v1/sim/{line}", json={"status": "off"}, headers={"Authorization": "Bearer any"}
    )
    assert judged.verdict.findings
