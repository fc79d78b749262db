"""1NCE's words over HTTP: paths, pages by header, OAuth 2 with Basic. No domain, no retries."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

from fairlead.connectors._kit.entry import Pass, Renewed, basic, oauth2_pass, signed
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.engine.ports.carrier import Credential

Version = Literal["v1", "v2"]
TOKEN_LIFETIME: Final = timedelta(hours=1)  # where a reply does not say
_TOTAL: Final = "x-total-pages"


class OnenceClient:
    """One account."""

    def __init__(self, http: Http, credential: Credential, *, version: Version, real: Callable[[], datetime]) -> None:
        self.version: Version = version
        self._http = http
        self._credential = credential
        self._real = real
        self._entry = Renewed(http, self._handshake, real=real)
        self._sims = f"/{version}/sims"

    # --- the handshake

    async def login(self) -> None:
        """Fetch a new token. Raises `AuthFailed` when the credential is refused."""
        await self._entry.login()

    async def _handshake(self) -> Pass:
        asked_at = self._real()
        given = self._credential.fields
        call = Call(method="POST", path="/oauth/token", call_class="auth", body={"grant_type": "client_credentials"})
        answer = await self._http.call(signed(call, basic(given["username"].reveal(), given["password"])))
        return oauth2_pass(answer, asked_at, default=TOKEN_LIFETIME, what="POST /oauth/token")

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        call = Call(method="GET", path=self._sims + path, call_class="read", params=params or {})
        return self._http.readable(await self._entry.send(call))

    async def _change(
        self, method: Literal["POST", "PUT"], path: str, body: Mapping[str, object] | None = None
    ) -> Reply | Denial:
        call = Call(method=method, path=self._sims + path, call_class="write", changes=True, body=body)
        return await self._entry.send(call)

    # --- reads

    async def list_sims(self, *, number: int, size: int) -> tuple[object, int | None]:
        """GET /sims: a page, and how many there are."""
        return _page(await self._read("", _paged(number, size)))

    async def sim(self, sim: str) -> object:
        """GET /sims/{iccid}."""
        return (await self._read(f"/{_part(sim)}")).value

    async def quota(self, sim: str) -> object:
        """GET /sims/{iccid}/quota/data: what is left, and until when."""
        return (await self._read(f"/{_part(sim)}/quota/data")).value

    async def status(self, sim: str) -> object:
        """GET /sims/{iccid}/status: on the air or not, with the session."""
        return (await self._read(f"/{_part(sim)}/status")).value

    async def events(self, sim: str, *, number: int, size: int) -> tuple[object, int | None]:
        """GET /sims/{iccid}/events: a page, and how many there are where that is told."""
        return _page(await self._read(f"/{_part(sim)}/events", _paged(number, size)))

    async def usage(self, sim: str, *, since: datetime, until: datetime) -> object:
        """GET /v1/sims/{iccid}/usage by calendar days, both included."""
        days = {"start_dt": f"{since:%Y-%m-%d}", "end_dt": f"{until:%Y-%m-%d}"}
        return (await self._read(f"/{_part(sim)}/usage", days)).value

    async def sms(self, sim: str, message: str) -> object:
        """GET /v2/sims/{iccid}/sms/{id}."""
        return (await self._read(f"/{_part(sim)}/sms/{_part(message)}")).value

    async def limits(self) -> object:
        """GET /v1/sims/limits: the ceilings that all SIMs of the account share."""
        return (await self._read("/limits")).value

    async def data_limits(self) -> object:
        """GET /v1/sims/data/limits: the ceilings that can be chosen."""
        return (await self._read("/data/limits")).value

    # --- changes

    async def update(self, sim: str, change: Mapping[str, object]) -> Reply | Denial:
        """PUT /sims/{iccid}."""
        return await self._change("PUT", f"/{_part(sim)}", change)

    async def update_many(self, changes: Sequence[Mapping[str, object]]) -> Reply | Denial:
        """POST /v1/sims: a list, queued."""
        call = Call(method="POST", path=self._sims, call_class="bulk", changes=True, body=changes)
        return await self._entry.send(call)

    async def reset(self, sim: str) -> Reply | Denial:
        """POST /sims/{iccid}/reset: queued."""
        return await self._change("POST", f"/{_part(sim)}/reset")

    async def send_sms(self, sim: str, text: str) -> Reply | Denial:
        """POST /sims/{iccid}/sms, as plain text."""
        return await self._change("POST", f"/{_part(sim)}/sms", {"payload": text, "dcs": 0})

    async def set_data_limit(self, limit: int) -> Reply | Denial:
        """POST /v1/sims/limits: one of the ceilings that can be chosen, for all SIMs of the account."""
        return await self._change("POST", "/limits", {"dataLimitId": limit})


def _part(text: str) -> str:
    return quote(text, safe="")


def _paged(number: int, size: int) -> dict[str, str]:
    return {"page": str(number), "pageSize": str(size)}


def _page(reply: Reply) -> tuple[object, int | None]:
    total = reply.headers.get(_TOTAL, "")
    return reply.value, int(total) if total.isascii() and total.isdigit() and len(total) < 10 else None  # noqa: PLR2004
