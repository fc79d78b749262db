"""A person settles what no read-back can: an operation whose outcome is unknown (house §5).

Called by `edge.api.changes`. A carrier without a call to read a SIM, or one that stays away, leaves
its unknown operations open for ever, and with them the Moves that wait for them. Somebody who knows
by other means (the carrier's own portal, a telephone) says what became of it. The loop then goes on
as after a read-back: applied is verified, not applied is tried anew, as often as any step is. Said
twice it is once; whatever is not unknown is not a person's to say, and is told so.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from fairlead.engine.carrierwork import UNKNOWN_SETTLED
from fairlead.engine.changes import Conflict
from fairlead.engine.journal import entry
from fairlead.engine.plans import Hand
from fairlead.engine.ports.moving import NOT_APPLIED_SAID, OpenOperation, Outcome
from fairlead.engine.stores import Stores
from fairlead.model.ids import ChangeId, TenantId, show
from fairlead.model.journal import Action, Entry, Subject
from fairlead.model.lifecycle import OPERATION, OperationState, name, step

Said = Literal["applied", "not_applied"]
BY_PERSON: Final = "settled by a person"
_BECOMES: Final[Mapping[Said, OperationState]] = {
    "applied": OperationState.VERIFIED,
    "not_applied": OperationState.FAILED,
}
_INSTEAD: Final[Mapping[OperationState, str]] = {
    OperationState.PENDING: "It has not left us yet. Take its move back with a rollback, or wait.",
    OperationState.DISPATCHED: "Its answer is awaited. Without one it becomes unknown by itself; ask again then.",
    OperationState.DELIVERED: "It is under way and expires by itself at its deadline.",
    OperationState.ACKNOWLEDGED: "It was accepted; its proof is awaited. Take its move back with a rollback, or wait.",
}


class Settling:
    """What a person says of an operation."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def settle(
        self, tenant: TenantId, operation: UUID, by: Hand, *, outcome: Said, reason: str, now: datetime
    ) -> OperationState | Conflict | None:
        """Settle an unknown operation; its state then. None: there is no such operation."""
        async with self._stores.transactions.tenant(tenant) as tx:
            found = await self._stores.moves.operation(tx, operation)
            if found is None:
                return None
            wanted = _BECOMES[outcome]
            if found.state is not OperationState.UNKNOWN:
                return wanted if _said_before(found, outcome) else _not_unknown(found)
            told: dict[str, Any] = {
                "fact": BY_PERSON,
                "outcome": outcome,
                "said": reason,
                "by": by.actor,
                "at": now.isoformat(),
                "verb": found.verb,
            }
            settled = Outcome(
                id=operation,
                state=step(OPERATION, found.state, wanted),
                reason="" if outcome == "applied" else NOT_APPLIED_SAID,
                evidence=[told],
            )
            await self._stores.moves.record(tx, [settled], now)
            await self._stores.append(tx, [_line(tenant, found, by, outcome, reason, now)])
        UNKNOWN_SETTLED.labels("person", outcome.replace("_", "-")).inc()
        return wanted


def _said_before(found: OpenOperation, outcome: Said) -> bool:
    """Whether its last evidence is a person's word, and the same."""
    last = found.last_evidence
    return last.get("fact") == BY_PERSON and last.get("outcome") == outcome and found.state is _BECOMES[outcome]


def _not_unknown(found: OpenOperation) -> Conflict:
    settled = "It is settled already: look at its evidence. What it did is taken back by a rollback of its Change."
    return Conflict(
        title=f"The operation is {name(found.state)}",
        detail=f"A person settles unknown operations only. {_INSTEAD.get(found.state, settled)}",
        code="wrong_state",
        differences={"state": name(found.state)},
    )


def _line(tenant: TenantId, found: OpenOperation, by: Hand, outcome: Said, reason: str, now: datetime) -> Entry:
    return entry(
        tenant=tenant,
        at=now,
        actor=by.actor,
        action=Action.OPERATION_RESOLVED,
        subject=Subject(kind="operation", id=show("op", found.id)),
        change=ChangeId(found.change) if found.change else None,
        reason=reason,
        payload={
            "outcome": outcome,
            "verb": found.verb,
            "driver": found.driver,
            "account": found.account,
            "device": show("dev", found.device) if found.device else None,
        },
    )
