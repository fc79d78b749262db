"""Usage rules over the lines of a tenant, by the set. Implements `engine.ports.usage_rules.UsageRuleRows`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.usage_rules import Crossing, Done, DueBack, Judged, RuleAccount
from fairlead.model.lifecycle import HoldState
from fairlead.model.resources import Above, Growth, Silent, UsageRule
from fairlead.model.usage import WINDOWS
from fairlead.store.database import Connection
from fairlead.store.devices import NIL
from fairlead.store.expression_sql import compile_expr
from fairlead.store.statements import load

_SQL: Final = load("usage_rules")
_MONTH: Final = 31  # days


class UsageRuleStore:
    """The usage rules of every tenant."""

    async def accounts(self, tx: Connection) -> list[RuleAccount]:
        """All, by name."""
        rows = await (await tx.execute(_SQL["accounts"])).fetchall()
        return [RuleAccount(name=r[0], connector=r[1], config=r[2]) for r in rows]

    async def judge(
        self, tx: Connection, policy: UUID | None, rule: UsageRule, unjudged: Sequence[str],
        constants: Mapping[str, str], now: datetime,
    ) -> list[Judged]:  # fmt: skip
        """Note in this transaction what comes of each line."""
        await tx.execute(_SQL["discard"])
        query = sql.SQL(_SQL["judge"]).format(match=compile_expr(rule.match.expr, constants=dict(constants)))
        values = _measure(rule) | {
            "now": now, "policy": policy or NIL, "unjudged": list(unjudged), "max_age": rule.max_age,
            "carriers": list(rule.carriers) or None,
        }  # fmt: skip
        await tx.execute(query, values, prepare=False)
        by_account: dict[str, dict[str, int]] = {}
        oldest: dict[str, datetime] = {}
        for account, word, lines, through in await (await tx.execute(_SQL["words"], prepare=False)).fetchall():
            by_account.setdefault(account, {})[word] = lines
            if through is not None:
                oldest[account] = min(through, oldest.get(account, through))
        return [
            Judged(account=account, lines=sum(words.values()), words=words, oldest=oldest.get(account))
            for account, words in sorted(by_account.items())
        ]

    async def cross(self, tx: Connection, policy: UUID, revision: int, now: datetime) -> int:
        """Keep who crossed, end who is within again."""
        values = {"policy": policy, "revision": revision, "now": now}
        crossed = (await tx.execute(_SQL["cross"], values, prepare=False)).rowcount
        within = (await tx.execute(_SQL["within"], values, prepare=False)).rowcount
        return crossed + within + (await tx.execute(_SQL["unmatched"], values, prepare=False)).rowcount

    async def end_others(self, tx: Connection, policies: Sequence[UUID], now: datetime) -> int:
        """End what is told of rules that are no more."""
        return (await tx.execute(_SQL["end_others"], {"policies": list(policies), "now": now})).rowcount

    async def idle(self, tx: Connection, policy: UUID, account: str, limit: int) -> list[str]:
        """Lines about which nothing was done yet."""
        values = {"policy": policy, "account": account, "limit": limit}
        return [row[0] for row in await (await tx.execute(_SQL["idle"], values, prepare=False)).fetchall()]

    async def acted(self, tx: Connection, rule: str, since: datetime) -> int:
        """Lines that a rule asked carriers about since then."""
        row = await (await tx.execute(_SQL["acted"], {"rule": rule, "since": since})).fetchone()
        return row[0] if row else 0

    async def waits(self, tx: Connection, rule: str, account: str) -> bool:
        """Whether a person is already asked."""
        row = await (await tx.execute(_SQL["waits"], {"rule": rule, "account": account})).fetchone()
        return bool(row and row[0])

    async def note(self, tx: Connection, policy: UUID, iccids: Sequence[str], done: Done) -> None:
        """Keep what was asked about these lines, or why nothing is."""
        values: dict[str, Any] = {
            "policy": policy, "iccids": list(iccids), "state": int(done.state), "bulk": done.bulk,
            "because": done.because, "lasts_s": int(done.lasts.total_seconds()) if done.lasts is not None else None,
        }  # fmt: skip
        await tx.execute(_SQL["note"], values)

    async def follow(self, tx: Connection, now: datetime, again_at: datetime) -> int:
        """Look at what became of what was asked; how many lines went on."""
        values = {"now": now, "again_at": again_at, "tomorrow": now.date() + timedelta(days=1)}
        moved = 0
        for name in ("decided", "acting", "resumed", "gone_back"):
            moved += (await tx.execute(_SQL[name], values)).rowcount
        return moved

    async def due_back(self, tx: Connection, now: datetime, limit: int) -> list[DueBack]:
        """Lines whose time is up, by what was asked."""
        rows = await (await tx.execute(_SQL["due_back"], {"now": now, "limit": limit})).fetchall()
        return [DueBack(rule=r[0], author=r[1], bulk=r[2], iccids=r[3]) for r in rows]

    async def going_back(self, tx: Connection, of: UUID, undo: UUID, iccids: Sequence[str]) -> None:
        """Keep what takes them back."""
        await tx.execute(_SQL["going_back"], {"of": of, "undo": undo, "iccids": list(iccids)})

    async def open(self, tx: Connection, each: int) -> list[Crossing]:
        """Lines that are beyond a measure, or held for it; of more than `each` of an account the first, for all."""
        rows = await (await tx.execute(_SQL["open"], {"each": each})).fetchall()
        return [
            Crossing(
                rule=r[0], revision=r[1], subscription=r[2], iccid=r[3], account=r[4], device=r[5],
                state=HoldState(r[6]), value=r[7], through=r[8], crossed_at=r[9], because=r[10], revert_at=r[11],
                together=r[12],
            )
            for r in rows
        ]  # fmt: skip

    async def held(self, tx: Connection, policy: UUID) -> Mapping[str, Mapping[HoldState, int]]:
        """Lines by account and state of what was done."""
        found: dict[str, dict[HoldState, int]] = {}
        for account, state, lines in await (await tx.execute(_SQL["held"], {"policy": policy})).fetchall():
            found.setdefault(account, {})[HoldState(state)] = lines
        return found


def _measure(rule: UsageRule) -> dict[str, Any]:
    """The measure as the statement takes it."""
    match rule.measure:
        case Above(window=window, bytes=limit):
            span = WINDOWS.get(window, 0)
            told: dict[str, Any] = {"measure": "above", "window": window, "span": span, "limit": limit}
            return told | {"against": 0, "times": 0, "reach": span or _MONTH}
        case Growth(window=window, times=times, against_days=against, bytes=limit):
            span = WINDOWS[window]
            told = {"measure": "growth", "window": window, "span": span, "limit": limit}
            return told | {"against": against, "times": times, "reach": span + against}
        case Silent(days=days):
            told = {"measure": "silent", "window": "days", "span": days, "limit": days}
            return told | {"against": 0, "times": 0, "reach": 0}
