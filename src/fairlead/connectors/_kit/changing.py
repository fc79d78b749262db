"""How a change is sent and believed: not where it stands already, once, and done only when the carrier shows it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from fairlead.connectors._kit.http import Denial, Reply
from fairlead.connectors._kit.wish import Wish, own_refusal
from fairlead.engine.ports.carrier import (
    Accepted,
    CarrierTrouble,
    Done,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    SimRecord,
)
from fairlead.model.identifiers import Iccid
from fairlead.model.subscription import Freshness

Send = Callable[[], Awaitable[Reply | Denial]]


async def put(
    before: SimRecord,
    wish: Wish,
    send: Send,
    read: Callable[[object, Freshness], SimRecord | None],
    *,
    fresh: Callable[[], Freshness],
    again: timedelta,
) -> Outcome:
    """Send one change unless `before` already shows it; believe only a reply that shows it.

    `read` makes the SIM of the reply's JSON. For carriers that answer a change with the changed SIM.
    """
    if wish.met(before):
        return Done(observed=before, changed=False)
    sent_at = fresh()
    answer = await send()
    if isinstance(answer, Denial):
        return answer.refused()
    after = read(answer.value, sent_at)
    if after is None or after.provider_id != before.provider_id:
        raise OutcomeUnknown(f"SIM {before.provider_id}: the carrier answered {answer.status} without that SIM")
    return progress(wish, after, again=again)


def progress(wish: Wish, record: SimRecord, *, again: timedelta) -> Done | Accepted:
    """Done where the record shows the wish; otherwise it is to be asked for after `again`."""
    if wish.met(record):
        return Done(observed=record)
    return Accepted(reference=wish.reference(record.provider_id), check_after=again, observed=record)


async def read_back(sim: ProviderId, read: Callable[[ProviderId], Awaitable[SimRecord]]) -> SimRecord:
    """The SIM after a change that was taken; where it cannot be read, nobody knows how it stands."""
    try:
        return await read(sim)
    except CarrierTrouble as trouble:
        raise OutcomeUnknown(f"SIM {sim}: changed, but the read-back failed: {trouble.detail}") from None


def unconfirmed(record: SimRecord, confirm: Iccid) -> Refused | None:
    """Why a line is not ended: whoever asked had another one in mind."""
    if record.iccid == confirm:
        return None
    detail = f"the confirmation names {confirm}, the carrier reports {record.iccid} for this SIM"
    return own_refusal(ReasonCode.INVALID_REQUEST, detail)
