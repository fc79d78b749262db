"""Lists and searches of devices: which index drives, which conditions are judged on the chunk.

Part of `store.fleet`, which see. Each list is ordered by id, except one that only asks for devices
near a breach: there the soonest comes first, because that is the question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, cast
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.fleet import DeviceFilter, Found, Place
from fairlead.model.device import Device, Facts
from fairlead.model.identifiers import read_address
from fairlead.model.ids import DeviceId
from fairlead.model.lifecycle import DeviceState, name
from fairlead.store.database import Connection
from fairlead.store.statements import load
from fairlead.store.walk import FIRST, Budget, Chunk, Walked, walk

SQL: Final = load("fleet")
NIL: Final = UUID(int=0)
START: Final = Place(probe=0, value=None, id=NIL)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Conditions with an index that is ordered by device within one value, and the table it lies on.
DRIVERS: Final[Mapping[str, str]] = {
    "country": "fact", "carrier": "fact", "batch": "device", "group": "device", "sku": "device", "region": "device",
    "state": "device",
}  # fmt: skip
_JUDGED: Final = (
    "country", "carrier", "sku", "group", "region", "batch", "state", "stance", "connectivity", "roaming",
    "breach_before",
)  # fmt: skip

_DEVICE_COLUMNS: Final = ("name", "serial", "imei", "eid", "mac")
_PROFILE_COLUMNS: Final = ("iccid", "imsi")
_DIGIT_COLUMNS: Final = frozenset({"imei", "eid", "iccid", "imsi"})


def fragment(name: str) -> sql.SQL:
    """A piece of our own SQL text."""
    return sql.SQL(SQL[name])


def text(name: str) -> LiteralString:
    """A whole statement of our own SQL text."""
    return SQL[name]


def conditions(which: DeviceFilter) -> dict[str, Any]:
    """The conditions asked for, with their values."""
    asked = {name: getattr(which, name) for name in _JUDGED}
    return {name: value for name, value in asked.items() if value is not None}


def parameters(which: DeviceFilter) -> dict[str, Any]:
    """The values of all statements about these conditions."""
    values: dict[str, Any] = conditions(which)
    if which.state is not None:
        values |= {"state": int(which.state), "state_word": name(which.state)}
    if which.departments:
        values["departments"] = sorted(which.departments)
    return values


def wanted(which: DeviceFilter, *, but: str | None = None) -> sql.Composable:
    """The conditions to judge on a row of `fact`, without the one that drives."""
    names = [name for name in conditions(which) if name != but]
    if which.departments:
        names.append("departments")
    return sql.SQL(" and ").join([fragment(f"is_{name}") for name in names]) if names else sql.SQL("true")


async def driver(conn: Connection, which: DeviceFilter) -> str | None:
    """The condition that leaves the fewest devices, as last counted; None: no index serves any of them."""
    asked = {name: str(value) for name, value in conditions(which).items() if name in DRIVERS}
    if which.state is not None:
        asked["state"] = name(which.state)
    if len(asked) < 2:  # noqa: PLR2004 - nothing to choose between
        return next(iter(asked), None)
    values = {"dimensions": list(asked), "values": list(asked.values())}
    rows = await (await conn.execute(text("cheapest"), values)).fetchall()
    counted: dict[str, int] = dict(rows)
    return min(asked, key=lambda name: counted.get(name, 0))  # a value that was never counted is rare


async def listed(conn: Connection, which: DeviceFilter, *, after: Place | None, limit: int, budget_s: float) -> Walked:
    """A page of a plain list."""
    asked = conditions(which)
    drives = await driver(conn, which)
    if drives is None and which.breach_before is not None:
        return await _by_breach(conn, which, after=after, limit=limit, budget_s=budget_s)
    table = DRIVERS.get(drives or "", "fact")
    filtered = bool(asked.keys() - {drives} or which.departments)
    query = fragment(f"walk_{table}").format(wanted=wanted(which, but=drives), drive=drive(table, drives))
    values = parameters(which)

    async def step(place: Place, size: int, want: int) -> Chunk:
        row = await (await conn.execute(query, values | {"after": place.id, "chunk": size, "want": want})).fetchone()
        scanned, last, found = row or (0, None, [])
        return Chunk(
            scanned=scanned,
            last=None if last is None else Place(probe=0, value=None, id=last),
            found=[Place(probe=0, value=None, id=one) for one in found],
        )

    return await walk(step, after or START, limit=limit, budget=Budget(budget_s), filtered=filtered)


def drive(table: str, drives: str | None) -> sql.Composable:
    """The condition that drives a walk of a table."""
    if drives is None:
        return sql.SQL("true")
    return fragment(f"is_{drives}" if table == "fact" else f"drive_{drives}")


async def _by_breach(conn: Connection, which: DeviceFilter, after: Place | None, limit: int, budget_s: float) -> Walked:
    query = fragment("walk_breach").format(wanted=wanted(which, but="breach_before"))
    values = parameters(which)
    filtered = bool(conditions(which).keys() - {"breach_before"} or which.departments)

    async def step(place: Place, size: int, want: int) -> Chunk:
        at = datetime.fromisoformat(place.value) if place.value else LONG_AGO
        asked = values | {"after_at": at, "after": place.id, "chunk": size, "want": want}
        row = await (await conn.execute(query, asked)).fetchone()
        scanned, ending, last, moments, ids = row or (0, None, None, [], [])
        return Chunk(
            scanned=scanned,
            last=None if ending is None or last is None else Place(probe=0, value=ending.isoformat(), id=last),
            found=[Place(probe=0, value=at.isoformat(), id=one) for at, one in zip(moments, ids, strict=True)],
        )

    return await walk(step, after or START, limit=limit, budget=Budget(budget_s), filtered=filtered)


# --- search ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One range of one name's index."""

    table: str  # device, profile or session
    column: str
    low: str  # of an address: all of it

    @property
    def high(self) -> str:
        """The first text behind every text that begins with `low`."""
        return self.low[:-1] + chr(ord(self.low[-1]) + 1)


def probes(query: str) -> list[Probe]:
    """The ranges where a device whose name begins with `query` may lie, in the order of a page."""
    digits = query.isdigit()
    spellings = dict.fromkeys((query, query.upper(), query.lower()))
    address = read_address(query)
    found = [Probe(table="session", column="ip", low=address)] if address else []
    found += [
        Probe(table="device", column=column, low=spelling)
        for column in _DEVICE_COLUMNS
        if digits or column not in _DIGIT_COLUMNS
        for spelling in spellings
    ]
    return found + [Probe(table="profile", column=column, low=query) for column in _PROFILE_COLUMNS if digits]


async def searched(
    conn: Connection, query: str, which: DeviceFilter, *, after: Place | None, limit: int, budget_s: float
) -> Walked:
    """A page of a search: through the ranges one by one, each device at its first."""
    ranges = probes(query)
    budget = Budget(budget_s)
    place = after or Place(probe=0, value="", id=NIL)
    found: dict[UUID, Place] = {}
    filtered = bool(conditions(which) or which.departments)
    while place.probe < len(ranges):
        budget.start()
        size = FIRST if filtered else limit + 1 - len(found)
        rows = await _probe(conn, ranges, place, which, size)
        for value, device, fits in rows:
            place = Place(probe=place.probe, value=value, id=device)
            if fits and device not in found:
                if len(found) == limit:
                    return Walked(found=list(found.values()), next=list(found.values())[-1], complete=True)
                found[device] = place
        if len(rows) < size:
            place = Place(probe=place.probe + 1, value="", id=NIL)
        if place.probe < len(ranges) and not budget.allows(1):
            return Walked(found=list(found.values()), next=place, complete=False)
    return Walked(found=list(found.values()), next=None, complete=True)


async def _probe(
    conn: Connection, ranges: Sequence[Probe], place: Place, which: DeviceFilter, size: int
) -> list[tuple[str, UUID, bool]]:
    probe = ranges[place.probe]
    alias = "d" if probe.table == "device" else "p"
    query = fragment(f"probe_{probe.table}").format(
        column=sql.Identifier(alias, probe.column), wanted=wanted(which), known=_known(ranges[: place.probe])
    )
    values = parameters(which) | {
        "low": probe.low, "high": probe.high, "value": place.value or "", "after": place.id, "chunk": size,
    }  # fmt: skip
    return cast("list[tuple[str, UUID, bool]]", await (await conn.execute(query, values)).fetchall())


def _known(earlier: Sequence[Probe]) -> sql.Composable:
    ranges = [
        sql.SQL("coalesce({column} >= {low} and {column} < {high}, false)").format(
            column=sql.Identifier("d", probe.column), low=sql.Literal(probe.low), high=sql.Literal(probe.high)
        )
        for probe in earlier
        if probe.table == "device"
    ]
    return sql.SQL(" or ").join(ranges) if ranges else sql.SQL("false")


# --- rows --------------------------------------------------------------------------------------


async def devices(conn: Connection, ids: Sequence[UUID]) -> list[Device]:
    """Devices with their facts, in the order of `ids`."""
    rows = await (await conn.execute(text("devices"), {"ids": list(ids)})).fetchall()
    return [_device(row) for row in rows]


async def page(conn: Connection, walked: Walked) -> Found:
    """The devices of a page."""
    found = await devices(conn, [place.id for place in walked.found]) if walked.found else []
    return Found(devices=found, next=walked.next, complete=walked.complete)


def _device(row: tuple[Any, ...]) -> Device:
    (ident, name, serial, imei, eid, mac, fingerprint, sku, region, group, batch, tags, state, has_secret,
     created_at, updated_at, version, *seen) = row  # fmt: skip
    (home_country, country, plmn, rat, cell, roaming, carrier, iccid, fact_imei, connectivity, law_stance,
     law_confidence, subscription_state, plan, usage_24h_bytes, usage_month_bytes, usage_at, usage_lag_s,
     silent_days, success_rate_1h, outage, outage_over_at, firmware, config_hash, days_used, breach_at,
     imei_breach_at, cert_not_after, last_contact_at, place_at, place_source) = seen  # fmt: skip
    facts = Facts(
        home_country=home_country, country=country, plmn=plmn, rat=rat, cell=cell, roaming=roaming, carrier=carrier,
        iccid=iccid, imei=fact_imei, connectivity=connectivity, law_stance=law_stance, law_confidence=law_confidence,
        subscription_state=subscription_state, plan=plan, usage_24h_bytes=usage_24h_bytes,
        usage_month_bytes=usage_month_bytes, usage_at=usage_at, usage_lag_s=usage_lag_s,
        silent_days=silent_days, success_rate_1h=success_rate_1h, outage=outage, outage_over_at=outage_over_at,
        firmware=firmware, config_hash=config_hash, days_used=days_used, breach_at=breach_at,
        imei_breach_at=imei_breach_at, cert_not_after=cert_not_after, last_contact_at=last_contact_at,
        place_at=place_at, place_source=place_source,
    )  # fmt: skip
    return Device(
        id=DeviceId(ident), name=name, serial=serial, imei=imei, eid=eid, mac=mac, fingerprint=fingerprint, sku=sku,
        region=region, group=group, batch=batch, tags=tuple(tags), state=DeviceState(state), has_secret=has_secret,
        created_at=created_at, updated_at=updated_at, version=version, facts=facts,
    )  # fmt: skip
