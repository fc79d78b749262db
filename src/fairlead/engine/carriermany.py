"""Many lines in one call, at carriers that have such a call: a handful becomes one request, followed as one.

Each line stays an operation of its own, with its own outcome. What a batch was is kept in the reference of
its operations, so another process follows it after a restart. `carrierwork` calls this.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from fairlead.engine.carriercalls import BUSY_REAL_S, Later, evidence, outcome, shows
from fairlead.engine.ports.carrier import (
    Accepted,
    AuthFailed,
    BatchOutcome,
    ChangesMany,
    Done,
    Manifest,
    NotFound,
    OutcomeUnknown,
    ProviderId,
    RateLimited,
    ReasonCode,
    Refused,
    Unavailable,
)
from fairlead.engine.ports.moving import CarrierWork, Outcome
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.lifecycle import OperationState
from fairlead.model.subscription import Verb, capability

MOST: Final = (
    500  # lines of one request, whatever the carrier would take: what is unknown after a lost answer is read one by one
)
_WORTH: Final = 100  # fewer are done sooner one by one: a batch is looked after half a minute later, a call answers
LOST_REAL_S: Final = 600.0  # a list whose answer was lost may be carried out this late: no carrier says how long
_MARK: Final = "many:"
_AGAIN: Final = timedelta(seconds=60)

Busy = Callable[[CarrierWork, RateLimited | Unavailable], Later]


class Batches:
    """One a worker."""

    def __init__(self, timekeeper: Timekeeper, busy: Busy) -> None:
        self._time = timekeeper
        self._busy = busy

    def handful(self, connector: object, single: int) -> int:
        """How many operations to take at once."""
        return max([single, *_sizes(connector).values()])

    def split(
        self, connector: object, works: Sequence[CarrierWork]
    ) -> tuple[list[tuple[Verb, Sequence[CarrierWork]]], list[CarrierWork]]:
        """What goes in one call each, and what goes one by one."""
        sizes = _sizes(connector)
        many: list[tuple[Verb, Sequence[CarrierWork]]] = []
        single: list[CarrierWork] = []
        by_verb: dict[str, list[CarrierWork]] = {}
        for work in works:
            by_verb.setdefault(work.verb, []).append(work)
        for verb, ones in by_verb.items():
            size = sizes.get(verb, 1)
            for start in range(0, len(ones), size):
                part = ones[start : start + size]
                if len(part) < _WORTH:
                    single += part
                else:
                    many.append((Verb(verb), part))
        return many, single

    async def start(self, connector: object, verb: Verb, works: Sequence[CarrierWork]) -> list[Outcome | Later]:
        """Ask for one verb on all of them."""
        assert isinstance(connector, ChangesMany)  # noqa: S101 - `split` gave it
        try:
            answer = await connector.change_many(verb, [ProviderId(work.sim) for work in works])
        except OutcomeUnknown as trouble:
            said = {"said": trouble.detail}
            return [outcome(self._time, work, OperationState.UNKNOWN, trouble.reason, said) for work in works]
        except (RateLimited, Unavailable) as trouble:
            return [self._busy(work, trouble) for work in works]
        except (AuthFailed, NotFound) as trouble:
            said = {"said": trouble.detail}
            return [outcome(self._time, work, OperationState.FAILED, trouble.reason, said) for work in works]
        return self._answered(works, answer)

    def certain(self, connector: object, work: CarrierWork, ripe: datetime) -> datetime:
        """From when on a record that does not show a verb proves that it was not applied."""
        if work.dispatched_at is None or work.verb not in _sizes(connector):
            return ripe
        return max(ripe, work.dispatched_at + timedelta(seconds=LOST_REAL_S) * self._time.rate)

    def of_reference(
        self, connector: object, works: Sequence[CarrierWork]
    ) -> tuple[Mapping[str, Sequence[CarrierWork]], Sequence[CarrierWork]]:
        """Those that were asked together, by what the carrier said to ask again with; and all others."""
        together: dict[str, list[CarrierWork]] = {}
        single: list[CarrierWork] = []
        for work in works:
            batch = work.reference.startswith(_MARK) and work.state is OperationState.ACKNOWLEDGED
            if batch and isinstance(connector, ChangesMany):
                together.setdefault(work.reference, []).append(work)
            else:
                single.append(work)
        return together, single

    async def follow(self, connector: object, reference: str, works: Sequence[CarrierWork]) -> list[Outcome | Later]:
        """What became of a batch, for those of its lines that are still open."""
        assert isinstance(connector, ChangesMany)  # noqa: S101 - `of_reference` gave it
        later: list[Outcome | Later]
        try:
            answer = await connector.follow_many(reference.removeprefix(_MARK))
        except (RateLimited, Unavailable) as trouble:
            return [self._busy(work, trouble) for work in works]
        except (AuthFailed, OutcomeUnknown):
            until = self._time.now() + _AGAIN * self._time.rate
            later = [Later(work=work, until=until) for work in works]
            return later
        except NotFound as trouble:  # the carrier forgot the batch: each line is read
            said = {"said": trouble.detail}
            return [outcome(self._time, work, OperationState.UNKNOWN, trouble.reason, said) for work in works]
        if isinstance(answer, Accepted):
            until = self._time.now() + answer.check_after * self._time.rate
            later = [Later(work=work, until=until) for work in works]
            return later
        return self._answered(works, answer)

    def _answered(self, works: Sequence[CarrierWork], answer: BatchOutcome) -> list[Outcome | Later]:
        now = self._time.now()
        if isinstance(answer, Accepted):
            taken = {"reference": _MARK + answer.reference}
            look_at = now + answer.check_after * self._time.rate
            return [
                replace(outcome(self._time, work, OperationState.ACKNOWLEDGED, "", taken), look_at=look_at)
                for work in works
            ]
        found: list[Outcome | Later] = []
        for work in works:
            match answer.get(ProviderId(work.sim)):
                case Done(observed=record, changed=changed):
                    state = OperationState.ACKNOWLEDGED
                    if shows(record, work.verb, work.arguments):
                        state = OperationState.VERIFIED
                    found.append(outcome(self._time, work, state, "", evidence(record) | {"changed": changed}))
                case Refused(reason=ReasonCode.BUSY) if work.state is OperationState.DISPATCHED and now < work.deadline:
                    # It runs another list of that kind, and took nothing of this one.
                    again = now + timedelta(seconds=BUSY_REAL_S) * self._time.rate
                    found.append(Later(work=work, until=again, why=ReasonCode.BUSY))
                case Refused(reason=reason, detail=detail, raw=raw):
                    said = {"said": detail, "status": raw.status, "code": raw.code}
                    found.append(outcome(self._time, work, OperationState.REFUSED, reason, said))
                case Accepted(reference=reference, check_after=after):
                    told = outcome(self._time, work, OperationState.ACKNOWLEDGED, "", {"reference": reference})
                    found.append(replace(told, look_at=now + after * self._time.rate))
                case None:  # the carrier's answer leaves it out
                    said = {"said": "the carrier's answer to the batch does not name this SIM"}
                    found.append(outcome(self._time, work, OperationState.UNKNOWN, "left-out", said))
        return found


def _sizes(connector: object) -> Mapping[str, int]:
    """How many lines a call takes, by verb, where it takes more than one."""
    manifest = getattr(connector, "manifest", None)
    if not isinstance(connector, ChangesMany) or not isinstance(manifest, Manifest):
        return {}
    sizes = {verb.value: capability(manifest.capabilities, verb).bulk_max for verb in Verb}
    return {verb: min(size, MOST) for verb, size in sizes.items() if size > 1}
