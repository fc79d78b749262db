"""Who may connect over MQTT: NATS asks for every connection, and we sign what that device may do.

Started by `wiring` on a connection to the account AUTH; any number of processes share the
questions. The answer is a user made for this one connection: named `{tenant}/{device}`, allowed
the topics of its own shadow and nothing else, until its credential expires. NATS enforces it;
nothing here sees the traffic. The question carries the device's secret, so it is never logged,
not even in part. A question is believed when its signature fits the server that it names; NATS
lets no client publish on this subject, so whoever could forge one already has a server.

While no process answers, connected devices stay and new ones wait. NATS gives each question ten
seconds, so we look at a bounded number at once and answer "unavailable" rather than late.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from re import ASCII
from re import compile as pattern
from typing import Any, Final, cast

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from prometheus_client import Counter

from fairlead.engine.ports.devicedoor import Admitted, DeviceDoor, Refusal, Refused
from fairlead.wire import nkey

_log = structlog.stdlib.get_logger(__name__)
_ANSWERED: Final = Counter("fairlead_mqtt_admissions_total", "Connections decided, by outcome", ["outcome"])

_SUBJECT: Final = "$SYS.REQ.USER.AUTH"
_QUEUE: Final = "callout"
_AUDIENCE: Final = "nats-authorization-request"
_ACCOUNT: Final = "DEV"
_AT_ONCE: Final = 64
_PATIENCE_S: Final = 8.0  # below the ten seconds that NATS waits
_SUBSCRIPTIONS: Final = 20
_PAYLOAD_LIMIT_BYTES: Final = 65_536
_SECRET_LIMIT_CHARACTERS: Final = 512
_NAME: Final = pattern(r"([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{1,64})", ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a NATS server asks about one connection (NATS ADR-26)."""

    server: str  # its public nkey: whom the answer is for
    user: str  # the public nkey that the user we sign must have
    username: str
    client_id: str
    mqtt: bool
    secret: str

    def __repr__(self) -> str:
        return f"Question(username={self.username!r}, mqtt={self.mqtt})"


class MalformedQuestion(ValueError):
    """A request that is not a server's signed question."""


def read_question(data: bytes) -> Question:
    """Read and verify a server's question; raises `MalformedQuestion` without quoting it."""
    try:
        claims = nkey.read_token(data, nkey.Role.SERVER)
    except nkey.NkeyError as refusal:
        raise MalformedQuestion(str(refusal)) from None
    body = _part(claims, "nats")
    server = _text(_part(body, "server_id"), "id")
    if claims.get("aud") != _AUDIENCE or server != claims.get("iss"):
        raise MalformedQuestion("the question is not from the server that it names")
    options, client = _part(body, "connect_opts"), _part(body, "client_info")
    return Question(
        server=server,
        user=_text(body, "user_nkey"),
        username=_text(options, "user"),
        client_id=_text(client, "mqtt_id"),
        mqtt=client.get("type") == "mqtt",
        secret=_text(options, "pass"),
    )


def permissions(tenant: str, device: str, *, expires: datetime) -> dict[str, Any]:
    """The claims of a device's user: its own shadow topics, small messages, MQTT only.

    Both `…shadow` and `…shadow.>` are allowed, because `shadow/#` matches its parent in MQTT. The
    QoS 1 subjects of the broker stay closed: devices subscribe at QoS 0.
    """
    own = f"fairlead.v1.{tenant}.{device}.shadow"
    allowed = {"allow": [own, f"{own}.>"]}
    return {
        "name": f"{tenant}/{device}",
        "aud": _ACCOUNT,
        "exp": int(expires.timestamp()),
        "nats": {
            "type": "user",
            "version": 2,
            "pub": allowed,
            "sub": allowed,
            "subs": _SUBSCRIPTIONS,
            "data": -1,
            "payload": _PAYLOAD_LIMIT_BYTES,
            "allowed_connection_types": ["MQTT"],
        },
    }


class Callout:
    """The service that answers NATS."""

    def __init__(
        self,
        client: Client,  # connected to the account AUTH
        door: DeviceDoor,
        *,
        issuer_seed: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        longest: timedelta = timedelta(hours=12),
    ) -> None:
        self._client = client
        self._door = door
        self._signer = nkey.read_seed(issuer_seed)
        self._clock = clock
        self._longest = longest
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._subscription = await self._client.subscribe(_SUBJECT, queue=_QUEUE, cb=self._receive)  # pyright: ignore[reportUnknownMemberType] - a bare Future in its signature
        await self._client.flush()

    async def stop(self) -> None:
        """Stop taking questions and answer those at hand."""
        if self._subscription is not None:
            try:
                await self._subscription.drain()
            except (nats.errors.Error, TimeoutError):
                _log.info("mqtt.drain_skipped")  # the connection is gone, and the questions with it
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _receive(self, message: Msg) -> None:
        await self._slots.acquire()
        task = asyncio.create_task(self._respond(message), name="mqtt.callout")
        self._answering.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._slots.release()
        self._answering.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            _log.error("mqtt.callout_failed", error=type(failure).__name__)  # its text might quote a secret

    async def _respond(self, message: Msg) -> None:
        try:
            question = read_question(message.data)
        except MalformedQuestion as refusal:
            _ANSWERED.labels(outcome=Refusal.MALFORMED).inc()
            _log.warning("mqtt.question_refused", reason=str(refusal))
            return  # there is nobody to address an answer to
        decision = await self._decide(question)
        await message.respond(self.answer(question, decision).encode("ascii"))

    async def _decide(self, question: Question) -> Admitted | Refused:
        name = _NAME.fullmatch(question.username)
        sound = question.mqtt and question.client_id == question.username
        if name is None or not sound or not 0 < len(question.secret) <= _SECRET_LIMIT_CHARACTERS:
            return Refused(reason=Refusal.MALFORMED)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._door.admit(name[1], name[2], question.secret)
        except Exception as failure:  # noqa: BLE001 - whatever keeps us from looking, the device hears no and tries again
            _log.warning("mqtt.door_unavailable", error=type(failure).__name__)  # its text might quote a secret
            return Refused(reason=Refusal.UNAVAILABLE)

    def answer(self, question: Question, decision: Admitted | Refused) -> str:
        """The signed answer to a question."""
        now = self._clock()
        claims: dict[str, Any] = {"sub": question.user, "aud": question.server}
        body: dict[str, Any] = {"type": "authorization_response", "version": 2}
        match decision:
            case Admitted(expires=expires) if expires > now:
                tenant, _, device = question.username.partition("/")
                user = permissions(tenant, device, expires=min(expires, now + self._longest))
                issued_at = int(now.timestamp())
                body["jwt"] = nkey.sign_token({"sub": question.user, **user}, self._signer, issued_at=issued_at)
                outcome = "admitted"
            case Admitted():
                body["error"] = outcome = "expired"
            case Refused(reason=reason):
                body["error"] = outcome = reason.value
        _ANSWERED.labels(outcome=outcome).inc()
        if outcome != "admitted":
            _log.info("mqtt.refused", device=question.username[:130], reason=outcome)
        return nkey.sign_token({**claims, "nats": body}, self._signer, issued_at=int(now.timestamp()))


def _part(claims: dict[str, Any], name: str) -> dict[str, Any]:
    found = claims.get(name)
    if not isinstance(found, dict):
        raise MalformedQuestion(f"the question has no {name}")
    return cast("dict[str, Any]", found)


def _text(claims: dict[str, Any], name: str) -> str:
    found = claims.get(name, "")
    if not isinstance(found, str):
        raise MalformedQuestion(f"the question's {name} is not text")
    return found
