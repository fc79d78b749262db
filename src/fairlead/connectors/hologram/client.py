"""Hologram's words over HTTP: paths and parameters, and a refusal that comes as a success. No domain, no retries.

Every reply is an envelope that says itself whether it went well, also under a 200.
"""

from datetime import datetime
from typing import Final
from urllib.parse import quote

from fairlead.connectors._kit.entry import Standing, basic
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.connectors._kit.reading import EMPTY, as_object
from fairlead.engine.ports.carrier import Credential, OutcomeUnknown, RawReply, ReasonCode, Unavailable

_USER: Final = "apikey"
_LONGEST: Final = 500


class HologramClient:
    """One organisation."""

    def __init__(self, http: Http, credential: Credential) -> None:
        self._http = http
        self._entry = Standing(http, basic(_USER, credential.fields["api_key"]))

    async def _read(self, path: str, params: dict[str, str] | None = None) -> dict[str, object]:
        """The envelope of a read; one that says no is `Unavailable`."""
        call = Call(method="GET", path=path, call_class="read", params=params or {})
        answer = self._http.readable(await self._entry.send(call))
        envelope = as_object(answer.value) or EMPTY
        if envelope.get("success") is not True:
            raise Unavailable(self._said(path, envelope), raw=self._raw(answer, envelope))
        return dict(envelope)

    async def list_links(self, *, limit: int, after: str | None) -> dict[str, object]:
        """GET /links/cellular: a page behind a link's id."""
        return await self._read("/links/cellular", {"limit": str(limit), **({"startafter": after} if after else {})})

    async def get_link(self, link: str) -> object:
        """GET /links/cellular/{id}."""
        return (await self._read(f"/links/cellular/{_part(link)}")).get("data")

    async def daily(self, link: str, *, since: datetime, until: datetime, limit: int) -> object:
        """GET /usage/data/daily; the period in UNIX seconds."""
        period = {"timestart": str(int(since.timestamp())), "timeend": str(int(until.timestamp()))}
        return (await self._read("/usage/data/daily", {"linkid": link, **period, "limit": str(limit)})).get("data")

    async def set_state(self, link: str, word: str) -> Reply | Denial:
        """POST /links/cellular/{id}/state: `pause` or `live`."""
        path = f"/links/cellular/{_part(link)}/state"
        call = Call(method="POST", path=path, call_class="write", changes=True, body={"state": word})
        answer = await self._entry.send(call)
        if isinstance(answer, Denial):
            return answer
        envelope = as_object(answer.value) or EMPTY
        if envelope.get("success") is True:
            return answer
        if envelope.get("success") is False:
            raw = self._raw(answer, envelope)
            return Denial(reason=ReasonCode.UNKNOWN, detail=self._said(path, envelope), raw=raw)
        raise OutcomeUnknown(f"{path}: the reply does not say whether it went well")

    def _said(self, path: str, envelope: object) -> str:
        words = str((as_object(envelope) or EMPTY).get("error", "the reply does not say why"))[:_LONGEST]
        return self._http.redactor.clean(f"{path}: {words}")

    def _raw(self, answer: Reply, envelope: object) -> RawReply:
        return RawReply(status=answer.status, body=self._http.redactor.clean(str(envelope)[:_LONGEST]))


def _part(text: str) -> str:
    return quote(text, safe="")
