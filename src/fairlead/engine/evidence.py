"""Device evidence in the journal: one line a batch, with the Merkle root over its pieces.

Decisions get a line each; what thousands of devices and carriers answered would drown them. So each
commit that settles operations writes one line a Change: how many were verified, failed or refused,
and the root over the canonical pieces, which lie beside the line and can be proved one by one.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fairlead.engine.journal import entry
from fairlead.engine.ports.moving import SettledOperation
from fairlead.model.facet import BY_NUMBER
from fairlead.model.ids import ChangeId, TenantId, show
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.lifecycle import name


def evidence_lines(tenant: TenantId, settled: Sequence[SettledOperation], now: datetime, actor: str) -> list[Entry]:
    """One line for each Change among them."""
    by_change: dict[UUID, list[SettledOperation]] = {}
    for one in settled:
        by_change.setdefault(one.change, []).append(one)
    return [_line(tenant, change, ones, now, actor) for change, ones in by_change.items()]


def _line(tenant: TenantId, change: UUID, ones: Sequence[SettledOperation], now: datetime, actor: str) -> Entry:
    counts: dict[str, Json] = {}
    for one in ones:
        word = name(one.state)
        before = counts.get(word, 0)
        counts[word] = (before if isinstance(before, int) else 0) + 1
    return entry(
        tenant=tenant,
        at=now,
        actor=actor,
        action=Action.OPERATION_BATCH,
        subject=Subject(kind="change", id=show("chg", change)),
        change=ChangeId(change),
        payload=counts,
        evidence=[
            {
                "operation": show("op", one.operation),
                "device": show("dev", one.device),
                "facet": BY_NUMBER[one.facet].value,
                "generation": one.generation,
                "state": name(one.state),
            }
            for one in ones
        ],
    )
