"""Shadow messages to requests of the engine, and its answers back to messages.

`edge.mqtt.shadow` calls this between the bus and the engine. A shadow's metadata carries one time
for its reported part and one for its desired part, at each leaf: what we keep is when the shadow
changed, not each value in it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

from fairlead.engine.ports.bus import DeviceMessage
from fairlead.engine.ports.shadow import State
from fairlead.engine.shadow import Answer, Ask, Delete, Forgotten, Get, Rejected, Shadow, Update, Updated
from fairlead.model.facet import BY_NUMBER, Facet
from fairlead.wire import shadow as wire

_FACETS: Final = {facet.value: facet.number for facet in Facet if facet is not Facet.SUBSCRIPTION}


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request that could be read."""

    message: DeviceMessage
    ask: Ask
    token: str | None


@lru_cache(maxsize=256)
def _place(path: str) -> tuple[wire.Verb, int]:
    """What a path asks for, and of which facet. Raises `ShadowError`."""
    topic = wire.read_path("any", "any", path)
    facet = _FACETS.get(topic.facet)
    if facet is None:
        raise wire.ShadowError(404, f"No shadow exists with name: {topic.facet!r}; known are {', '.join(_FACETS)}")
    if topic.answer is not None:
        raise wire.ShadowError(400, "This is the topic of an answer")
    return topic.verb, facet


class Words:
    """Reads and writes; holds the clock for the messages' time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._offered: tuple[State, datetime | None, State] = ({}, None, {})

    def read(self, message: DeviceMessage) -> Asked | DeviceMessage:
        """The request in a message, or the message that refuses it."""
        try:
            verb, facet = _place(message.path)
            match verb:
                case wire.Verb.UPDATE:
                    update = wire.read_update(message.payload)
                    ask = Update(
                        device=message.device,
                        facet=facet,
                        patch=update.reported,
                        version=update.version,
                        said_at=update.timestamp,
                    )
                    return Asked(message=message, ask=ask, token=update.client_token)
                case wire.Verb.GET:
                    token = wire.read_get(message.payload).client_token
                    return Asked(message=message, ask=Get(device=message.device, facet=facet), token=token)
                case wire.Verb.DELETE:
                    token = wire.read_delete(message.payload).client_token
                    return Asked(message=message, ask=Delete(device=message.device, facet=facet), token=token)
        except wire.ShadowError as refusal:
            return _reply(message, "/rejected", wire.Rejected.of(refusal, timestamp=_seconds(self._now())))

    def answers(self, asked: Asked, answer: Answer) -> Iterator[DeviceMessage]:
        """What goes back to the device, first the answer itself."""
        now, token, message = _seconds(self._now()), asked.token, asked.message
        match answer:
            case Rejected(code=code, message=text):
                rejected = wire.Rejected(code=code, message=text, timestamp=now, client_token=token)
                yield _reply(message, "/rejected", rejected)
            case Forgotten(version=version):
                accepted = wire.DeleteAccepted(version=version, timestamp=now, client_token=token)
                yield _reply(message, "/accepted", accepted)
            case Shadow():
                yield _reply(message, "/accepted", _got(answer, now, token))
            case Updated():
                yield from self._updated(asked, answer, now)

    def _updated(self, asked: Asked, answer: Updated, now: int) -> Iterator[DeviceMessage]:
        message, token, after = asked.message, asked.token, answer.after
        reported, desired = _stamped(after.reported, after.reported_at), self._desired(after)
        patch = answer.patch or {}
        accepted = wire.UpdateAccepted(
            state={"reported": answer.patch},
            # Many devices report all they have each time; then its stamps are those of the whole.
            metadata={"reported": reported if patch == after.reported else _stamped(patch, after.reported_at)},
            version=after.version,
            timestamp=now,
            client_token=token,
        )
        yield _reply(message, "/accepted", accepted)
        before = answer.before
        documents = wire.Documents(
            current=_snapshot(after, reported, desired),
            previous=_snapshot(before, _stamped(before.reported, before.reported_at), desired)
            if before.version
            else None,
            timestamp=now,
            client_token=token,
        )
        yield _reply(message, "/documents", documents)
        if answer.push:
            yield _reply(message, "/delta", _delta(after, now, token))

    def _desired(self, shadow: Shadow) -> State:
        """The stamps of what is offered: one document is offered to many devices in a row."""
        state, at, stamps = self._offered
        if state is not shadow.desired or at != shadow.desired_at:
            stamps = _stamped(shadow.desired, shadow.desired_at)
            self._offered = (shadow.desired, shadow.desired_at, stamps)
        return stamps

    def delta(self, tenant: str, device: str, facet: int, shadow: Shadow) -> DeviceMessage:
        """What a device is told unasked."""
        path = f"shadow/name/{BY_NUMBER[facet].value}/update/delta"
        body = _delta(shadow, _seconds(self._now()), None)
        return DeviceMessage(tenant=tenant, device=device, path=path, payload=body.encode())


def _reply(message: DeviceMessage, suffix: str, body: wire.Message) -> DeviceMessage:
    return DeviceMessage(
        tenant=message.tenant, device=message.device, path=message.path + suffix, payload=body.encode()
    )


def _got(shadow: Shadow, now: int, token: str | None) -> wire.GetAccepted:
    parts: dict[str, tuple[State, datetime | None]] = {}
    if shadow.desired:
        parts["desired"] = (shadow.desired, shadow.desired_at)
    if shadow.version:
        parts["reported"] = (shadow.reported, shadow.reported_at)
    if shadow.delta:
        parts["delta"] = (shadow.delta, shadow.desired_at)
    return wire.GetAccepted(
        state=cast("State", {name: state for name, (state, _) in parts.items()}),
        metadata={name: _stamped(state, at) for name, (state, at) in parts.items()},
        version=shadow.version,
        timestamp=now,
        client_token=token,
    )


def _delta(shadow: Shadow, now: int, token: str | None) -> wire.Delta:
    return wire.Delta(
        state=shadow.delta,
        metadata=_stamped(shadow.delta, shadow.desired_at),
        version=shadow.version,
        timestamp=now,
        client_token=token,
    )


def _snapshot(shadow: Shadow, reported: State, desired: State) -> wire.Snapshot:
    if not shadow.desired:
        return wire.Snapshot(
            state={"reported": shadow.reported}, metadata={"reported": reported}, version=shadow.version
        )
    return wire.Snapshot(
        state={"desired": shadow.desired, "reported": shadow.reported},
        metadata={"desired": desired, "reported": reported},
        version=shadow.version,
    )


def _stamped(state: State, at: datetime | None) -> State:
    """The metadata of a state all of whose leaves have one time; as `wire.stamp` would have it."""
    return _mirrored(state, {"timestamp": _seconds(at)})


def _mirrored(state: State, leaf: State) -> State:
    """One dictionary of stamps, of which only what is nested or deleted is then touched."""
    stamps: State = dict.fromkeys(state, leaf)
    for key, value in state.items():
        if isinstance(value, dict):
            stamps[key] = _mirrored(cast("State", value), leaf)
        elif isinstance(value, list):
            stamps[key] = _items(cast("list[Any]", value), leaf)
        elif value is None:
            del stamps[key]
    return stamps


def _items(items: list[Any], leaf: State) -> list[Any]:
    return [
        _mirrored(cast("State", item), leaf)
        if isinstance(item, dict)
        else _items(cast("list[Any]", item), leaf)
        if isinstance(item, list)
        else leaf
        for item in items
    ]


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())
