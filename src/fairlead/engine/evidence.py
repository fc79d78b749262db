"""Device evidence in the journal: one line a batch, with the Merkle root over its pieces.

Decisions get a line each; what thousands of devices and carriers answered would drown them. So each
commit that settles operations writes one line a Change: how many were verified, failed or refused,
and the root over the canonical pieces, which lie beside the line and can be proved one by one.
"""

from collections.abc import Sequence
from datetime import datetime

from fairlead.engine.journal import entry
from fairlead.engine.ports.moving import SettledOperation
from fairlead.model.facet import BY_NUMBER
from fairlead.model.ids import ChangeId, TenantId, show
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.lifecycle import name


def evidence_lines(tenant: TenantId, settled: Sequence[SettledOperation], now: datetime, actor: str) -> list[Entry]:
    """One line for each Change and each bulk action among them."""
    by_origin: dict[Subject, list[SettledOperation]] = {}
    for one in settled:
        by_origin.setdefault(_origin(one), []).append(one)
    return [_line(tenant, origin, ones, now, actor) for origin, ones in by_origin.items()]


def _origin(one: SettledOperation) -> Subject:
    if one.change is not None:
        return Subject(kind="change", id=show("chg", one.change))
    if one.bulk is not None:
        return Subject(kind="bulk", id=show("bulk", one.bulk))
    raise ValueError(f"operation {one.operation} is of no Change and of no bulk action")


def _line(tenant: TenantId, origin: Subject, ones: Sequence[SettledOperation], now: datetime, actor: str) -> Entry:
    counts: dict[str, Json] = {}
    for one in ones:
        word = name(one.state)
        before = counts.get(word, 0)
        counts[word] = (before if isinstance(before, int) else 0) + 1
    change = ones[0].change
    return entry(
        tenant=tenant,
        at=now,
        actor=actor,
        action=Action.OPERATION_BATCH,
        subject=origin,
        change=ChangeId(change) if change is not None else None,
        payload=counts,
        evidence=[_piece(one) for one in ones],
    )


def _piece(one: SettledOperation) -> dict[str, Json]:
    if one.device is not None:
        whose: dict[str, Json] = {"device": show("dev", one.device)}
    else:
        whose = {"subscription": show("sub", one.subject)} if one.subject is not None else {}
    return {
        "operation": show("op", one.operation),
        **whose,
        "facet": BY_NUMBER[one.facet].value,
        "generation": one.generation,
        "state": name(one.state),
    }
