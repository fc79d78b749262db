"""How a request proves who sends it: by what goes along every time, or by a token that is fetched and renewed.

A client builds one of the two from its credential and sends everything through it. Secrets are
learned by the redactor in the form they take on the wire, base64 included.

A token is fetched on first use, renewed a little before it ends, and renewed once when a 401 says
that it ended early: a 401 was not executed, so asking again with a new token is not a retry. Many
callers at once cause one fetch.
"""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.connectors._kit.reading import EMPTY, as_object
from fairlead.engine.ports.carrier import AuthFailed, Secret, Unavailable

_LONGEST_LIFE: Final = timedelta(days=30)  # a token that claims more is renewed then all the same
_LONGEST_MARGIN: Final = timedelta(minutes=5)

Headers = Mapping[str, Secret]


def basic(user: str, password: Secret) -> Headers:
    """HTTP Basic (RFC 7617)."""
    pair = b64encode(f"{user}:{password.reveal()}".encode()).decode()
    return {"authorization": Secret(f"Basic {pair}")}


def bearer(token: Secret) -> Headers:
    """A bearer token (RFC 6750)."""
    return {"authorization": Secret(f"Bearer {token.reveal()}")}


def signed(call: Call, headers: Headers) -> Call:
    """The call with these headers."""
    return replace(call, headers={**call.headers, **{name: secret.reveal() for name, secret in headers.items()}})


class Entry(Protocol):
    """What a client sends its calls through."""

    async def send(self, call: Call) -> Reply | Denial:
        """Send one request with its proof."""
        ...


class Standing:
    """The same headers with every request: HTTP Basic, an API key."""

    def __init__(self, http: Http, headers: Headers) -> None:
        self._http = http
        self._headers = headers
        http.redactor.learn(*_parts(headers))

    async def send(self, call: Call) -> Reply | Denial:
        """Send one request."""
        return await self._http.call(signed(call, self._headers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Headers that open the door until they end. Two tokens that go together are one pass."""

    headers: Headers
    renew_at: datetime  # real time
    idle: timedelta | None = None  # it also ends when it is not used for so long; None: it does not


class Renewed:
    """A pass that is fetched and renewed. `fetch` sends the handshake; a `Denial` there is its `AuthFailed`."""

    def __init__(
        self, http: Http, fetch: Callable[[], Awaitable[Pass]], *, real: Callable[[], datetime],
        ended: Callable[[Denial], bool] = lambda _: False,
    ) -> None:  # fmt: skip
        """`ended` knows a refusal that means "your session is over" at a carrier that does not say 401 for it."""
        self._http = http
        self._fetch = fetch
        self._real = real
        self._ended = ended
        self._pass: Pass | None = None
        self._used_at: datetime | None = None
        self._entering = asyncio.Lock()

    async def login(self) -> None:
        """Fetch a new pass. Raises `AuthFailed` when the credential is refused."""
        await self._renew()

    async def _renew(self) -> Pass:
        fresh = await self._fetch()
        self._http.redactor.learn(*_parts(fresh.headers))
        self._pass, self._used_at = fresh, self._real()
        return fresh

    async def _enter(self, spent: Pass | None) -> Pass:
        """A usable pass that is not `spent`."""
        async with self._entering:
            held = self._pass
            if held is not None and held is not spent and not self._over(held):
                return held
            self._pass = None
            return await self._renew()

    def _over(self, held: Pass) -> bool:
        now = self._real()
        unused = now - self._used_at if self._used_at is not None else timedelta(0)
        return now >= held.renew_at or (held.idle is not None and unused >= held.idle)

    async def _call(self, call: Call, current: Pass) -> Reply | Denial:
        self._used_at = self._real()
        answer = await self._http.call(signed(call, current.headers))
        if isinstance(answer, Denial) and self._ended(answer):
            raise AuthFailed(answer.detail, raw=answer.raw)
        return answer

    async def send(self, call: Call) -> Reply | Denial:
        """Send one request; once more with a new pass when the old one was refused."""
        known = self._pass
        current = await self._enter(None)
        try:
            return await self._call(call, current)
        except AuthFailed:
            if current is not known:
                raise  # a pass issued for this very call was refused: the credential itself is at fault
        return await self._call(call, await self._enter(current))


def renewal(asked_at: datetime, lifetime: timedelta) -> datetime:
    """When to renew: five minutes before the end, or a tenth of a short life."""
    return asked_at + lifetime - min(_LONGEST_MARGIN, lifetime / 10)


def handed_over(answer: Reply | Denial) -> Mapping[str, object]:
    """The body of a handshake's reply. Raises `AuthFailed` for a refusal."""
    if isinstance(answer, Denial):
        raise AuthFailed(answer.detail, raw=answer.raw)
    return as_object(answer.value) or EMPTY


def oauth2_pass(answer: Reply | Denial, asked_at: datetime, *, default: timedelta, what: str) -> Pass:
    """The pass in an OAuth 2 token reply (RFC 6749 §5.1); `default` where it does not say how long it lives.

    Raises `AuthFailed` for a refusal and `Unavailable` for a reply without a token.
    """
    body = handed_over(answer)
    token, seconds = body.get("access_token"), body.get("expires_in")
    if not (isinstance(token, str) and token):
        raise Unavailable(f"{what}: the reply carries no token")
    lifetime = default
    if isinstance(seconds, int | float) and seconds > 0:
        lifetime = timedelta(seconds=min(float(seconds), _LONGEST_LIFE.total_seconds()))
    return Pass(headers=bearer(Secret(token)), renew_at=renewal(asked_at, lifetime))


def _parts(headers: Headers) -> list[Secret]:
    """What of the headers must never be shown: the whole, and the token without its scheme."""
    found = [secret.reveal() for secret in headers.values()]
    return [Secret(part) for text in found for part in {text, text.rpartition(" ")[2]}]
