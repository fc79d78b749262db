"""Plans: situations counted over the fleet, impact, cost, drift."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from fairlead.engine.ports.planning import Drift, Grouped, GroupedSim, Pair, PlanRow, Selected, SituationRow, Target
from fairlead.model.document import canonical
from fairlead.model.expression import Expr
from fairlead.store.database import Connection, alone, fleet_wide
from fairlead.store.expression_sql import compile_expr
from fairlead.store.resolving import Resolving
from fairlead.store.statements import load

SQL: Final = load("planning")


class PlanStore:
    """Implements `engine.ports.planning.PlanRows`."""

    def resolving(self, tx: Connection) -> Resolving:
        """Resolution within this transaction."""
        return Resolving(tx)

    async def merge_transitions(self, tx: Connection, now: datetime) -> list[Pair] | None:
        """From where facets are to where devices stand, with how many are free; None: resolution changed no class."""
        if await (await tx.execute(SQL["any_transition"], {"now": now})).fetchone() is None:
            return None
        await tx.execute("drop table if exists merged")
        await tx.execute(SQL["merge_transitions"], {"now": now})
        rows = await (await tx.execute(SQL["merged_pairs"])).fetchall()
        return [Pair(from_class=r[0], to_class=r[1], devices=r[2]) for r in rows]

    async def opening_merged(self, tx: Connection, pairs: Sequence[tuple[int, int]]) -> int:
        """The free devices of merged transitions."""
        return await self._opening(tx, "make_opening_merged", _pairs(pairs))

    async def deal_with(self, tx: Connection, pairs: Sequence[tuple[int, int]]) -> None:
        """Their free devices are dealt with."""
        await tx.execute(SQL["deal_with"], _pairs(pairs))

    async def leave_transitions(self, tx: Connection) -> None:
        """Keep of the recorded transitions only what was not dealt with."""
        await tx.execute(SQL["leave_transitions"])
        await tx.execute(SQL["drop_transitions"])

    async def set_aside(
        self, tx: Connection, classes: Sequence[int], policies: Sequence[UUID], until: datetime, *, entered: bool
    ) -> None:
        """Devices that would go to these classes are not opened now, and are looked at again later."""
        values = {"classes": list(classes), "policies": list(policies), "until": until}
        await tx.execute(SQL["transitions_aside" if entered else "waits_aside"], values)
        await tx.execute(SQL["opening_aside"], values)

    async def blocked_transitions(self, tx: Connection, change: UUID, wave: int, until: datetime) -> int:
        """Members of a wave's blocked situations are looked at again later."""
        return (await tx.execute(SQL["blocked_transitions"], {"change": change, "wave": wave, "until": until})).rowcount

    async def opening_given(
        self, tx: Connection, devices: Sequence[UUID], from_class: Sequence[int], to_class: Sequence[int]
    ) -> int:
        """Given devices with the classes they go between."""
        values = {"devices": list(devices), "from_class": list(from_class), "to_class": list(to_class)}
        return await self._opening(tx, "make_opening_given", values)

    async def _opening(self, tx: Connection, statement: str, values: Mapping[str, Any]) -> int:
        for table in ("opening", "pair", "grouped"):
            await tx.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(table)))
        return (await tx.execute(SQL[statement], values)).rowcount

    async def select(
        self,
        tx: Connection,
        *,
        names: Sequence[str] | None,
        match: Expr | None,
        passing: Expr,
        constants: Mapping[str, str],
        now: datetime,
    ) -> Selected:
        """The devices of these names, or those that match; in both cases only those that may pass."""
        given = dict(constants)
        statement = sql.SQL(SQL["select_devices"]).format(
            match=compile_expr(match, constants=given) if match is not None else sql.SQL("true"),
            passing=compile_expr(passing, constants=given),
        )
        values = {"names": list(names) if names is not None else None, "now": now}
        rows = await (await tx.execute(statement, values)).fetchall()
        left_out: dict[str, int] = {}
        for _, _, passes, state in rows:
            if not passes:
                left_out[state] = left_out.get(state, 0) + 1
        found = {row[1] for row in rows}
        return Selected(
            devices=tuple(row[0] for row in rows if row[2]),
            unknown=tuple(sorted(set(names or ()) - found)),
            left_out=left_out,
        )

    async def pairs(self, tx: Connection) -> list[Pair]:
        """From which class to which, and how many."""
        rows = await (await tx.execute(SQL["pairs"])).fetchall()
        return [Pair(from_class=r[0], to_class=r[1], devices=r[2]) for r in rows]

    async def accounts(self, tx: Connection) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Connector and settings of every account, by name."""
        rows = await (await tx.execute(SQL["account_settings"])).fetchall()
        return {r[0]: (r[1], r[2] or {}) for r in rows}

    async def group(self, tx: Connection, targets: Sequence[Target]) -> list[Grouped]:
        """Count situations of the pairs that `targets` names."""
        await alone(tx)
        for table in ("pair", "grouped"):
            await tx.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(table)))
        await tx.execute(SQL["make_pair"])
        values = {
            "from_class": [t.from_class for t in targets],
            "to_class": [t.to_class for t in targets],
            "target": [t.account for t in targets],
            "network": [t.releases for t in targets],
            "life": [t.life for t in targets],
        }
        await tx.execute(SQL["fill_pair"], values)
        await tx.execute("analyze opening")
        async with fleet_wide(tx, "opening"):
            await tx.execute(SQL["group_situations"])
        await tx.execute(SQL["add_strata_of_grouped"])
        return [_grouped(r) for r in await (await tx.execute(SQL["read_grouped"])).fetchall()]

    async def keep_situations(
        self, tx: Connection, owner: UUID, wave: int, made: Sequence[tuple[int, Any, Any]]
    ) -> None:
        """Keep the counted situations with (number, facts, recipe), numbered as `group` returned them, from 1."""
        values = {
            "owner": owner,
            "wave": wave,
            "nos": [m[0] for m in made],
            "facts": [canonical(m[1]).decode() for m in made],
            "recipes": [canonical(m[2]).decode() for m in made],
        }
        await tx.execute(SQL["keep_situations"], values)

    async def situations(self, tx: Connection, owner: UUID, wave: int) -> list[SituationRow]:
        """The situations of a plan (wave 0) or of a wave of a Change."""
        rows = await (await tx.execute(SQL["situations"], {"owner": owner, "wave": wave})).fetchall()
        return [
            SituationRow(
                no=r[0],
                from_class=r[1],
                to_class=r[2],
                stratum=r[3],
                facts=r[4],
                recipe=r[5],
                devices=r[6],
                digest=r[7],
            )
            for r in rows
        ]

    async def drift(self, tx: Connection, owner: UUID) -> Drift:
        """Compare a plan's situations with those just grouped."""
        row = await (await tx.execute(SQL["drift"], {"owner": owner})).fetchone()
        gone, come, altered, planned, examples = row or (0, 0, 0, 0, None)
        return Drift(planned=planned, gone=gone, come=come, altered=altered, examples=tuple(examples or ()))

    async def impact(self, tx: Connection, now: datetime) -> dict[str, Any]:
        """Who is touched, the breaches they would run into, the moves already open on them."""
        by: dict[str, dict[str, int]] = {}
        for dimension, value, count in await (await tx.execute(SQL["impact_by"])).fetchall():
            by.setdefault(dimension, {})[value] = count
        law = await (await tx.execute(SQL["impact_law"], {"now": now})).fetchall()
        conflicts = await (await tx.execute(SQL["impact_conflicts"])).fetchall()
        return {
            "by": by,
            "law": [{"country": r[0], "breached": r[1], "within_30_days": r[2], "later": r[3]} for r in law],
            "conflicts": [{"change": r[0], "devices": r[1]} for r in conflicts],
        }

    async def cost(self, tx: Connection, today: date) -> list[dict[str, Any]]:
        """Price effect by currency pair; amounts in nano-units of the currency."""
        rows = await (await tx.execute(SQL["impact_cost"], {"today": today})).fetchall()
        names = (
            "currency_new",
            "currency_old",
            "release",
            "devices",
            "priced",
            "one_off",
            "monthly_new",
            "monthly_old",
        )
        return [
            dict(zip(names, r, strict=True)) | {n: int(v or 0) for n, v in zip(names[5:], r[5:], strict=True)}
            for r in rows
        ]

    async def saves(self, tx: Connection, owner: UUID, nos: Sequence[int], today: date) -> list[dict[str, Any]]:
        """Monthly fees of the lines in use that situations put aside, by situation and currency; nano-units."""
        rows = await (
            await tx.execute(SQL["impact_saves"], {"owner": owner, "nos": list(nos), "today": today})
        ).fetchall()
        return [{"no": r[0], "currency": r[1], "lines": r[2], "priced": r[3], "monthly": int(r[4])} for r in rows]

    async def hidden(self, tx: Connection, expr: Expr, constants: Mapping[str, str], now: datetime) -> int:
        """How many devices a condition is silent about, because a fact it reads is absent."""
        statement = sql.SQL(SQL["hidden_devices"]).format(condition=compile_expr(expr, constants=dict(constants)))
        row = await (await tx.execute(statement, {"now": now})).fetchone()
        return row[0] if row else 0

    async def insert_plan(self, tx: Connection, plan: PlanRow) -> None:
        """Keep a plan."""
        values = {
            "id": plan.id,
            "kind": plan.kind,
            "author": plan.author,
            "now": plan.created_at,
            "expires": plan.expires_at,
            "resources": Jsonb(plan.resources),
            "summary": Jsonb(plan.summary),
            "tolerance": plan.tolerance,
            "digest": plan.digest,
            "lasts": plan.lasts,
        }
        await tx.execute(SQL["insert_plan"], values)

    async def read_plan(self, tx: Connection, plan: UUID) -> PlanRow | None:
        """A plan by its id."""
        row = await (await tx.execute(SQL["read_plan"], {"id": plan})).fetchone()
        if row is None:
            return None
        names = (
            "id",
            "kind",
            "author",
            "created_at",
            "expires_at",
            "resources",
            "summary",
            "tolerance",
            "digest",
            "applied",
            "lasts",
        )
        return PlanRow(**dict(zip(names, row, strict=True)))

    async def list_plans(self, tx: Connection, before: UUID | None, limit: int) -> list[PlanRow]:
        """Plans, newest first, without their resources."""
        rows = await (await tx.execute(SQL["list_plans"], {"before": before, "limit": limit})).fetchall()
        return [
            PlanRow(
                id=r[0],
                kind=r[1],
                author=r[2],
                created_at=r[3],
                expires_at=r[4],
                resources=[],
                summary=r[5],
                tolerance=0.0,
                digest=b"",
                applied=r[6],
            )
            for r in rows
        ]

    async def mark_applied(self, tx: Connection, plan: UUID, change: UUID) -> UUID | None:
        """Bind a plan to its Change; returns the Change that had it already, if any."""
        row = await (await tx.execute(SQL["lock_plan"], {"id": plan})).fetchone()
        if row is not None and row[0] is not None:
            return row[0]
        await tx.execute(SQL["plan_applied"], {"id": plan, "change": change})
        return None


def _pairs(pairs: Sequence[tuple[int, int]]) -> dict[str, list[int]]:
    return {"from_class": [p[0] for p in pairs], "to_class": [p[1] for p in pairs]}


def _grouped(r: tuple[Any, ...]) -> Grouped:
    return Grouped(
        from_class=r[0],
        to_class=r[1],
        stratum=r[2],
        country=r[3],
        carrier=r[4],
        target=r[5],
        target_connector=r[6],
        target_present=r[7],
        target_state=r[8],
        current_connector=r[9],
        current_state=r[10],
        reachable=r[11],
        life=r[12],
        sims=tuple(_sim(one) for one in r[13].split(",") if one),
        devices=r[14],
        digest=r[15],
    )


def _sim(text: str) -> GroupedSim:
    account, connector, state = text.split("|")
    return GroupedSim(account=account, connector=connector, state=int(state))
