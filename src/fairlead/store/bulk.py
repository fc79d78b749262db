"""Keeps bulk actions. Implements `engine.ports.bulk.BulkRows`; lines are chosen as lists of subscriptions are."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from fairlead.engine.ports.bulk import Asks, Bulk, FeesOf, LineResult, Lines, LinesOf
from fairlead.model.bulk import BACK
from fairlead.model.device import SUBSCRIPTION_CODES, SUBSCRIPTION_WORDS
from fairlead.model.lifecycle import BulkState, OperationState, name
from fairlead.model.subscription import SubscriptionState
from fairlead.store.database import Connection
from fairlead.store.devices import NIL
from fairlead.store.statements import load
from fairlead.store.subscriptions import conditions

_SQL: Final = load("bulk")
_STATES: Final = [SUBSCRIPTION_WORDS[code].value for code in sorted(SUBSCRIPTION_WORDS)]
_LAST: Final = UUID(int=(1 << 128) - 1)
_STATE_VERBS: Final = ("activate", "suspend", "standby", "deactivate")


class BulkStore:
    """The bulk actions of every tenant."""

    async def chosen(self, tx: Connection, lines: Lines, verb: str) -> list[LinesOf]:
        """The lines by account, state, and why a line does not have the verb."""
        query, values = _of(lines, "chosen")
        rows = await (await tx.execute(query, values | {"verb": verb})).fetchall()
        return [
            LinesOf(
                account=r[0], connector=r[1], state=SUBSCRIPTION_WORDS[r[2]].value if r[2] else "",
                swept_at=r[3], lines=r[4], unable=r[5],
            )
            for r in rows
        ]  # fmt: skip

    async def fees(self, tx: Connection, lines: Lines, verb: str, today: date) -> list[FeesOf]:
        """What those that are active and have the verb cost a month, by account and currency."""
        query, values = _of(lines, "fees")
        rows = await (await tx.execute(query, values | {"verb": verb, "today": today})).fetchall()
        return [FeesOf(account=r[0], currency=r[1], lines=r[2], priced=r[3], monthly_nano=int(r[4])) for r in rows]

    async def missing(self, tx: Connection, lines: Lines) -> list[str]:
        """Named ICCIDs that are nobody's, or not the caller's to see."""
        if lines.iccids is None:
            return []
        return [row[0] for row in await (await tx.execute(*_of(lines, "missing"))).fetchall()]

    async def insert(self, tx: Connection, bulk: Bulk) -> None:
        """Keep a new one."""
        values = {
            "id": bulk.id, "verb": bulk.verb, "arguments": Jsonb(bulk.arguments), "selected": Jsonb(bulk.selected),
            "reason": bulk.reason, "state": int(bulk.state), "author": bulk.author, "undo_of": bulk.undo_of,
            "total": bulk.total, "now": bulk.created_at, "started_at": bulk.started_at, "rule": bulk.rule,
        }  # fmt: skip
        await tx.execute(_SQL["insert"], values)

    async def add_lines(
        self, tx: Connection, bulk: Bulk, lines: Lines, able: Sequence[Asks], deadline: datetime
    ) -> int:
        """An operation for each chosen line; how many."""
        query, values = _of(lines, "add_lines")
        values |= {
            "bulk": bulk.id, "verb": bulk.verb, "arguments": Jsonb(bulk.arguments),
            "now": bulk.created_at, "deadline": deadline, "accounts": [one.account for one in able],
            "because": [one.because for one in able],
            "already": [
                SUBSCRIPTION_CODES[SubscriptionState(one.already)] if one.already is not None else None for one in able
            ],
        }  # fmt: skip
        return (await tx.execute(query, values)).rowcount

    async def add_back(
        self, tx: Connection, bulk: Bulk, of: UUID, able: Mapping[str, Sequence[str]], deadline: datetime, *,
        only: Sequence[str] | None = None,
    ) -> int:  # fmt: skip
        """An operation back for each line that another bulk action changed; how many. `able`: verbs by account.

        `only`: of these ICCIDs.
        """
        pairs = [(account, verb) for account, verbs in able.items() for verb in verbs]
        values = {
            "bulk": bulk.id, "of": of, "states": _STATES, "now": bulk.created_at, "deadline": deadline,
            "back": Jsonb({state: verb.value for state, verb in BACK.items()}), "state_verbs": list(_STATE_VERBS),
            "accounts": [account for account, _ in pairs], "verbs": [verb for _, verb in pairs],
            "only": None if only is None else list(only),
        }  # fmt: skip
        added = (await tx.execute(sql.SQL(_SQL["add_back"]).format(), values)).rowcount
        await tx.execute(_SQL["set_total"], {"total": added, "id": bulk.id})
        return added

    async def read(self, tx: Connection, bulk: UUID, *, lock: bool = False) -> Bulk | None:
        """One, with the counts of its lines."""
        query = _shown("read", lock=sql.SQL("for update of b" if lock else ""))
        row = await (await tx.execute(query, {"id": bulk})).fetchone()
        return _bulk(row) if row else None

    async def page(self, tx: Connection, below: UUID | None, limit: int) -> list[Bulk]:
        """Newest first."""
        rows = await (await tx.execute(_shown("page"), {"below": below or _LAST, "limit": limit})).fetchall()
        return [_bulk(row) for row in rows]

    async def results(
        self, tx: Connection, bulk: UUID, *, above: UUID | None, state: OperationState | None, limit: int
    ) -> list[LineResult]:
        """A page of its lines, in a stable order."""
        values = {"bulk": bulk, "above": above or NIL, "state": None if state is None else int(state), "limit": limit}
        rows = await (await tx.execute(sql.SQL(_SQL["results"]).format(), values)).fetchall()
        return [
            LineResult(
                operation=r[0], iccid=r[1], account=r[2], device=r[3], verb=r[4], state=OperationState(r[5]),
                reason=r[6], before=r[7], said=r[8], settled_at=r[9],
            )
            for r in rows
        ]  # fmt: skip

    async def set_state(
        self, tx: Connection, bulk: UUID, state: BulkState, now: datetime, approver: UUID | None = None
    ) -> None:
        """Write its state."""
        await tx.execute(_SQL["set_state"], {"id": bulk, "state": int(state), "now": now, "approver": approver})

    async def drop_pending(self, tx: Connection, bulk: UUID, now: datetime) -> int:
        """Drop what has not left us."""
        return (await tx.execute(_SQL["drop_pending"], {"bulk": bulk, "now": now})).rowcount

    async def prolong(self, tx: Connection, bulk: UUID, deadline: datetime) -> None:
        """Give what waits more time."""
        await tx.execute(_SQL["prolong"], {"bulk": bulk, "deadline": deadline})

    async def settle(self, tx: Connection, now: datetime) -> list[UUID]:
        """Those whose every line has its result are done."""
        return [row[0] for row in await (await tx.execute(_SQL["settle"], {"now": now})).fetchall()]


def _of(lines: Lines, statement: str) -> tuple[sql.Composed, dict[str, Any]]:
    wanted, judging, values = conditions(lines.which)
    named = sql.SQL(_SQL["named"]) if lines.iccids is not None else sql.SQL("true")
    query = sql.SQL(_SQL[statement]).format(wanted=wanted, judging=judging, named=named, doubt=sql.SQL(_SQL["doubt"]))
    return query, values | {"iccids": list(lines.iccids or ()), "states": _STATES}


def _shown(statement: str, **holes: sql.Composable) -> sql.Composed:
    parts = {"columns": sql.SQL(_SQL["columns"]), "counted": sql.SQL(_SQL["counted"]).format()}
    return sql.SQL(_SQL[statement]).format(**parts, **holes)


def _bulk(row: tuple[Any, ...]) -> Bulk:
    return Bulk(
        id=row[0], verb=row[1], arguments=row[2], selected=row[3], reason=row[4], state=BulkState(row[5]),
        author=row[6], approver=row[7], undo_of=row[8], total=row[9], created_at=row[10], started_at=row[11],
        settled_at=row[12], version=row[13], rule=row[14],
        counts={name(OperationState(int(state))): n for state, n in row[15].items()},
    )  # fmt: skip
