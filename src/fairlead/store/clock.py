"""The roaming clock of a fleet: the readings of `insight.roaming`, one statement a rule.

Called hourly for all of a tenant's devices, and after a border crossing for the few that moved.
The statement of a rule is put together from the blocks of `sql/clock.sql` (its scope, one block a
counter, how they trip), so that no rule pays for a grammar it does not use. Readings go to `clock`;
the earliest binding breach, and what the present country's law says, to the device's facts.

A property test holds these readings equal to those of `insight.roaming`, device by device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from fairlead.model.rules import (
    CALENDAR_YEAR,
    IMEI_TOPIC,
    ROAMING_TOPICS,
    WINDOW,
    ConsecutiveDays,
    Counter,
    DaysInWindow,
    DaysInYear,
    Event,
    LeavesCountry,
    MonthsInWindow,
    Rule,
    Sim,
    SinceEvent,
    Subject,
    binds,
    law,
)
from fairlead.store import statements

_BLOCKS = statements.load("clock")
_HORIZON_DAYS = 4000
_YEAR_DAYS = 365
_NO_FLOOR = date(1, 1, 1)

Connection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One computation: whose clocks, as of when."""

    tenant: UUID
    now: datetime
    devices: list[UUID] | None  # None: all
    reach: list[UUID] = field(default_factory=list[UUID])  # with those that shared a SIM, card or IMEI

    def parameters(self, **more: object) -> dict[str, object]:
        """The parameters that every statement takes."""
        return {"tenant": self.tenant, "now": self.now, "devices": self.devices, "reach": self.reach, **more}

    @property
    def given(self) -> sql.Composed:
        """The condition on a column `device` that keeps the devices of this pass."""
        return _block("all_devices" if self.devices is None else "given_devices")


async def compute(
    conn: Connection, tenant: UUID, rules: Sequence[Rule], now: datetime, devices: Sequence[UUID] | None
) -> int:
    """Renew the clocks and law facts of the given devices (None: all) of one tenant; answers the readings written.

    `conn` is in a transaction of that tenant, or opens one; one that holds facts or clocks already may
    deadlock with another, because one reading of a tenant waits for the one before it. Devices whose
    breach came, went or moved are marked, so that resolution looks at them. Rules that are not in
    force, and those that bind only fleets that declare something, are not counted.
    """
    async with conn.transaction():
        await conn.execute(_block("one_at_a_time"), {"tenant": tenant})
        turn = Pass(tenant=tenant, now=now, devices=None if devices is None else sorted(set(devices)))
        today = now.astimezone(UTC).date()
        current = [r for r in rules if r.in_force(today)]
        await _locate(conn, turn)
        if turn.devices is not None:
            turn = replace(turn, reach=await _reach(conn, turn, current))
        rows = await (await conn.execute(_block("countries", devices=turn.given), turn.parameters())).fetchall()
        countries = {row[0] for row in rows}
        written = 0
        await conn.execute(_block("no_nested_loops"))
        for rule in current:
            if rule.counts and rule.scope.declared is None and rule.countries & countries:
                query, parameters = rule_statement(rule, turn)
                written += max(0, (await conn.execute(query, parameters)).rowcount)
        await conn.execute(_block("forget", devices=turn.given), turn.parameters())
        await conn.execute(_block("facts", devices=turn.given), turn.parameters(**_laws(current, today)))
        await conn.execute(_block("nested_loops"))
    return written


async def _locate(conn: Connection, turn: Pass) -> None:
    await conn.execute(_block("now_table"))
    await conn.execute(_block("now_clear"))
    await conn.execute(_block("now_fill", devices=turn.given), turn.parameters())
    await conn.execute(_block("now_analyze"))


async def _reach(conn: Connection, turn: Pass, rules: Sequence[Rule]) -> list[UUID]:
    """The devices whose presence a reading may need: days are the subject's, whichever device it was in."""
    row = await (await conn.execute(_block("subjects", devices=turn.given), turn.parameters())).fetchone()
    used: dict[str, object] = dict(zip(("imsi", "iccid", "imei", "eid"), row or (), strict=False))
    counted = sorted({str(r.subject) for r in rules if r.counts} & used.keys())
    sharers = [_block("given_devices")]
    sharers += [_block("reach_by", column=sql.Identifier(c), values=sql.Placeholder(c)) for c in counted]
    parameters = turn.parameters(**{c: used[c] for c in counted})
    rows = await (await conn.execute(_block("reach", sharers=_joined(" or ", sharers)), parameters)).fetchall()
    return [row[0] for row in rows]


def _laws(rules: Sequence[Rule], today: date) -> Mapping[str, object]:
    countries = sorted({c for r in rules for c in r.countries})
    said = [law(country, rules, today) for country in countries]
    return {
        "countries": countries,
        "stances": [str(one.stance) for one in said],
        "confidences": [str(one.confidence) for one in said],
        "binding": [r.id for r in rules if r.topic in ROAMING_TOPICS and binds(r)],
        "imei": [r.id for r in rules if r.topic == IMEI_TOPIC and binds(r)],
    }


def rule_statement(rule: Rule, turn: Pass) -> tuple[sql.Composed, dict[str, object]]:
    """The statement that writes one rule's readings, and its parameters."""
    whole = turn.devices is None or rule.population is not None or rule.subject in {Subject.ACCOUNT, Subject.APN}
    today = turn.now.astimezone(ZoneInfo(rule.zone)).date()
    counters = rule.counts
    names = [sql.Identifier(f"counter_{i}") for i in range(len(counters))]
    counted = (
        _block("counted_since_absence", days=rule.reset.days)
        if isinstance(rule.reset, LeavesCountry)
        else _block("counted_all")
    )
    parts = [
        _block(
            "base",
            key=_key(rule),
            reach=_block("all_devices" if whole else "reached_devices"),
            scope=_scope(rule, "p"),
            devices=turn.given,
            horizon=_HORIZON_DAYS,
            counted=counted,
        ),
        *(_counter(c, rule, today, name=n, ord=i) for i, (c, n) in enumerate(zip(counters, names, strict=True))),
        _block(
            "trip_any" if rule.trip == "any" else "trip_all",
            counters=_joined(" union all ", [_block("counter_row", name=n) for n in names]),
        ),
        _population(rule, today),
        _block("write", scope=_scope(rule, "n")),
    ]
    # The last block holds one more expression and the insert, which no comma parts.
    return _joined(",\n", parts), turn.parameters(
        zone=rule.zone,
        today=today,
        rule=rule.id,
        topic=rule.topic,
        countries=sorted(rule.countries),
        homes=sorted(rule.scope.home_countries),
        plmns=sorted(rule.scope.plmns),
    )


def _counter(counter: Counter, rule: Rule, today: date, *, name: sql.Identifier, ord: int) -> sql.Composed:  # noqa: A002 - the column's name
    match counter:
        case ConsecutiveDays():
            fresh = date(today.year, 1, 1) if rule.reset == CALENDAR_YEAR else _NO_FLOOR
            return _block(
                "consecutive", name=name, ord=ord, trip=counter.trip, max_gap=counter.max_gap, fresh_from=fresh
            )
        case DaysInWindow():
            floor = today - timedelta(days=counter.window - 1)
            return _rolling("rolling", counter, rule, floor, name=name, ord=ord)
        case MonthsInWindow():
            months = today.year * 12 + today.month - counter.window
            return _rolling("months", counter, rule, date(months // 12, months % 12 + 1, 1), name=name, ord=ord)
        case DaysInYear():
            first, last = date(today.year, 1, 1), date(today.year, 12, 31)
            following = last + timedelta(days=counter.trip) if counter.trip <= _YEAR_DAYS else None
            return _block("in_year", name=name, ord=ord, trip=counter.trip, first=first, last=last, next_trip=following)
        case SinceEvent():
            which = "since_arrival" if counter.event is Event.ARRIVAL else "since_first"
            return _block(which, name=name, ord=ord, trip=counter.trip)
        case _:
            assert_never(counter)


def _rolling(
    block: str,
    counter: DaysInWindow | MonthsInWindow,
    rule: Rule,
    floor: date,
    *,
    name: sql.Identifier,
    ord: int,  # noqa: A002 - the column's name
) -> sql.Composed:
    return _block(
        block,
        name=name,
        ord=ord,
        trip=counter.trip,
        slack=counter.window - counter.trip,
        floor=floor,
        pick=_block("pick_standing", trip=counter.trip) if rule.reset == WINDOW else _block("pick_first"),
    )


def _key(rule: Rule) -> sql.Composed:
    if rule.subject is Subject.DEVICE:
        key = _block("key_of_device")
    else:
        key = _block("key_of_column", column=sql.Identifier(rule.subject))
    return _block("key_per_network", key=key) if rule.scope.sim is Sim.NATIONAL else key


def _scope(rule: Rule, alias: str) -> sql.Composed:
    names = ["in_countries", f"sim_{rule.scope.sim}"]
    names += ["only_esim"] * rule.scope.esim
    names += ["only_homes"] * bool(rule.scope.home_countries)
    names += ["only_plmns"] * bool(rule.scope.plmns)
    return _joined(" and ", [_block(name, at=sql.Identifier(alias)) for name in names])


def _population(rule: Rule, today: date) -> sql.Composed:
    if rule.population is None:
        return _block("many_all")
    counted = _joined(", ", [_block(f"many_{of}") for of in rule.population.of])
    return _block(
        "many",
        seen_from=today - timedelta(days=_YEAR_DAYS),
        counted=counted,
        more_than=rule.population.more_than,
    )


def _block(block: str, /, **holes: sql.Composable | date | int | None) -> sql.Composed:
    filled = {k: v if isinstance(v, sql.Composable) else sql.Literal(v) for k, v in holes.items()}
    return sql.SQL(_BLOCKS[block]).format(**filled)


def _joined(between: LiteralString, parts: Sequence[sql.Composed]) -> sql.Composed:
    return sql.SQL(between).join(parts)
