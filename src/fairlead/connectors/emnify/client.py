"""emnify's words over HTTP: paths, parameters, the log-in by application token. No domain, no retries.

The token that a log-in gives says itself when it ends (RFC 7519 §4.1.4); it is read for that and
for nothing else, and its signature is the carrier's own affair.
"""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from fairlead.connectors._kit.entry import Pass, Renewed, bearer, handed_over, renewal
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.connectors._kit.reading import as_object
from fairlead.engine.ports.carrier import AuthFailed, Credential, NotFound, Secret, Unavailable

_UNSAID: Final = timedelta(hours=1)  # life of a token that does not say when it ends
_LONGEST: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(minutes=1)


class EmnifyClient:
    """One workspace."""

    def __init__(self, http: Http, credential: Credential, *, real: Callable[[], datetime]) -> None:
        self._http = http
        self._credential = credential
        self._real = real
        self._entry = Renewed(http, self._handshake, real=real)

    # --- the handshake

    async def login(self) -> None:
        """Fetch a new token. Raises `AuthFailed` when the credential is refused."""
        await self._entry.login()

    async def _handshake(self) -> Pass:
        asked_at = self._real()
        body = {"application_token": self._credential.fields["application_token"].reveal()}
        try:
            answer = await self._http.call(
                Call(method="POST", path="/api/v1/authenticate", call_class="auth", body=body)
            )
        except NotFound as unknown:  # the contract's word for some credentials it does not know
            raise AuthFailed(unknown.detail, raw=unknown.raw) from None
        token = handed_over(answer).get("auth_token")
        if not (isinstance(token, str) and token):
            raise Unavailable("POST /api/v1/authenticate: the reply carries no token")
        return Pass(headers=bearer(Secret(token)), renew_at=renewal(asked_at, lifetime(token, asked_at)))

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> object:
        answer = await self._entry.send(Call(method="GET", path=path, call_class="read", params=params or {}))
        return self._http.readable(answer).value

    async def _change(
        self,
        method: Literal["POST", "PUT", "PATCH", "DELETE"],
        path: str,
        body: Mapping[str, object] | None = None,
    ) -> Reply | Denial:
        return await self._entry.send(Call(method=method, path=path, call_class="write", changes=True, body=body))

    # --- SIMs

    async def list_sims(self, *, page: str, size: int) -> object:
        """GET /api/v1/sim, in the order of their ids, so that new ones come last."""
        return await self._read("/api/v1/sim", {"page": page, "per_page": str(size), "sort": "id"})

    async def get_sim(self, sim: str) -> object:
        """GET /api/v1/sim/{id}."""
        return await self._read(f"/api/v1/sim/{_part(sim)}")

    async def daily(self, sim: str, *, first: date, last: date) -> object:
        """GET /api/v1/sim/{id}/stats/daily."""
        period = {"start_date": first.isoformat(), "end_date": last.isoformat()}
        return await self._read(f"/api/v1/sim/{_part(sim)}/stats/daily", period)

    async def set_status(self, sim: str, status: int) -> Reply | Denial:
        """PATCH /api/v1/sim/{id}."""
        return await self._change("PATCH", f"/api/v1/sim/{_part(sim)}", {"status": {"id": status}})

    async def delete_sim(self, sim: str) -> Reply | Denial:
        """DELETE /api/v1/sim/{id}: for good."""
        return await self._change("DELETE", f"/api/v1/sim/{_part(sim)}")

    # --- endpoints

    async def get_endpoint(self, endpoint: int) -> object:
        """GET /api/v1/endpoint/{id}."""
        return await self._read(f"/api/v1/endpoint/{endpoint}")

    async def connectivity(self, endpoint: int) -> object:
        """GET …/connectivity: what the carrier's core knows."""
        return await self._read(f"/api/v1/endpoint/{endpoint}/connectivity")

    async def connectivity_info(self, endpoint: int) -> object:
        """GET …/connectivity_info: asks the visited network; 200 also where that failed."""
        return await self._read(f"/api/v1/endpoint/{endpoint}/connectivity_info")

    async def events(self, endpoint: int, *, since: datetime, until: datetime, page: str, size: int) -> object:
        """GET …/event, oldest first."""
        query = f"from:{_seconds(since)},until:{_seconds(until)}"
        params = {"q": query, "sort": "timestamp", "page": page, "per_page": str(size)}
        return await self._read(f"/api/v1/endpoint/{endpoint}/event", params)

    async def service_profile(self, profile: int) -> object:
        """GET /api/v1/service_profile/{id}."""
        return await self._read(f"/api/v1/service_profile/{profile}")

    async def quota(self, endpoint: int) -> object:
        """GET …/quota/data; None where there is none."""
        try:
            return await self._read(f"/api/v1/endpoint/{endpoint}/quota/data")
        except NotFound:
            return None

    async def blocked(self, endpoint: int) -> object:
        """GET …/operator_blacklist."""
        return await self._read(f"/api/v1/endpoint/{endpoint}/operator_blacklist")

    async def operators(self) -> object:
        """GET /api/v1/operator: all operators there are."""
        return await self._read("/api/v1/operator")

    async def lock(self, endpoint: int, *, on: bool) -> Reply | Denial:
        """PATCH /api/v1/endpoint/{id}: to the device it was last seen in."""
        return await self._change("PATCH", f"/api/v1/endpoint/{endpoint}", {"imei_lock": on})

    async def set_quota(self, endpoint: int, quota: Mapping[str, object]) -> Reply | Denial:
        """POST …/quota/data: replaces the one there is."""
        return await self._change("POST", f"/api/v1/endpoint/{endpoint}/quota/data", quota)

    async def block(self, endpoint: int, operator: int) -> Reply | Denial:
        """PUT …/operator_blacklist/{operator}."""
        return await self._change("PUT", f"/api/v1/endpoint/{endpoint}/operator_blacklist/{operator}")

    async def unblock(self, endpoint: int, operator: int) -> Reply | Denial:
        """DELETE …/operator_blacklist/{operator}."""
        return await self._change("DELETE", f"/api/v1/endpoint/{endpoint}/operator_blacklist/{operator}")

    async def send_sms(self, endpoint: int, text: str, *, coding: int) -> Reply | Denial:
        """POST …/sms; coding 0 is GSM 7-bit, 8 is UCS-2 (TS 23.038 §4)."""
        return await self._change("POST", f"/api/v1/endpoint/{endpoint}/sms", {"payload": text, "dcs": coding})

    async def reset(self, endpoint: int) -> Reply | Denial:
        """PATCH …/connectivity: the registration and the data session both go."""
        body: dict[str, object] = {"location": None, "pdp_context": None}
        return await self._change("PATCH", f"/api/v1/endpoint/{endpoint}/connectivity", body)


def lifetime(token: str, asked_at: datetime) -> timedelta:
    """How long a token lives, by its own word, within bounds."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""  # noqa: PLR2004 - RFC 7515 §3.1
    try:
        claims = as_object(msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (msgspec.DecodeError, NotBase64, UnicodeDecodeError, ValueError, RecursionError):
        claims = None
    ends = claims.get("exp") if claims else None
    if not isinstance(ends, int | float) or isinstance(ends, bool):
        return _UNSAID
    left = max(_SHORTEST.total_seconds(), min(ends - asked_at.timestamp(), _LONGEST.total_seconds()))
    return timedelta(seconds=left)


def _part(text: str) -> str:
    return quote(text, safe="")


def _seconds(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
