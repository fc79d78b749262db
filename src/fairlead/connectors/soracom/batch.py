"""Soracom's batch jobs: one action on up to 10,000 SIMs, followed until every task has its end.

A job lives in a group, so there is one called "fairlead", found by its name or made. The carrier
runs one job per action at a time and says 400 to a second one; since a job of ours never mixes
actions, that is what a 400 means here. What a task answers is the SIM itself, as after a single call.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from fairlead.connectors._kit.http import REASONS, Denial
from fairlead.connectors._kit.paging import pages
from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.connectors._kit.wish import MalformedReference, Wish, own_refusal
from fairlead.connectors.soracom.client import SoracomClient
from fairlead.connectors.soracom.translate import Translator
from fairlead.engine.ports.carrier import (
    Accepted,
    BatchOutcome,
    Cursor,
    Done,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    Unavailable,
)
from fairlead.model.subscription import VERB_TARGET, Freshness, Verb

ACTIONS: Final = {
    Verb.ACTIVATE: "activate",
    Verb.RESUME: "activate",
    Verb.SUSPEND: "suspend",
    Verb.STANDBY: "set_to_standby",
    Verb.DEACTIVATE: "deactivate",
}
LONGEST: Final = 10_000  # tasks in a job, by the contract
_GROUP: Final = "fairlead"
_LOOK_AGAIN: Final = timedelta(seconds=30)
_TASK_LOOK_AGAIN: Final = timedelta(seconds=5)
_UNDER_WAY: Final = frozenset({"pending", "running"})


async def start(client: SoracomClient, verb: Verb, sims: Sequence[ProviderId], *, page_size: int) -> BatchOutcome:
    """Start a job. Each SIM is refused where nothing was sent or the carrier took nothing."""
    action = ACTIONS.get(verb)
    if action is None:
        return _all(sims, own_refusal(ReasonCode.UNSUPPORTED, f"no batch job does {verb}"))
    if not 1 <= len(sims) <= LONGEST or len(set(sims)) != len(sims):
        detail = f"a batch job takes 1 to {LONGEST} different SIMs, not {len(sims)}"
        return _all(sims, own_refusal(ReasonCode.INVALID_REQUEST, detail))
    group = await _group(client, page_size)
    answer = await client.start_job(group, action, sims)
    if isinstance(answer, Denial):
        busy = answer.raw.status == HTTPStatus.BAD_REQUEST
        return _all(sims, answer.refused(ReasonCode.BUSY if busy else None))
    job = Fields(as_object(answer.value) or EMPTY, []).text("jobId")
    if not job:
        raise OutcomeUnknown(f"batch {action}: the carrier answered {answer.status} without a job")
    return Accepted(reference=f"batch {verb} {group} {job}", check_after=_LOOK_AGAIN)


async def follow(
    client: SoracomClient, translator: Translator, reference: str, asked_at: Freshness, *, page_size: int
) -> BatchOutcome:
    """What became of a job: the end of each SIM, once the job has ended."""
    verb, group, job = _read(reference)
    value = as_object(await client.get_job(group, job))
    if value is None:
        raise Unavailable("batch job: the reply is not a job")
    if Fields(value, []).text("status") in _UNDER_WAY:
        return Accepted(reference=reference, check_after=_LOOK_AGAIN)

    async def read(cursor: Cursor | None) -> tuple[object, str | None]:
        return await client.tasks(group, job, limit=page_size, after=cursor)

    ends: dict[ProviderId, Outcome] = {}
    async for page, _ in pages("tasks of a batch job", read):
        for line in as_list(page) or []:
            sim, outcome = _task(Fields(as_object(line) or EMPTY, []), verb, translator, asked_at)
            if sim:
                ends[sim] = outcome
    return ends


def _task(task: Fields, verb: Verb, translator: Translator, asked_at: Freshness) -> tuple[ProviderId | None, Outcome]:
    wish = Wish(kind="state", value=VERB_TARGET[verb])
    parts = task.inner("request").text("path").split("/")
    sim = ProviderId(unquote(parts[-2])) if len(parts) > 2 else None  # noqa: PLR2004 - …/sims/{sim}/{action}
    response = task.inner("response")
    status, body = response.whole("statusCode") or 0, response.inner("body")
    if task.text("status") == "error":
        reason = ReasonCode.NOT_FOUND if status == HTTPStatus.NOT_FOUND else REASONS.get(status, ReasonCode.UNKNOWN)
        if status == HTTPStatus.BAD_REQUEST:
            reason = ReasonCode.UNSUPPORTED if verb is Verb.STANDBY else ReasonCode.CONFLICT_STATE
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
            return sim, Accepted(reference=wish.reference(sim or ProviderId("")), check_after=_TASK_LOOK_AGAIN)
        raw = RawReply(status=status, code=body.text("code")[:100], body="")
        return sim, Refused(reason=reason, detail=f"batch {verb}: {body.text('message')[:500]}", raw=raw)
    if task.text("status") == "pending":
        return sim, own_refusal(ReasonCode.PROVIDER_UNAVAILABLE, "the job was stopped before it came to this SIM")
    finished = task.instant("finishedTime", unit=timedelta(seconds=1))
    seen = replace(asked_at, observed_at=min(finished, asked_at.observed_at)) if finished else asked_at
    record = translator.sim(response.value("body"), seen)
    if record is not None and record.provider_id == sim and wish.met(record):
        return sim, Done(observed=record)
    return sim, Accepted(reference=wish.reference(sim or ProviderId("")), check_after=_TASK_LOOK_AGAIN)


async def _group(client: SoracomClient, page_size: int) -> str:
    async def read(cursor: Cursor | None) -> tuple[object, str | None]:
        return await client.batch_groups(limit=page_size, after=cursor)

    async for page, _ in pages("GET /batch_groups", read):
        for line in as_list(page) or []:
            fields = Fields(as_object(line) or EMPTY, [])
            if fields.text("batchGroupName") == _GROUP and fields.text("batchGroupId"):
                return fields.text("batchGroupId")
    answer = await client.add_batch_group(_GROUP)
    if isinstance(answer, Denial):
        raise Unavailable(answer.detail, raw=answer.raw)
    made = Fields(as_object(answer.value) or EMPTY, []).text("batchGroupId")
    if not made:
        raise Unavailable("POST /batch_groups: the reply carries no group")
    return made


def _all(sims: Sequence[ProviderId], refusal: Refused) -> dict[ProviderId, Outcome]:
    return dict.fromkeys(sims, refusal)


def _read(reference: str) -> tuple[Verb, str, str]:
    kind, _, rest = reference.partition(" ")
    verb, _, place = rest.partition(" ")
    group, space, job = place.partition(" ")
    if kind != "batch" or verb not in set(Verb) or not (space and group and job) or Verb(verb) not in ACTIONS:
        raise MalformedReference(f"{reference!r} is not a reference: expected batch, a verb, a group and a job")
    return Verb(verb), group, job
