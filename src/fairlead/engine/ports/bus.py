"""What the engine and the edges need carried: nudges, device messages, questions, events.

The bus room implements all of this on NATS; `wiring` hands one bus to whoever asks for one of
these small protocols. Nothing carried here is the truth. A nudge says "look again" and may be
lost or doubled; a device message counts once its transaction has committed, and devices repeat
what was not accepted; whoever gets no answer reads PostgreSQL. Handlers may raise: the bus logs
and counts that, and goes on with the next message.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from fairlead.model.ids import TenantId


class BusUnavailable(Exception):
    """The message did not leave, or no answer came in time. Trying again later is right."""


class NobodyAnswers(BusUnavailable):
    """No process serves this question now."""


class MalformedToken(ValueError):
    """A name that cannot stand in a subject: expected 1 to 64 of `A-Z a-z 0-9 _ -`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMessage:
    """One message from or to a device, by the names that its topics carry."""

    tenant: str
    device: str
    path: str  # the topic below the device: `shadow/name/network/update`
    payload: bytes


NudgeHandler = Callable[[TenantId], Awaitable[None]]
MessageHandler = Callable[[DeviceMessage], Awaitable[None]]
EventHandler = Callable[[TenantId, str, bytes], Awaitable[None]]  # tenant, kind, payload
QuestionHandler = Callable[[bytes], Awaitable[bytes]]


class Subscription(Protocol):
    """Something that is being listened to."""

    async def end(self) -> None:
        """Stop listening; a message being handled is finished first."""
        ...


class Nudges(Protocol):
    """Words that say "look again": no content, safe to lose, safe to double."""

    async def nudge(self, kind: str, tenant: TenantId) -> None:
        """Tell whoever does this kind of work that this tenant may have some. Never raises."""
        ...

    async def on_nudge(self, kind: str, handler: NudgeHandler, *, share: bool = True) -> Subscription:
        """Be told. With `share` one process of many gets each nudge, without it every process does."""
        ...


class DeviceMessages(Protocol):
    """Messages to and from devices over MQTT."""

    async def send(self, message: DeviceMessage) -> None:
        """Send to one device at QoS 0: lost when it is offline. Raises `BusUnavailable`."""
        ...

    async def listen(self, path: str, handler: MessageHandler) -> Subscription:
        """Handle live messages below a path (`+` stands for one level); each goes to one process of many."""
        ...


class Questions(Protocol):
    """Asking one particular process, such as the one that holds a device's session."""

    async def ask(self, name: str, question: bytes, *, timeout: timedelta) -> bytes:
        """Ask whoever serves `name` (tokens joined by dots). Raises `NobodyAnswers`, `BusUnavailable`."""
        ...

    async def serve(self, name: str, handler: QuestionHandler) -> Subscription:
        """Answer questions under `name`; with several servers each question goes to one of them."""
        ...


class EventStream(Protocol):
    """What Fairlead tells the world outside, kept for a bounded time for readers that were away."""

    async def emit(self, tenant: TenantId, kind: str, payload: bytes) -> None:
        """Publish one event. Raises `BusUnavailable`; the journal has it in any case."""
        ...

    async def on_event(self, handler: EventHandler) -> Subscription:
        """Be told of every tenant's events from now on; each process that listens hears each of them."""
        ...


class DeviceKicks(Protocol):
    """Ending the connection of a device whose secret was just withdrawn."""

    async def kick(self, tenant: str, device: str) -> int:
        """Disconnect every connection of this device now; answers how many there were. Raises `BusUnavailable`."""
        ...
