"""What connectors share when they read pages, open accounts and send changes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.unit.connectors.answering import NOW, Levels

from fairlead.connectors._kit.changing import progress, put, read_back, unconfirmed
from fairlead.connectors._kit.factory import AccountConfig, BadAddress, MissingCredential
from fairlead.connectors._kit.http import Denial, Reply
from fairlead.connectors._kit.inventory import entries_of, inventory, sim_page
from fairlead.connectors._kit.wish import Wish, read_reference
from fairlead.connectors.hologram.factory import FACTORY
from fairlead.engine.ports.carrier import (
    Accepted,
    Credential,
    Cursor,
    Done,
    NotFound,
    OutcomeUnknown,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    Secret,
    SessionStatus,
    SimRecord,
    Unavailable,
)
from fairlead.model.identifiers import Iccid
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, SubscriptionStatus

FRESH = Freshness(observed_at=NOW, staleness=timedelta(0), source="x")
WISH = Wish(kind="state", value=SubscriptionState.SUSPENDED)
AGAIN = timedelta(seconds=7)


def sim(state: str, name: str = "1") -> SimRecord:
    return SimRecord(
        provider_id=ProviderId(name),
        iccid=Iccid("8990010000000000017"),
        subscription=SubscriptionStatus(state=SubscriptionState(state), provider_state=state, hold_reasons=frozenset()),
        session=SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=FRESH),
        freshness=FRESH,
    )


async def sent(before: SimRecord, answer: Reply | Denial, after: SimRecord | None) -> tuple[Any, int]:
    calls: list[int] = []

    async def send() -> Reply | Denial:
        calls.append(1)
        return answer

    return await put(before, WISH, send, lambda value, at: after, fresh=lambda: FRESH, again=AGAIN), len(calls)


OK = Reply(status=200, headers={}, value={})


async def test_what_stands_is_not_sent() -> None:
    assert await sent(sim("suspended"), OK, None) == (Done(observed=sim("suspended"), changed=False), 0)


async def test_only_a_reply_that_shows_the_wish_is_done() -> None:
    assert await sent(sim("active"), OK, sim("suspended")) == (Done(observed=sim("suspended")), 1)
    outcome, _ = await sent(sim("active"), OK, sim("active"))
    assert isinstance(outcome, Accepted)
    assert (outcome.check_after, read_reference(outcome.reference)) == (AGAIN, ("1", WISH))
    assert progress(WISH, sim("active"), again=AGAIN) == outcome


@pytest.mark.parametrize("after", [None, sim("suspended", "2")])
async def test_a_reply_about_something_else_settles_nothing(after: SimRecord | None) -> None:
    with pytest.raises(OutcomeUnknown, match="without that SIM"):
        await sent(sim("active"), OK, after)


async def test_a_refusal_is_passed_on() -> None:
    denial = Denial(reason=ReasonCode.FORBIDDEN, detail="no", raw=RawReply(status=403))
    outcome, _ = await sent(sim("active"), denial, None)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.FORBIDDEN


async def test_a_read_back_that_fails_leaves_it_unknown() -> None:
    async def gone(name: ProviderId) -> SimRecord:
        raise NotFound("not there")

    with pytest.raises(OutcomeUnknown, match="not there"):
        await read_back(ProviderId("1"), gone)


def test_a_line_is_ended_by_its_own_name_only() -> None:
    assert unconfirmed(sim("active"), Iccid("8990010000000000017")) is None
    refusal = unconfirmed(sim("active"), Iccid("8990010000000000025"))
    assert refusal is not None
    assert (refusal.reason, refusal.raw.status) == (ReasonCode.INVALID_REQUEST, 0)


async def test_an_inventory_dates_each_page_before_it_is_asked_for_and_names_what_is_no_sim() -> None:
    clock = [NOW]
    seen: list[tuple[object, object]] = []

    def fresh() -> Freshness:
        return Freshness(observed_at=clock[0], staleness=timedelta(0), source="x")

    async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
        clock[0] += timedelta(minutes=1)
        return (["a", 7], "next") if cursor is None else ([], None)

    def read(entry: object, at: Freshness) -> SimRecord | None:
        seen.append((entry, at.observed_at))
        return sim("active", entry) if isinstance(entry, str) else None

    walk: AsyncIterator[Any] = inventory("GET /x", turn, read, fresh=fresh, after=None)
    pages = [page async for page in walk]
    assert [([one.provider_id for one in page.sims], page.next, page.unreadable) for page in pages] == [
        (["a"], "next", ("7",)),
        ([], None, ()),
    ]
    assert seen == [("a", NOW), (7, NOW)]
    assert [page async for page in inventory("GET /x", turn, read, fresh=fresh, after=Cursor("next"))] == pages[1:]


def test_a_long_entry_is_shown_in_part_and_no_list_is_no_empty_page() -> None:
    page = sim_page(["x" * 5000], lambda entry: None, None)
    assert [len(one) for one in page.unreadable] == [200]
    for value in (None, {}, "text"):
        with pytest.raises(Unavailable, match="GET /x: the reply holds no list"):
            entries_of(value, "GET /x")


async def test_a_factory_opens_by_the_account_and_refuses_what_does_not_fit() -> None:
    async with httpx.AsyncClient() as http:

        def opened(url: str = "", **secrets: str) -> Any:
            config = AccountConfig(tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x", base_url=url)
            credential = Credential(fields={name: Secret(value) for name, value in secrets.items()})
            return FACTORY.open(config, credential, http, Levels(), now=lambda: NOW)

        one = opened(api_key="key-0123")
        assert (one.instance.name, one.instance.carrier, one.manifest) == ("x", "hologram", FACTORY.manifest)
        with pytest.raises(MissingCredential):
            opened()
        with pytest.raises(BadAddress):
            opened("http://carrier.example", api_key="key-0123")
