"""Outages and availability: counts by stratum and bucket. Implements `engine.ports.outages`.

A bucket is a handful of statements over a temporary table, however large the fleet; the arithmetic of
outages is in `insight.outage`, and none of it here.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fairlead.engine.ports.outages import (
    HEARD_EVERY,
    TARGET_PPM,
    Dimension,
    Health,
    Kept,
    Objective,
    Reached,
    Span,
    Told,
)
from fairlead.insight.outage import REMEMBERED, Past, Sample, Standing, Stratum, StratumKind
from fairlead.model.ids import TenantId
from fairlead.store.database import Connection, Database
from fairlead.store.statements import load

_SQL: Final = load("outages")
_KINDS: Final[dict[int, StratumKind]] = {1: "core", 2: "account", 3: "family"}
_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}
_DIMENSIONS: Final[dict[Dimension, int]] = {"core": 1, "carrier": 2, "group": 4, "country": 5, "all": 6}

_FRESH: Final = timedelta(minutes=30)  # a carrier that was not read for so long says nothing of silence
_FORGOTTEN: Final = timedelta(days=30)  # silent for longer: lost, not away
_FROZEN: Final = timedelta(days=7)  # after an outage, until who went elsewhere counts as moved
_SETTLES: Final = timedelta(hours=6)  # on another network, until that is the device's own
_LATE: Final = timedelta(hours=1)  # on another network, until that is no news
_PROBING: Final = timedelta(hours=4)
_STEPS: Final = ("no_nested_loops", "busy", "footed", "analyze_footed", "stand", "settle", "stray")


class OutageStore:
    """Outages of every tenant."""

    def __init__(self, database: Database | None = None) -> None:
        self._database = database  # what doors read with; the loop hands its transactions in

    async def alone(self, tx: Connection, tenant: TenantId) -> None:
        """Until the transaction ends."""
        await tx.execute(_SQL["one_at_a_time"], {"tenant": tenant})

    async def measured(self, tx: Connection, tenant: TenantId) -> datetime | None:
        """The newest bucket."""
        row = await (await tx.execute(_SQL["measured"], {"tenant": tenant})).fetchone()
        return row[0] if row else None

    async def measure(self, tx: Connection, tenant: TenantId, now: datetime, at: datetime) -> dict[Stratum, Sample]:
        """See the port; leaves `footed` for what follows in the transaction."""
        values = {
            "tenant": tenant, "now": now, "at": at, "heard_every_s": HEARD_EVERY.total_seconds(), "fresh": _FRESH,
            "forgotten": _FORGOTTEN, "frozen": _FROZEN, "settles": _SETTLES, "late": _LATE,
        }  # fmt: skip
        for step in _STEPS:
            await tx.execute(_SQL[step], values, prepare=False)
        rows = await (await tx.execute(_SQL["count"], values, prepare=False)).fetchall()
        await tx.execute(_SQL["nested_loops"])
        return {
            _stratum(kind, name): Sample(at=at, expected=expected, missing=missing, strayed=strayed)
            for kind, name, expected, missing, strayed in rows
            if kind in _KINDS
        }

    async def below(self, tx: Connection, tenant: TenantId, at: datetime) -> Mapping[Stratum, Collection[Stratum]]:
        """See the port."""
        rows = await (await tx.execute(_SQL["below"], {"tenant": tenant, "at": at})).fetchall()
        found: dict[Stratum, set[Stratum]] = {}
        for kind, name, part_kind, part in rows:
            found.setdefault(_stratum(kind, name), set()).add(_stratum(part_kind, part))
        return found

    async def past(self, tx: Connection, tenant: TenantId, at: datetime) -> Mapping[Stratum, Past]:
        """See the port."""
        values = {"tenant": tenant, "at": at, "from": at - REMEMBERED, "hour": at.astimezone(UTC).hour}
        rows = await (await tx.execute(_SQL["past"], values)).fetchall()
        since = {
            _stratum(kind, name): first
            for kind, name, first in await (await tx.execute(_SQL["since"], values)).fetchall()
        }
        hour: dict[Stratum, list[Sample]] = {one: [] for one in since}
        recent: dict[Stratum, list[Sample]] = {one: [] for one in since}
        for kind, name, began, expected, missing, strayed, of_late, of_hour in rows:
            sample = Sample(at=began.astimezone(UTC), expected=expected, missing=missing, strayed=strayed)
            if of_hour:
                hour[_stratum(kind, name)].append(sample)
            if of_late:
                recent[_stratum(kind, name)].append(sample)
        return {one: Past(hour=hour[one], recent=recent[one], since=first) for one, first in since.items()}

    async def standings(self, tx: Connection, tenant: TenantId) -> dict[Stratum, Kept]:
        """See the port."""
        rows = await (await tx.execute(_SQL["standings"], {"tenant": tenant})).fetchall()
        return {_stratum(kind, name): _kept(*rest) for kind, name, *rest in rows}

    async def keep(self, tx: Connection, tenant: TenantId, kept: Mapping[Stratum, Kept]) -> None:
        """See the port."""
        await tx.execute(_SQL["forget_standings"], {"tenant": tenant})
        if not kept:
            return
        rows = [(_NUMBERS[one.kind], one.name, two.standing, two) for one, two in kept.items()]
        await tx.execute(
            _SQL["keep_standings"],
            {
                "tenant": tenant, "kind": [r[0] for r in rows], "name": [r[1] for r in rows],
                "bad": [r[2].bad for r in rows], "good": [r[2].good for r in rows], "since": [r[2].since for r in rows],
                "out": [r[2].out for r in rows], "blamed": [r[3].blamed for r in rows],
                "usual": [r[3].usual_rate for r in rows], "opens": [r[3].opens_at for r in rows],
            },
        )  # fmt: skip
        out = [r for r in rows if r[2].out]
        values: dict[str, Any] = {
            "tenant": tenant, "kind": [r[0] for r in out], "name": [r[1] for r in out],
            "from": [r[2].since for r in out],
        }  # fmt: skip
        await tx.execute(_SQL["mark_out"], values)

    async def probe(self, tx: Connection, tenant: TenantId, account: str, limit: int, now: datetime) -> int:
        """See the port; after `measure`."""
        values = {"tenant": tenant, "account": account, "limit": limit, "now": now, "probing": _PROBING}
        return (await tx.execute(_SQL["probe"], values, prepare=False)).rowcount

    async def tell(self, tx: Connection, tenant: TenantId, blamed: Collection[Stratum], now: datetime) -> Told:
        """See the port."""
        values = {
            "tenant": tenant, "now": now, "probing": _PROBING,
            "accounts": [one.name for one in blamed if one.kind == "account"],
            "cores": [one.name for one in blamed if one.kind == "core"],
            "families": [one.name for one in blamed if one.kind == "family"],
        }  # fmt: skip
        row = await (await tx.execute(_SQL["facts"], values)).fetchone()
        return Told(out=row[0], over=row[1]) if row else Told(out=0, over=0)

    async def sum_up(self, tx: Connection, tenant: TenantId, *, hours: datetime, forget: datetime) -> None:
        """See the port."""
        await tx.execute(_SQL["forget"], {"tenant": tenant, "before": forget})
        await tx.execute(_SQL["sum_up"], {"tenant": tenant, "before": hours})

    # --- what doors read ------------------------------------------------------------------------------

    async def health(self, tenant: TenantId, after: Stratum | None, limit: int) -> Sequence[Health]:
        """See the port."""
        values = {
            "tenant": tenant, "limit": limit, "after_kind": _NUMBERS[after.kind] if after else 0,
            "after_name": after.name if after else "",
        }  # fmt: skip
        return [
            Health(
                stratum=_stratum(kind, name),
                sample=Sample(at=at, expected=expected, missing=missing, strayed=strayed),
                away=away,
                kept=_kept(*rest),
            )
            for kind, name, at, expected, missing, strayed, away, *rest in await self._read(tenant, "health", values)
        ]

    async def span(self, tenant: TenantId, since: datetime, until: datetime) -> Span:
        """See the port."""
        rows = await self._read(tenant, "span", {"tenant": tenant, "since": since, "until": until})
        return Span(first=rows[0][0], last=rows[0][1], buckets=int(rows[0][2]))

    async def reached(
        self, tenant: TenantId, by: Dimension, since: datetime, until: datetime, after: str | None, limit: int
    ) -> Sequence[Reached]:
        """See the port."""
        values = {
            "tenant": tenant, "kind": _DIMENSIONS[by], "since": since, "until": until, "after": after, "limit": limit,
            "target_ppm": TARGET_PPM, "heard_every_s": int(HEARD_EVERY.total_seconds()),
        }  # fmt: skip
        return [
            Reached(name=r[0], expected=r[1], missing=r[2], elsewhere=r[3], target_ppm=r[4], heard_every_s=r[5])
            for r in await self._read(tenant, "reached", values)
        ]

    async def objectives(self, tenant: TenantId, after: str | None, limit: int) -> Sequence[Objective]:
        """See the port."""
        values = {"tenant": tenant, "after": after, "limit": limit}
        return [_objective(row) for row in await self._read(tenant, "objectives", values)]

    async def objective(self, tx: Connection, tenant: TenantId, group: str) -> Objective | None:
        """See the port."""
        row = await (await tx.execute(_SQL["objective"], {"tenant": tenant, "group": group})).fetchone()
        return _objective(row) if row else None

    async def put_objective(self, tx: Connection, tenant: TenantId, objective: Objective) -> bool:
        """See the port."""
        values = {
            "tenant": tenant, "group": objective.group, "target_ppm": objective.target_ppm,
            "heard_every_s": objective.heard_every_s, "now": objective.updated_at, "by": objective.updated_by,
            "version": objective.version,
        }  # fmt: skip
        statement = _SQL["next_objective"] if objective.version else _SQL["first_objective"]
        return (await tx.execute(statement, values)).rowcount == 1

    async def drop_objective(self, tx: Connection, tenant: TenantId, group: str, version: int) -> bool:
        """See the port."""
        values = {"tenant": tenant, "group": group, "version": version}
        return (await tx.execute(_SQL["drop_objective"], values)).rowcount == 1

    async def _read(self, tenant: TenantId, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if self._database is None:
            raise RuntimeError("this store was made for the loop: it has no database to read from")
        async with self._database.tenant(tenant) as tx:
            return await (await tx.execute(_SQL[statement], values)).fetchall()


def _objective(row: tuple[Any, ...]) -> Objective:
    return Objective(
        group=row[0], target_ppm=row[1], heard_every_s=row[2], updated_at=row[3], updated_by=row[4], version=row[5]
    )


def _stratum(kind: int, name: str) -> Stratum:
    return Stratum(kind=_KINDS.get(kind, "account"), name=name)


def _kept(*row: Any) -> Kept:
    bad, good, since, out, blamed, usual, opens = row
    standing = Standing(bad=bad, good=good, since=since, out=out)
    return Kept(standing=standing, blamed=blamed, usual_rate=usual, opens_at=opens)
