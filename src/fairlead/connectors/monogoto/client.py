"""Monogoto's words over HTTP: a token for user and password, things by their own id, successes in prose. No retries."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

from fairlead.connectors._kit.entry import Pass, Renewed, bearer, handed_over, renewal
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.engine.ports.carrier import Credential, Secret, Unavailable

TOKEN_LIFETIME: Final = timedelta(hours=4)  # as published for the newer interface; a reply does not say


class MonogotoClient:
    """One customer."""

    def __init__(self, http: Http, credential: Credential, *, real: Callable[[], datetime]) -> None:
        self._http = http
        self._credential = credential
        self._real = real
        self._entry = Renewed(http, self._handshake, real=real)

    async def login(self) -> None:
        """Fetch a new token. Raises `AuthFailed` when the credential is refused."""
        await self._entry.login()

    async def _handshake(self) -> Pass:
        asked_at = self._real()
        given = {name: secret.reveal() for name, secret in self._credential.fields.items()}
        body = {"UserName": given["username"], "Password": given["password"]}
        token = handed_over(await self._http.call(Call(method="POST", path="/Auth", call_class="auth", body=body))).get(
            "token"
        )
        if not (isinstance(token, str) and token):
            raise Unavailable("POST /Auth: the reply carries no token")
        return Pass(headers=bearer(Secret(token)), renew_at=renewal(asked_at, TOKEN_LIFETIME))

    async def list_things(self, *, limit: int, offset: int) -> object:
        """GET /things: a page by its offset."""
        params = {"limit": str(limit), "offset": str(offset)}
        call = Call(method="GET", path="/things", call_class="read", params=params)
        return self._http.readable(await self._entry.send(call)).value

    async def get_thing(self, thing: str) -> object:
        """GET /thing/{ThingId}."""
        call = Call(method="GET", path=_path(thing), call_class="read")
        return self._http.readable(await self._entry.send(call)).value

    async def set_state(self, thing: str, word: str) -> Reply | Denial:
        """PUT /thing/{ThingId}/state/: ACTIVE or SUSPENDED."""
        return await self._change("PUT", _path(thing, "state/"), {"state": word})

    async def send_sms(self, thing: str, text: str, *, sender: str) -> Reply | Denial:
        """POST /thing/{ThingId}/sms. The carrier's page says GET above an example that posts."""
        return await self._change("POST", _path(thing, "sms"), {"Message": text, "From": sender})

    async def refresh(self, thing: str) -> Reply | Denial:
        """GET /thing/{ThingId}/refreshConnection: a change, whatever its method says."""
        return await self._change("GET", _path(thing, "refreshConnection"))

    async def _change(
        self, method: Literal["GET", "POST", "PUT"], path: str, body: dict[str, object] | None = None
    ) -> Reply | Denial:
        call = Call(method=method, path=path, call_class="write", changes=True, body=body, prose=True)
        return await self._entry.send(call)


def _path(thing: str, *more: str) -> str:
    return "/".join(("/thing", quote(thing, safe=""), *more))
