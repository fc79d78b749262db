"""Lists and searches of subscriptions, with the card and profile each is on.

Part of `store.fleet`, which see; they walk and stop as those of devices do (`store.devices`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.fleet import FoundSubscriptions, Place, SubscriptionFilter
from fairlead.model.device import CONNECTIVITY_WORDS, REMOTE_TECHNOLOGIES, SUBSCRIPTION_WORDS, Subscription
from fairlead.model.ids import SubscriptionId
from fairlead.store.baseline import USE_FROM, horizon, silence, told_one
from fairlead.store.database import Connection
from fairlead.store.devices import NIL, START, Probe
from fairlead.store.expression_sql import compile_expr
from fairlead.store.statements import load
from fairlead.store.walk import FIRST, Budget, Chunk, walk

SQL: Final = load("subscriptions")
_JUDGED: Final = (
    "account", "state", "plan", "connectivity", "form_factor", "technology", "remote", "multi_imsi", "country",
    "silence", "where", "departments",
)  # fmt: skip
_CARD: Final = frozenset({"form_factor", "technology", "remote", "multi_imsi"})
_PLACE: Final = frozenset({"country", "departments", "silence", "where"})
_USE: Final = frozenset({"silence"})
# Conditions with an index in the order of ids, and what the counts of the fleet call them.
_DRIVERS: Final = {"account": "sim.account", "state": "sim.state", "plan": "sim.plan"}
_PROBES: Final = (("profile", "iccid"), ("profile", "imsi"), ("profile", "msisdn"), ("card", "eid"))


def _fragment(name: str) -> sql.SQL:
    return sql.SQL(SQL[name])


def _asked(which: SubscriptionFilter) -> dict[str, Any]:
    found = {name: getattr(which, name) for name in _JUDGED}
    return {name: value for name, value in found.items() if value not in (None, frozenset())}


def _values(which: SubscriptionFilter) -> dict[str, Any]:
    values = _asked(which) | {"remote_technologies": list(REMOTE_TECHNOLOGIES)}
    if values.pop("where", None) is not None:
        assert which.now is not None  # noqa: S101 - whoever asks about facts says when
        values |= {"now": which.now}
    if which.silence is not None:
        assert which.now is not None  # noqa: S101 - whoever asks for silence says when
        values |= {"silent_days": which.silent_days, "use_from": which.now - USE_FROM}
    return values | ({"departments": sorted(which.departments)} if which.departments else {})


def _wanted(names: Sequence[str], which: SubscriptionFilter) -> sql.Composable:
    parts: list[sql.Composable] = []
    for name in names:
        holes: dict[str, sql.Composable] = {}
        if name == "silence":
            holes = {"silence": silence()}
        if name == "where" and which.where is not None:
            holes = {"where": compile_expr(which.where.expr, constants={"tenant": which.where.tenant})}
        parts.append(_fragment(f"is_{name}").format(**holes))
    return sql.SQL(" and ").join(parts) if parts else sql.SQL("true")


def _judging(names: Sequence[str]) -> sql.Composable:
    """What must be looked up beside a row to judge it."""
    place = "judging_facts" if "where" in names else "judging_place"
    looked = [name for name, needs in (("judging_card", _CARD), (place, _PLACE)) if needs & set(names)]
    parts: list[sql.Composable] = [_fragment(name) for name in looked]
    if _USE & set(names):
        parts.append(_fragment("judging_use").format(horizon=horizon(), told=told_one()))
    return sql.SQL(" ").join(parts)


def conditions(which: SubscriptionFilter) -> tuple[sql.Composable, sql.Composable, dict[str, Any]]:
    """A filter for a statement of another module: the condition, what must be looked up beside `s`, the values."""
    asked = _asked(which)
    device = sql.SQL("s.device = %(device)s") if which.device is not None else sql.SQL("true")
    wanted = sql.SQL("({} and {})").format(_wanted(list(asked), which), device)
    return wanted, _judging(list(asked)), _values(which) | {"device": which.device}


async def _driver(conn: Connection, which: SubscriptionFilter) -> str | None:
    """The condition that leaves the fewest, as last counted; None: no index serves any of them."""
    words = {
        "account": which.account_name, "plan": which.plan,
        "state": None if which.state is None else SUBSCRIPTION_WORDS[which.state].value,
    }  # fmt: skip
    asked = [name for name in _DRIVERS if name in _asked(which)]
    if len(asked) < 2:  # noqa: PLR2004 - nothing to choose between
        return next(iter(asked), None)
    values = {"dimensions": [_DRIVERS[name] for name in asked], "values": [words[name] or "" for name in asked]}
    counted: dict[str, int] = dict(await (await conn.execute(SQL["cheapest"], values)).fetchall())
    return min(asked, key=lambda name: counted.get(_DRIVERS[name], 0))


async def listed_subscriptions(
    conn: Connection, which: SubscriptionFilter, *, after: Place | None, limit: int, budget_s: float
) -> FoundSubscriptions:
    """A page in the order of ids."""
    if which.device is not None:
        return await _of_device(conn, which)
    drives = await _driver(conn, which)
    judged = [name for name in _asked(which) if name != drives]
    query = _fragment("walk").format(
        drive=_fragment(f"is_{drives}") if drives else sql.SQL("true"),
        wanted=_wanted(judged, which),
        judging=_judging(judged),
    )
    values = _values(which)

    async def step(place: Place, size: int, want: int) -> Chunk:
        row = await (await conn.execute(query, values | {"after": place.id, "chunk": size, "want": want})).fetchone()
        scanned, last, found = row or (0, None, [])
        return Chunk(
            scanned=scanned,
            last=None if last is None else Place(probe=0, value=None, id=last),
            found=[Place(probe=0, value=None, id=one) for one in found],
        )

    walked = await walk(step, after or START, limit=limit, budget=Budget(budget_s), filtered=bool(judged))
    found = await _by_ids(conn, [place.id for place in walked.found])
    return FoundSubscriptions(subscriptions=found, next=walked.next, complete=walked.complete)


async def _of_device(conn: Connection, which: SubscriptionFilter) -> FoundSubscriptions:
    assert which.device is not None  # noqa: S101 - asked by the caller
    found = await subscriptions_of(conn, which.device)
    wanted = _asked(which)
    kept = [one for one in found if all(_fits(one, which, name) for name in wanted)]
    return FoundSubscriptions(subscriptions=kept, next=None, complete=True)


def _fits(one: Subscription, which: SubscriptionFilter, name: str) -> bool:
    match name:
        case "account":
            return one.account == which.account_name
        case "state":
            return which.state is not None and one.state is SUBSCRIPTION_WORDS[which.state]
        case "connectivity":
            return which.connectivity is not None and one.connectivity is CONNECTIVITY_WORDS[which.connectivity]
        case "remote":
            return one.remotely_changeable is which.remote
        case "silence" | "where":
            raise ValueError("one device's subscriptions are not judged by their use or its facts")
        case "departments":
            return True  # the device is theirs, or the caller would not have found it
        case _:
            return getattr(one, name) == getattr(which, name)


async def searched_subscriptions(
    conn: Connection, query: str, which: SubscriptionFilter, *, after: Place | None, limit: int, budget_s: float
) -> FoundSubscriptions:
    """A page of a search: through the ranges of the names one by one, each subscription at its first."""
    budget, place = Budget(budget_s), after or Place(probe=0, value="", id=NIL)
    filtered = bool(_asked(which))
    found: dict[UUID, None] = {}
    complete, following = True, None
    while place.probe < len(_PROBES) and following is None:
        budget.start()
        size = FIRST if filtered else limit + 1 - len(found)
        rows = await _probe(conn, query, place, which, size)
        for value, ident, subscription, fits in rows:
            here = Place(probe=place.probe, value=value, id=ident)
            if len(found) >= limit and here != place:  # the profiles of one card stay together
                following = place
                break
            place = here
            if fits:
                found.setdefault(subscription)
        else:
            if len({ident for _, ident, _, _ in rows}) < size:
                place = Place(probe=place.probe + 1, value="", id=NIL)
            if place.probe < len(_PROBES) and not budget.allows(1):
                complete, following = False, place
    return FoundSubscriptions(subscriptions=await _by_ids(conn, list(found)), next=following, complete=complete)


async def _probe(
    conn: Connection, low: str, place: Place, which: SubscriptionFilter, size: int
) -> list[tuple[str, UUID, UUID, bool]]:
    table, column = _PROBES[place.probe]
    high = Probe(table=table, column=column, low=low).high
    known = [
        sql.SQL("coalesce({0} >= {1} and {0} < {2}, false)").format(
            sql.Identifier("p", earlier), sql.Literal(low), sql.Literal(high)
        )
        for _, earlier in _PROBES[: place.probe]
    ]
    names = list(_asked(which))
    query = _fragment(f"probe_{table}").format(
        column=sql.Identifier(table[0], column), wanted=_wanted(names, which), judging=_judging(names),
        known=sql.SQL(" or ").join(known) if known else sql.SQL("false"),
    )  # fmt: skip
    values = _values(which) | {"low": low, "high": high, "value": place.value or "", "after": place.id, "chunk": size}
    return cast("list[tuple[str, UUID, UUID, bool]]", await (await conn.execute(query, values)).fetchall())


async def one_subscription(conn: Connection, ref: SubscriptionId | str) -> Subscription | None:
    """One subscription by id or ICCID."""
    by = "iccid" if isinstance(ref, str) else "id"
    return next(iter(await _rows(conn, "one", {by: ref}, which=_fragment(f"by_{by}"))), None)


async def subscriptions_of(conn: Connection, device: UUID) -> list[Subscription]:
    """Those of one device, by ICCID."""
    return await _rows(conn, "of_device", {"device": device})


async def _by_ids(conn: Connection, ids: Sequence[UUID]) -> list[Subscription]:
    return await _rows(conn, "by_ids", {"ids": list(ids)}) if ids else []


async def _rows(conn: Connection, name: str, values: Mapping[str, Any], **holes: sql.Composable) -> list[Subscription]:
    query = _fragment(name).format(columns=_fragment("columns"), beside=_fragment("beside"), **holes)
    return [_subscription(row) for row in await (await conn.execute(query, values)).fetchall()]


def _subscription(row: Sequence[Any]) -> Subscription:
    return Subscription(
        id=SubscriptionId(row[0]), iccid=row[1], account=row[2], device=row[3], plan=row[4],
        state=SUBSCRIPTION_WORDS[row[5]], provider_id=row[6], provider_state=row[7], hold_reasons=tuple(row[8]),
        auto_revert_at=row[9], observed_at=row[10], connectivity=CONNECTIVITY_WORDS[row[11]], connectivity_at=row[12],
        imsi=row[13], msisdn=row[14], home_country=row[15], enabled=row[16], eid=row[17], form_factor=row[18],
        technology=row[19], multi_imsi=row[20], country=row[21],
    )  # fmt: skip
