"""What the fakes of Super SIM and Programmable Wireless share, at KORE and at Twilio.

One account: a handshake or HTTP Basic at the door, forms in, JSON out, pages with the address of the
next one, messages that are queued, sent and delivered, and callbacks with KORE's or Twilio's
signature. Written apart from the connectors, signatures included.
"""

import base64
import hashlib
import hmac
import secrets
import time
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers.callbacks import Callbacks
from fairlead_sim.carriers.desk import Desk, Handler, Refusal
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim

Body = dict[str, Any]
Kind = Literal["kore", "kore-basic", "twilio"]
_CODES: Final = {"unauthenticated": 20003, "too_fast": 20429, "away": 20503, "broken": 20500, "unknown": 20404}
_LIFETIME_S: Final = 3600


@dataclass(slots=True, kw_only=True)
class Message:
    """A short message to a SIM."""

    sid: str
    sim: Sim
    text: str
    made_at: datetime
    status: Literal["queued", "sent", "delivered", "failed"] = "queued"
    updated_at: datetime | None = None
    callback: str = ""


def iso(at: datetime) -> str:
    """A time as the contracts write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON."""
    return Response(
        msgspec.json.encode(body), status_code=status, headers=dict(headers or {}), media_type="application/json"
    )


def _no(refusal: Refusal) -> Response:
    code: object = int(refusal.code) if refusal.code.isdigit() else refusal.code or _CODES.get(refusal.why, 20001)
    message = refusal.message or "The request cannot be carried out."
    body = {"code": code, "message": message, "more_info": "https://carrier.example/errors", "status": refusal.status}
    return answer(body, refusal.status, refusal.headers)


class KoreFake(ABC):
    """One account of either product."""

    prefix: ClassVar[str]
    message_prefix: ClassVar[str]
    message_takes: timedelta = timedelta(seconds=5)
    message_lives: timedelta = timedelta(hours=4)

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        key_id: str,
        key_secret: str,
        webhook_secret: str = "",
        kind: Kind = "kore",
        per_second: float = 1000.0,
        burst: int = 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`webhook_secret` is KORE's of the account, or the auth token at Twilio."""
        self.desk = Desk(
            world,
            carrier,
            door=self._door,
            sim=lambda request: self._found(str(request.path_params.get("sid", ""))),
            no=_no,
            per_second=per_second,
            burst=burst,
            monotonic=monotonic,
        )
        self.world = world
        self.carrier = world.carriers[carrier]
        self.kind = kind
        self.account = "AC" + _hex(f"account {carrier}")
        self.callbacks = Callbacks(world, carrier, sign=self._sign)
        self.messages: dict[str, Message] = {}
        self._credential = (key_id, key_secret)
        self._webhook_secret = webhook_secret
        self._sids: dict[str, str] = {}
        self._said = 0
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def _routes(self) -> list[Route]:
        return [Route("/v1/auth/token", self.desk.welcome(self._token), methods=["POST"])]

    # --- names

    def sid(self, sim: Sim) -> str:
        """The key of a SIM here."""
        return self.prefix + _hex(sim.iccid)

    def _found(self, sid: str) -> Sim | None:
        if len(self._sids) != len(self.carrier.sims):
            self._sids = {self.sid(sim): iccid for iccid, sim in self.carrier.sims.items()}
        iccid = self._sids.get(sid)
        return self.carrier.sims[iccid] if iccid is not None else None

    def by_sid(self, sid: str) -> Sim:
        """The SIM of a key; raises a `Refusal` without one."""
        sim = self._found(sid)
        if sim is None:
            raise Refusal("unknown", 404, message=f"The requested resource {sid} was not found")
        return sim

    def sims(self) -> list[str]:
        """All keys in the order of the inventory."""
        self._found("")
        return sorted(self._sids)

    # --- at the door

    def _door(self, request: Request) -> None:
        scheme, _, proof = request.headers.get("authorization", "").partition(" ")
        if self.kind == "kore":
            if scheme == "Bearer" and self.desk.tokens.valid(proof):
                return
        elif scheme == "Basic" and proof == base64.b64encode(":".join(self._credential).encode()).decode():
            return
        raise Refusal("unauthenticated", 401, message="Authenticate")

    async def _token(self, request: Request) -> Response:
        asked = await form(request)
        if self.kind != "kore" or asked.get("grant_type") != "client_credentials":
            raise Refusal("malformed", 400, message="grant_type must be client_credentials")
        if (asked.get("client_id"), asked.get("client_secret")) != self._credential:
            raise Refusal("unauthenticated", 401, message="invalid client")
        self.desk.logins += 1
        token = secrets.token_urlsafe(40)
        self.desk.tokens.issue(token, _LIFETIME_S)
        return answer({"access_token": token, "expires_in": _LIFETIME_S, "token_type": "Bearer"})

    # --- pages

    def page(
        self, request: Request, key: str, lines: Sequence[str], body: Callable[[str], Body], most: int = 1000
    ) -> Response:
        """A page of entries by their keys, with the address of the next one."""
        size = _number(request, "PageSize", 50)
        if not 1 <= size <= most:
            raise Refusal("malformed", 400, message=f"PageSize must be from 1 to {most}")
        token, number = request.query_params.get("PageToken", ""), _number(request, "Page", 0)
        if token and not token.startswith("PA"):
            raise Refusal("malformed", 400, message="PageToken is not one of ours")
        start = bisect_right(lines, token[2:]) if token else 0
        shown = lines[start : start + size]
        more = len(lines) > start + size
        following = request.url.include_query_params(Page=number + 1, PageToken=f"PA{shown[-1]}") if more else None
        meta = {
            "first_page_url": str(request.url.include_query_params(Page=0)),
            "key": key,
            "page": number,
            "page_size": size,
            "url": str(request.url),
            "next_page_url": str(following) if following is not None else None,
            "previous_page_url": None,
        }
        return answer({key: [body(one) for one in shown], "meta": meta})

    # --- messages

    async def send_message(self, verb: str, sim_key: str, text: str, callback: str) -> Message:
        """Take a message; it is delivered when the device is there, and lost after a while."""
        sim = self.by_sid(sim_key)
        if not text or len(text) > (160 if text.isascii() else 70):
            raise Refusal("malformed", 400, code="33111", message="Command exceeded max length")
        sid = self.message_prefix + _hex(f"message {len(self.messages)}")
        message = Message(sid=sid, sim=sim, text=text, made_at=self.world.clock(), callback=callback)
        self.messages[sid] = message
        self.desk.count(verb, sim)
        self.world.after(self.message_takes, lambda at: self._deliver(message, at))
        self.world.after(self.message_lives, lambda at: self._give_up(message, at))
        return message

    def message(self, sid: str) -> Message:
        """A message as it is now."""
        found = self.messages.get(sid)
        if found is None:
            raise Refusal("unknown", 404, message=f"The requested resource {sid} was not found")
        if found.status == "sent":
            self._deliver(found, self.world.clock())
        return found

    def _deliver(self, message: Message, at: datetime) -> None:
        before = message.status
        if message.sim.session is not None and before != "failed":
            message.status = "delivered"
            message.sim.messages.append((at, message.text))
        elif before == "queued":
            message.status = "sent"
        if message.status != before:
            message.updated_at = at
            self._tell_message(message)

    def _give_up(self, message: Message, at: datetime) -> None:
        if message.status != "delivered":
            message.status, message.updated_at = "failed", at
            self._tell_message(message)

    def _tell_message(self, message: Message) -> None:
        told = {"CommandSid": message.sid, "SimSid": self.sid(message.sim), "CommandStatus": message.status}
        self.say(message.callback, told, message.sim, "send_sms")

    # --- callbacks

    def say(self, address: str, told: Mapping[str, str], sim: Sim, verb: str) -> None:
        """Have a callback sent, if an address was given."""
        if not address:
            return
        self._said += 1
        name = "i-twilio-idempotency-token" if self.kind == "twilio" else "kore-idempotency-token"
        body = urlencode({"AccountSid": self.account, **told}).encode()
        token = _hex(f"event {self._said}")
        self.callbacks.say(address, body, key=sim.iccid, verb=verb, headers={name: token})

    def tell_state(self, address: str, sim: Sim, verb: str) -> None:
        """Say how a SIM is now."""
        told = {"SimSid": self.sid(sim), "SimIccid": sim.iccid, "SimStatus": self.word(sim)}
        self.say(address, told, sim, verb)

    @abstractmethod
    def word(self, sim: Sim) -> str:
        """The product's word for a SIM as it is."""

    def _sign(self, address: str, body: bytes) -> Mapping[str, str]:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self.kind == "twilio":
            pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
            text = address + "".join(f"{name}{value}" for name, value in pairs)
            digest = hmac.new(self._webhook_secret.encode(), text.encode(), hashlib.sha1).digest()
            return {**headers, "x-twilio-signature": base64.b64encode(digest).decode()}
        bare = address.partition("#")[0].partition("?")[0]
        text = f"{self._webhook_secret}POST{bare}{body.decode()}"
        signature = hashlib.sha256(text.encode()).hexdigest() if self._webhook_secret else ""
        return {**headers, "kore-signature": signature}

    # --- changes of state

    def settle(self, sim: Sim, state: Any, callback: str, verb: str) -> bool:
        """Change a SIM's state, at once or later, and call back when it is done; True when it is later."""
        takes = self.carrier.takes.get(state, timedelta(0))
        self.world.set_state(sim.iccid, state)
        if takes > timedelta(0):
            self.world.after(takes, lambda _: self.tell_state(callback, sim, verb))
            return True
        self.tell_state(callback, sim, verb)
        return False


async def form(request: Request) -> dict[str, str]:
    """The parameters of a form; a `Refusal` for any other body."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refusal("malformed", 415, message="The content type is not supported")
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def by_parameter(choices: Mapping[str, Handler], pick: Callable[[Mapping[str, str]], str]) -> Handler:
    """One address whose verb stands in its form."""

    async def chosen(request: Request) -> Response:
        text = (await request.body()).decode()
        return await choices[pick(dict(parse_qsl(text, keep_blank_values=True)))](request)

    return chosen


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _number(request: Request, name: str, default: int) -> int:
    try:
        return int(request.query_params.get(name, default))
    except ValueError:
        raise Refusal("malformed", 400, message=f"{name} must be a number") from None
