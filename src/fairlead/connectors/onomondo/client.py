"""Onomondo's words over HTTP: a bare key, cursors, SIMs changed field by field. No domain, no retries."""

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from fairlead.connectors._kit.entry import Standing
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.connectors._kit.reading import EMPTY, as_object
from fairlead.engine.ports.carrier import Credential


class OnomondoClient:
    """One organisation."""

    def __init__(self, http: Http, credential: Credential) -> None:
        self._http = http
        self._entry = Standing(http, {"authorization": credential.fields["api_key"]})  # bare, without a scheme

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> object:
        call = Call(method="GET", path=path, call_class="read", params=params or {})
        return self._http.readable(await self._entry.send(call)).value

    async def _change(
        self, method: Literal["POST", "PATCH"], path: str, body: Mapping[str, object], *, changes: bool = True
    ) -> Reply | Denial:
        return await self._entry.send(Call(method=method, path=path, call_class="write", changes=changes, body=body))

    async def list_sims(self, *, limit: int, after: str | None) -> Mapping[str, object]:
        """GET /sims: a page."""
        return as_object(await self._read("/sims", _paged(limit, after))) or EMPTY

    async def get_sim(self, sim: str) -> object:
        """GET /sims/{id}."""
        return await self._read(f"/sims/{_part(sim)}")

    async def update(self, sim: str, change: Mapping[str, object]) -> Reply | Denial:
        """PATCH /sims/{id} with the one field that changes; answered with the SIM."""
        return await self._change("PATCH", f"/sims/{_part(sim)}", change)

    async def usage(self, sim: str, *, time: str, limit: int, after: str | None) -> Mapping[str, object]:
        """GET /usage/{id} of a year, a month or a day: a page."""
        params = {"filter": f"time:{time}", **_paged(limit, after)}
        return as_object(await self._read(f"/usage/{_part(sim)}", params)) or EMPTY

    async def send_sms(self, sim: str, text: str, *, sender: str) -> Reply | Denial:
        """POST /sms/{id}."""
        return await self._change("POST", f"/sms/{_part(sim)}", {"from": sender, "text": text, "type": "text"})

    async def network_list(self, name: str) -> object:
        """GET /network-whitelists/{name}."""
        return await self._read(f"/network-whitelists/{_part(name)}")

    async def add_network_list(self, name: str, networks: Sequence[Mapping[str, str]]) -> Reply | Denial:
        """POST /network-whitelists. It binds no SIM yet, so its silence is only a failure."""
        body = {"name": name, "tags": [], "networks": list(networks)}
        return await self._change("POST", "/network-whitelists", body, changes=False)


def _paged(limit: int, after: str | None) -> dict[str, str]:
    return {"limit": str(limit), **({"next_page": after} if after else {})}


def _part(text: str) -> str:
    return quote(text, safe="")
