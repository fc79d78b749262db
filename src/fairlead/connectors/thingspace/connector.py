"""ThingSpace behind the carrier port: every change is a request whose end comes later.

Each change reads the device first, since a repeated call is a second request at Verizon and counts
against the line's five of the day. What was sent is `Accepted` with its request id. It is followed
by the request's status, which Verizon gives for changes of state of one device and for nothing
else, and then by reading the device: only that is believed. Why a request failed is told by
callback alone; `hear` reads it, and a poll says only that it failed.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.http import Denial, Reply
from fairlead.connectors._kit.inventory import inventory
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.connectors._kit.wish import MalformedReference, Wish, own_refusal, read_reference
from fairlead.connectors.thingspace.client import Device, ThingSpaceClient
from fairlead.connectors.thingspace.hook import heard
from fairlead.connectors.thingspace.translate import (
    Translator,
    already,
    device_id,
    encoding_of,
    nobody,
    why_not,
)
from fairlead.engine.ports.carrier import (
    Accepted,
    AuthFailed,
    CarrierInstance,
    Cursor,
    Done,
    EventPage,
    Heard,
    NotFound,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    SessionStatus,
    SimPage,
    SimRecord,
    Unavailable,
    UsagePeriod,
)
from fairlead.model.subscription import VERB_TARGET, SubscriptionState, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.thingspace")
_LOOK_AGAIN: Final = timedelta(seconds=30)
_A_DAY: Final = timedelta(days=1)  # after which none of today's actions counts any more
_REASON: Final = "FF"  # the one code for a deactivation that Verizon's rules name
_DAYS_KEPT: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What a new activation takes beside the device, from the account's settings."""

    plan: str = ""
    zip_code: str = ""


class ThingSpaceConnector(OpenAccount):
    """One billing account."""

    def __init__(
        self, instance: CarrierInstance, client: ThingSpaceClient, translator: Translator, now: Callable[[], datetime],
        *, activation: Activation, etf_waiver: bool,
    ) -> None:  # fmt: skip
        super().__init__(instance, MANIFEST, now)
        self._client = client
        self._translator = translator
        self._activation = activation
        self._etf_waiver = etf_waiver

    async def check(self) -> None:
        """Log in and read the account: the credential works, and for this account."""
        await self._client.login()
        await self._client.account()

    # --- reads

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory in the order of Verizon's own ids; the cursor is the largest seen."""

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            seen = int(cursor) if cursor is not None and cursor.isascii() and cursor.isdigit() else 0
            if cursor is not None and not seen:
                raise NotFound(f"{cursor!r} is no cursor of the inventory")
            lines, more = _lines(await self._client.list_devices(after=seen, most=MANIFEST.page_size), "devices")
            last = max((one for line in lines if (one := device_id(line)) is not None), default=None)
            if more and last is None:
                raise Unavailable("POST /devices/actions/list: there is more, and no id to continue behind")
            return lines, str(last) if more else None

        return inventory("POST /devices/actions/list", turn, self._translator.sim, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The device now."""
        asked_at = self._fresh()
        lines, _ = _lines(_readable(await self._client.find_device(sim), sim), "devices")
        found = (self._translator.sim(line, asked_at) for line in lines)
        record = next((one for one in found if one is not None and one.provider_id == sim), None)
        if record is None:
            raise NotFound(f"the account has no device with the ICCID {sim}")
        return record

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session now; it comes with the device."""
        return (await self.read_sim(sim)).session

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """Connection history, at most 500 lines a page; the cursor is the time of the last one."""
        begin = since
        if after is not None:
            try:
                begin = datetime.fromisoformat(after)
            except ValueError:
                raise NotFound(f"{after!r} is no cursor of a connection history") from None
        while True:
            asked_at = self._fresh()
            answer = await self._client.connections(sim, since=begin, until=until)
            lines, more = _lines(_readable(answer, sim), "connectionHistory")
            events = [one for line in lines if (one := self._translator.event(line, asked_at)) is not None]
            last = max((event.at for event in events), default=begin)
            if more and last <= begin:
                raise Unavailable("connection history: the carrier's cursor does not move")
            yield EventPage(events=tuple(events), next=Cursor(last.isoformat()) if more else None)
            if not more:
                return
            begin = last

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """By day, twelve months back; more than 500 lines take more than one request."""
        if granularity != "day":
            return ()
        asked_at = self._fresh()
        begin, lines = max(since, asked_at.observed_at - _DAYS_KEPT), list[object]()
        while begin <= until:
            found, more = _lines(
                _readable(await self._client.usage(sim, since=begin, until=until), sim), "usageHistory"
            )
            lines += found
            days = self._translator.usage(sim, found, asked_at)
            if not more:
                break
            if not days or days[-1].start <= begin:
                raise Unavailable("usage history: the carrier's cursor does not move")
            begin = days[-1].start  # again: the cut may have gone through its sources
        return self._translator.usage(sim, lines, asked_at)

    # --- changes of state

    async def activate(self, sim: ProviderId) -> Outcome:
        """Restore a suspended line; begin service for one that is not live, with the settings' plan and ZIP code."""
        record = await self.read_sim(sim)
        if record.subscription.state is SubscriptionState.SUSPENDED:
            return await self._change(record, Verb.ACTIVATE, "restore", {})
        given = self._activation
        if not (given.plan and given.zip_code) and record.subscription.state is not SubscriptionState.ACTIVE:
            detail = "an activation takes the settings service_plan and mdn_zip_code"
            return own_refusal(ReasonCode.PRECONDITION, detail)
        more = {"servicePlan": given.plan, "mdnZipCode": given.zip_code}
        return await self._change(record, Verb.ACTIVATE, "activate", more)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Suspend; Verizon resumes it by itself when the days are used up."""
        return await self._change(await self.read_sim(sim), Verb.SUSPEND, "suspend", {})

    async def deactivate(self, sim: ProviderId) -> Outcome:
        """End service. It may cost an early termination fee, or one of the account's waivers."""
        more = {"reasonCode": _REASON, "etfWaiver": self._etf_waiver, "deleteAfterDeactivation": False}
        return await self._change(await self.read_sim(sim), Verb.DEACTIVATE, "deactivate", more)

    async def _change(self, record: SimRecord, verb: Verb, action: str, more: Mapping[str, object]) -> Outcome:
        wish = Wish(kind="state", value=VERB_TARGET[verb])
        if wish.met(record):
            return Done(observed=record, changed=False)
        answer = await self._client.change(action, _ids(record, with_device=action == "activate"), more)
        return self._taken(answer, record, wish, polled=True)

    # --- settings and messages

    async def set_plan(self, sim: ProviderId, plan: str) -> Outcome:
        """Put the line onto a service plan, by its code; its end is not in the request's status."""
        record, wish = await self.read_sim(sim), Wish(kind="plan", value=plan)
        if wish.met(record):
            return Done(observed=record, changed=False)
        return self._taken(await self._client.set_plan(sim, plan), record, wish, polled=False)

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over; whether it arrived comes by callback."""
        encoding = encoding_of(text)
        if encoding is None:
            detail = "expected 1 to 160 plain letters or 140 bytes of UTF-8, without ' < \\"
            return own_refusal(ReasonCode.INVALID_REQUEST, detail)
        record = await self.read_sim(sim)
        answer = await self._client.send_sms(sim, text, encoding=encoding)
        if isinstance(answer, Denial):
            return self._refused(answer)
        if not _request_of(answer):
            raise OutcomeUnknown(f"SMS to {sim}: the carrier answered {answer.status} without a request")
        return Done(observed=record)

    # --- how requests end

    def _taken(self, answer: Reply | Denial, record: SimRecord, wish: Wish, *, polled: bool) -> Outcome:
        sim = record.provider_id
        if isinstance(answer, Denial):
            if already(answer.raw.code):  # our reading was behind: the next one shows it
                return Accepted(reference=wish.reference(sim), check_after=_LOOK_AGAIN)
            return self._refused(answer)
        request = _request_of(answer)
        if not request:
            raise OutcomeUnknown(f"SIM {sim}: the carrier answered {answer.status} without a request")
        how = "request" if polled else "told"
        return Accepted(reference=f"{how} {request} {wish.reference(sim)}", check_after=_LOOK_AGAIN)

    def _refused(self, denial: Denial) -> Refused:
        if nobody(denial.raw.code):
            raise NotFound(denial.detail, raw=denial.raw)
        refusal = denial.refused(why_not(denial.raw.code))
        if refusal.reason is ReasonCode.QUOTA_ACTION:
            return replace(refusal, retry_at=self._now() + _A_DAY)
        return refusal

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`: the request's status, then the device itself."""
        request, wish_text = _read_request(reference)
        sim, wish = read_reference(wish_text)
        status = await self._status(request) if request else "Unknown"
        if status == "Pending":
            return Accepted(reference=reference, check_after=_LOOK_AGAIN)
        record = await self.read_sim(sim)
        if wish.met(record):
            return Done(observed=record)
        if status == "Failed":
            detail = f"Verizon failed the request {request}; why is told by callback only"
            return Refused(reason=ReasonCode.UNKNOWN, detail=detail, raw=RawReply(status=200, code=status))
        return Accepted(reference=reference, check_after=_LOOK_AGAIN, observed=record)

    async def _status(self, request: str) -> str:
        """Pending, Success, Failed; empty where Verizon does not know the request any more."""
        try:
            answer = await self._client.request_status(request)
        except NotFound:
            return ""
        if isinstance(answer, Denial):
            return ""
        return Fields(as_object(answer.value) or EMPTY, []).text("status")

    def hear(self, headers: Mapping[str, str], body: bytes) -> tuple[Heard, ...]:  # noqa: ARG002 - the proof is inside
        """What a callback service posts."""
        return heard(body, self._instance.credential.fields)


def _lines(value: object, name: str) -> tuple[list[object], bool]:
    """The entries of a list and whether there are more; it says 202 then, and `hasMoreData`."""
    body = as_object(value)
    lines = as_list(body.get(name)) if body is not None else None
    if body is None or lines is None:
        raise Unavailable(f"the reply holds no list of {name}")
    return lines, body.get("hasMoreData") is True


def _readable(answer: Reply | Denial, sim: ProviderId) -> object:
    if isinstance(answer, Reply):
        return answer.value
    if nobody(answer.raw.code):
        raise NotFound(f"the account has no device with the ICCID {sim}", raw=answer.raw)
    if answer.reason is ReasonCode.FORBIDDEN:
        raise AuthFailed(answer.detail, raw=answer.raw)
    raise Unavailable(answer.detail, raw=answer.raw)


def _ids(record: SimRecord, *, with_device: bool) -> Sequence[Device]:
    """How a device is named in a change; an activation names the hardware too, where it is known."""
    hardware = [{"id": record.imei, "kind": "imei"}] if with_device and record.imei else []
    return [{"id": record.provider_id, "kind": "iccid"}, *hardware]


def _request_of(answer: Reply) -> str:
    return Fields(as_object(answer.value) or EMPTY, []).text("requestId")


def _read_request(reference: str) -> tuple[str, str]:
    """The request of a reference, where it can be polled, and the wish."""
    kind, _, rest = reference.partition(" ")
    if kind not in {"request", "told"}:
        return "", reference
    request, space, wish = rest.partition(" ")
    if not (request and space and wish):
        raise MalformedReference(f"{reference!r} is not a reference: expected a request and a wish")
    return request if kind == "request" else "", wish
