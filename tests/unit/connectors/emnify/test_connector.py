"""What only this carrier has, asked of the fake without a socket, and replies that are not what was asked for."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors.emnify.client import lifetime
from fairlead.connectors.emnify.connector import MANIFEST, EmnifyConnector
from fairlead.connectors.emnify.factory import FACTORY
from fairlead.engine.ports.carrier import (
    AuthFailed,
    BucketKey,
    BucketLevel,
    Credential,
    Done,
    NetworkPolicy,
    NotFound,
    OutcomeUnknown,
    ProviderId,
    RateLimited,
    ReasonCode,
    Refused,
    Secret,
    Unavailable,
)
from fairlead.model.identifiers import Imei, Plmn
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.subscription import Connectivity, HoldReason, SubscriptionState, Verb, capability
from fairlead_sim.carriers.emnify import EmnifyFake
from fairlead_sim.carriers.emnify_words import MB
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import AttachRefused, World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = "application-token-of-a-test"
ONE, TWO = Plmn(mcc="286", mnc="02"), Plmn(mcc="286", mnc="03")


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


def opened(transport: httpx.AsyncBaseTransport) -> EmnifyConnector:
    config = AccountConfig(
        tenant=TenantId(UUID(int=1)),
        account=AccountId(UUID(int=2)),
        name="x",
        base_url="https://carrier.example",
        mnc_lengths={"286": frozenset({2})},
    )
    credential = Credential(fields={"application_token": Secret(TOKEN)})
    http = httpx.AsyncClient(transport=transport)
    return FACTORY.open(config, credential, http, Levels(), now=lambda: NOW, real=lambda: NOW)


class Shop:
    """A connector in front of its fake."""

    def __init__(self) -> None:
        self.world = World(clock=lambda: NOW)
        self.world.add_carrier(
            "tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot"}), roams_in="everywhere"
        )
        self.fake = EmnifyFake(self.world, "tr", application_token=TOKEN, real=NOW.timestamp)
        self.connector = opened(httpx.ASGITransport(app=self.fake))

    def line(self, state: Any = "active", *, endpoint: bool = True, device: bool = False) -> ProviderId:
        sim = self.world.issue("tr", 1, state=state)[0]
        if device:
            self.world.add_device("d", country="TR", slots=[sim.iccid])
        elif endpoint:
            self.fake.assign(sim.iccid)
        return ProviderId(str(self.fake.number(sim.iccid)))

    def iccid(self, line: ProviderId) -> str:
        sim = self.fake.numbered(int(line))
        assert sim is not None
        return sim.iccid

    def sent(self, *verbs: str) -> int:
        return sum(self.fake.desk.requests[verb] for verb in verbs)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def reason(outcome: object) -> ReasonCode:
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


# --- SIM and endpoint --------------------------------------------------------------------------


async def test_a_disabled_endpoint_does_not_stop_the_bill_and_the_record_and_the_verb_say_so(shop: Shop) -> None:
    line = shop.line()
    shop.fake.endpoints[shop.iccid(line)].enabled = False
    told = (await shop.connector.read_sim(line)).subscription
    assert (told.state, told.provider_state) == (SubscriptionState.ACTIVE, "Activated")
    assert HoldReason.POLICY in told.hold_reasons
    activate = capability(MANIFEST.capabilities, Verb.ACTIVATE)
    assert activate.billable
    assert "endpoint is disabled" in activate.because
    suspend = capability(MANIFEST.capabilities, Verb.SUSPEND)
    assert (suspend.billable, "ends with the month" in suspend.because) == (False, True)


@pytest.mark.parametrize(
    ("state", "verb", "taken"),
    [
        ("inventory", "activate", True),
        ("ready", "activate", True),
        ("suspended", "activate", True),
        ("active", "suspend", True),
        ("inventory", "suspend", False),
        ("ready", "suspend", False),
        ("terminated", "suspend", False),
        ("terminated", "activate", False),
    ],
)
async def test_only_the_changes_the_carrier_takes_are_sent(shop: Shop, state: str, verb: str, taken: bool) -> None:
    line = shop.line(state)
    outcome = await getattr(shop.connector, verb)(line)
    assert isinstance(outcome, Done if taken else Refused)
    assert shop.sent("activate", "suspend") == int(taken)
    if not taken:
        assert reason(outcome) is ReasonCode.CONFLICT_STATE


async def test_a_sim_with_an_endpoint_is_not_deleted_and_nothing_is_sent(shop: Shop) -> None:
    line = shop.line()
    iccid = (await shop.connector.read_sim(line)).iccid
    assert iccid is not None
    assert reason(await shop.connector.terminate(line, confirm=iccid)) is ReasonCode.PRECONDITION
    assert shop.sent("delete_sim") == 0
    shop.fake.release(iccid)
    assert isinstance(await shop.connector.terminate(line, confirm=iccid), Done)


async def test_an_endpoint_assigned_in_between_is_a_precondition_too(shop: Shop) -> None:
    line = shop.line(endpoint=False)
    iccid = (await shop.connector.read_sim(line)).iccid
    assert iccid is not None
    shop.world.inject(Fault(kind="refuse", carrier="tr", verb="delete_sim", status=403))
    assert reason(await shop.connector.terminate(line, confirm=iccid)) is ReasonCode.PRECONDITION


async def test_settings_of_a_sim_without_an_endpoint_are_a_precondition(shop: Shop) -> None:
    line = shop.line(endpoint=False)
    policy = NetworkPolicy(kind="block", plmns=frozenset({ONE}))
    for outcome in (
        await shop.connector.set_limit(line, MB),
        await shop.connector.set_imei_lock(line, None),
        await shop.connector.set_network_policy(line, policy),
        await shop.connector.send_sms(line, "wake up"),
        await shop.connector.reset_connection(line),
    ):
        assert reason(outcome) is ReasonCode.PRECONDITION
    assert (await shop.connector.read_session(line)).connectivity is Connectivity.UNKNOWN
    assert shop.fake.desk.executed.total() == 0


async def test_a_suspension_costs_three_requests_and_a_whole_reading_six(shop: Shop) -> None:
    line = shop.line()
    await shop.connector.check()
    before = shop.fake.desk.requests.total()
    await shop.connector.suspend(line)
    assert shop.fake.desk.requests.total() - before == 3
    await shop.connector.read_sim(line)
    assert shop.fake.desk.requests.total() - before == 9


# --- quota -------------------------------------------------------------------------------------


async def test_where_quotas_apply_none_means_no_data_and_taking_one_away_is_refused(shop: Shop) -> None:
    line = shop.line(device=True)
    iccid = shop.iccid(line)
    endpoint = shop.fake.assign(iccid)  # anew, and nothing granted
    refusal = shop.world.attach("d", 0, "iot")
    assert isinstance(refusal, AttachRefused)
    limit = (await shop.connector.read_sim(line)).limit
    assert limit is not None
    assert limit.limit_bytes == 0
    assert isinstance(await shop.connector.set_limit(line, 5 * MB), Done)
    assert not isinstance(shop.world.attach("d", 0, "iot"), AttachRefused)
    assert reason(await shop.connector.set_limit(line, None)) is ReasonCode.UNSUPPORTED
    assert endpoint.quota is not None


async def test_where_no_quotas_apply_one_would_bind_nothing_and_is_refused(shop: Shop) -> None:
    shop.fake.applies_quota = False
    line = shop.line()
    assert reason(await shop.connector.set_limit(line, 5 * MB)) is ReasonCode.PRECONDITION
    free = await shop.connector.set_limit(line, None)
    assert isinstance(free, Done)
    assert free.changed is False
    assert shop.sent("set_quota") == 0


async def test_what_was_used_does_not_change_the_ceiling_that_was_granted(shop: Shop) -> None:
    line = shop.line(device=True)
    await shop.connector.set_limit(line, 5 * MB)
    assert not isinstance(shop.world.attach("d", 0, "iot"), AttachRefused)
    shop.world.traffic("d", MB, MB)
    again = await shop.connector.set_limit(line, 5 * MB)
    assert isinstance(again, Done)
    assert again.changed is False
    assert again.observed.limit is not None
    assert again.observed.limit.limit_bytes == 5 * MB


# --- networks ----------------------------------------------------------------------------------


async def test_a_block_list_is_brought_to_what_is_wished_and_no_further(shop: Shop) -> None:
    line = shop.line()
    for plmns, blocked, unblocked in (({ONE, TWO}, 2, 0), ({TWO}, 2, 1), (set[Plmn](), 2, 2)):
        policy = NetworkPolicy(kind="block", plmns=frozenset(plmns))
        outcome = await shop.connector.set_network_policy(line, policy)
        assert isinstance(outcome, Done)
        assert outcome.observed.network_policy == policy
        assert (shop.sent("block"), shop.sent("unblock")) == (blocked, unblocked)


async def test_an_allow_list_and_an_unknown_network_are_unsupported(shop: Shop) -> None:
    line = shop.line()
    for policy in (
        NetworkPolicy(kind="allow", plmns=frozenset({ONE})),
        NetworkPolicy(kind="block", plmns=frozenset({Plmn(mcc="999", mnc="99")})),
    ):
        assert reason(await shop.connector.set_network_policy(line, policy)) is ReasonCode.UNSUPPORTED
    assert shop.sent("block") == 0


async def test_a_list_half_changed_is_unknown_and_the_read_back_shows_how_far_it_came(shop: Shop) -> None:
    line = shop.line()
    first, second = NetworkPolicy(kind="block", plmns=frozenset({ONE})), frozenset({TWO})
    await shop.connector.set_network_policy(line, first)
    shop.world.inject(Fault(kind="refuse", carrier="tr", verb="unblock", status=409))
    with pytest.raises(OutcomeUnknown, match="1 of the operators"):
        await shop.connector.set_network_policy(line, NetworkPolicy(kind="block", plmns=second))
    now = (await shop.connector.read_sim(line)).network_policy
    assert now is not None
    assert now.plmns == {ONE, TWO}


async def test_a_carrier_that_goes_away_in_the_middle_leaves_it_unknown_and_before_the_first_it_does_not(
    shop: Shop,
) -> None:
    line = shop.line()
    one, two = (NetworkPolicy(kind="block", plmns=frozenset({plmn})) for plmn in (ONE, TWO))
    await shop.connector.set_network_policy(line, one)
    shop.world.inject(Fault(kind="storm", carrier="tr", verb="unblock"))
    with pytest.raises(OutcomeUnknown, match="1 of the operators"):
        await shop.connector.set_network_policy(line, two)
    with pytest.raises(RateLimited):  # the same again, and now nothing was sent before it
        await shop.connector.set_network_policy(line, two)


async def test_a_refusal_before_anything_was_changed_is_a_refusal(shop: Shop) -> None:
    line = shop.line()
    shop.world.inject(Fault(kind="refuse", carrier="tr", verb="block", status=409))
    policy = NetworkPolicy(kind="block", plmns=frozenset({ONE, TWO}))
    assert reason(await shop.connector.set_network_policy(line, policy)) is ReasonCode.CONFLICT_STATE
    assert shop.sent("block") == 1


# --- device ------------------------------------------------------------------------------------


async def test_a_lock_goes_to_the_device_seen_last_and_to_no_other(shop: Shop) -> None:
    line = shop.line(device=True)
    other = Imei("352099000000097")
    assert reason(await shop.connector.set_imei_lock(line, other)) is ReasonCode.PRECONDITION
    session = shop.world.attach("d", 0, "iot")
    assert not isinstance(session, AttachRefused)
    assert reason(await shop.connector.set_imei_lock(line, other)) is ReasonCode.PRECONDITION
    assert shop.sent("lock") == 0
    assert isinstance(await shop.connector.set_imei_lock(line, Imei(session.imei)), Done)


async def test_the_visited_network_may_fail_inside_a_success(shop: Shop) -> None:
    line = shop.line(device=True)
    shop.world.attach("d", 0, "iot")
    with_cell = await shop.connector.read_session(line)
    assert with_cell.cell is not None
    assert with_cell.cell.ci is not None
    shop.fake.info_error = "absentSubscriber"
    without = await shop.connector.read_session(line)
    assert without.online
    assert without.cell is not None
    assert without.cell.ci is None
    shop.world.detach("d")
    asked = shop.sent("info")
    assert (await shop.connector.read_session(line)).connectivity is Connectivity.ATTACHED
    assert shop.sent("info") == asked + 1


# --- the token, and replies that are not what was asked for --------------------------------------


def jwt(**claims: object) -> str:
    parts = (b"{}", msgspec.json.encode(claims), b"signature")
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize(
    ("token", "lives"),
    [
        (jwt(exp=NOW.timestamp() + 14_400), timedelta(hours=4)),
        (jwt(exp=NOW.timestamp() - 5), timedelta(minutes=1)),
        (jwt(exp=10**15), timedelta(days=1)),
        (jwt(exp="soon"), timedelta(hours=1)),
        (jwt(), timedelta(hours=1)),
        ("no token of that kind", timedelta(hours=1)),
        ("a.\xff.c", timedelta(hours=1)),
        ("a.!!!.c", timedelta(hours=1)),
    ],
)
def test_a_token_says_when_it_ends(token: str, lives: timedelta) -> None:
    assert lifetime(token, NOW) == lives


def answering(**answers: httpx.Response) -> EmnifyConnector:
    """A carrier that gives a token and answers GET, PATCH and DELETE as told."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/authenticate":
            return answers.get("login", httpx.Response(200, json={"auth_token": jwt(exp=NOW.timestamp() + 900)}))
        return answers[request.method]

    return opened(httpx.MockTransport(answer))


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refused_login_is_auth_failed(status: int) -> None:
    with pytest.raises(AuthFailed) as trouble:
        await answering(login=httpx.Response(status, json={"message": f"no {TOKEN}"})).check()
    assert TOKEN not in str(trouble.value)


@pytest.mark.parametrize("reply", [{}, [], {"mfa_token": "x"}, {"auth_token": ""}, {"auth_token": 7}])
async def test_a_login_that_gives_no_token_is_the_carriers_fault(reply: object) -> None:
    with pytest.raises(Unavailable):
        await answering(login=httpx.Response(200, json=reply)).check()


@pytest.mark.parametrize("value", [None, [], {}, {"id": 8}, {"id": "7"}])
async def test_a_reply_that_is_not_that_sim_settles_nothing(value: object) -> None:
    with pytest.raises(Unavailable):
        await answering(GET=httpx.Response(200, json=value)).read_sim(ProviderId("7"))


async def test_a_change_whose_read_back_fails_is_unknown() -> None:
    replies = iter([httpx.Response(200, json={"id": 7, "status": {"id": 1}}), httpx.Response(503)])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/authenticate":
            return httpx.Response(200, json={"auth_token": "t"})
        return next(replies) if request.method == "GET" else httpx.Response(204)

    with pytest.raises(OutcomeUnknown):
        await opened(httpx.MockTransport(answer)).suspend(ProviderId("7"))


async def test_a_sim_that_is_forgotten_once_it_is_deleted_has_ended() -> None:
    gone = False

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal gone
        if request.url.path == "/api/v1/authenticate":
            return httpx.Response(200, json={"auth_token": "t"})
        if request.method == "DELETE":
            gone = True
            return httpx.Response(204)
        body = {"id": 7, "status": {"id": 2}, "iccid": "899000000000000001"}
        return httpx.Response(404) if gone else httpx.Response(200, json=body)

    connector = opened(httpx.MockTransport(answer))
    iccid = (await connector.read_sim(ProviderId("7"))).iccid
    assert iccid is not None
    ended = await connector.terminate(ProviderId("7"), confirm=iccid)
    assert isinstance(ended, Done)
    assert ended.observed.subscription.state is SubscriptionState.TERMINATED
    with pytest.raises(NotFound):
        await connector.terminate(ProviderId("7"), confirm=iccid)


@pytest.mark.parametrize("value", [{}, None, "x"])
async def test_an_inventory_that_is_not_a_list_is_unavailable(value: object) -> None:
    with pytest.raises(Unavailable):
        [page async for page in answering(GET=httpx.Response(200, json=value)).list_sims()]


async def test_pages_come_in_the_order_of_ids_so_that_new_sims_shift_none() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/authenticate":
            return httpx.Response(200, json={"auth_token": "t"})
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=[{"id": 7}] * (500 if len(asked) == 1 else 1))

    assert len([page async for page in opened(httpx.MockTransport(answer)).list_sims()]) == 2
    assert asked == [{"page": str(page), "per_page": "500", "sort": "id"} for page in (1, 2)]


async def test_a_bad_entry_of_a_page_is_named() -> None:
    (page,) = [
        page async for page in answering(GET=httpx.Response(200, json=[{"id": 7}, {"iccid": "x"}, 3])).list_sims()
    ]
    assert [sim.provider_id for sim in page.sims] == ["7"]
    assert len(page.unreadable) == 2


async def test_a_sim_id_cannot_leave_its_place_in_the_path() -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"auth_token": "t"})

    with pytest.raises(Unavailable):
        await opened(httpx.MockTransport(answer)).read_sim(ProviderId("../endpoint?x#y"))
    assert seen[-1] == b"/api/v1/sim/..%2Fendpoint%3Fx%23y"


def test_our_budget_stays_below_the_published_one_in_any_five_minutes() -> None:
    window = 300
    most = {name: limit.burst + limit.per_second * (window + 1) for name, limit in MANIFEST.limits.items()}
    assert sum(most.values()) <= 2_000
    assert most["auth"] <= 100
