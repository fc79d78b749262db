"""Telnyx's words over HTTP: paths, pages, one bearer key. No domain, no retries."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from urllib.parse import quote

from fairlead.connectors._kit.entry import Standing, bearer
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.connectors._kit.reading import EMPTY, as_object
from fairlead.engine.ports.carrier import Credential

Collection = Literal["/sim_cards", "/sim_card_groups", "/wireless_blocklists"]
Action = Literal["enable", "disable", "set_standby"]
_BLOCKLIST_KIND: Final = "plmn"


class TelnyxClient:
    """One account. What comes back is what stands under `data`."""

    def __init__(self, http: Http, credential: Credential) -> None:
        self._http = http
        self._entry = Standing(http, bearer(credential.fields["api_key"]))

    def clean(self, text: str) -> str:
        """A carrier's text as it may be shown."""
        return self._http.redactor.clean(text)

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        answer = await self._entry.send(Call(method="GET", path=path, call_class="read", params=params or {}))
        return self._http.readable(answer)

    async def _change(
        self, method: Literal["POST", "PATCH", "DELETE"], path: str, body: Mapping[str, object] | None = None
    ) -> Reply | Denial:
        return await self._entry.send(Call(method=method, path=path, call_class="write", changes=True, body=body))

    # --- reads

    async def page(self, of: Collection, *, number: int, size: int) -> Mapping[str, object]:
        """GET of a collection: the page with its `data` and `meta`."""
        return as_object((await self._read(of, _paged(number, size))).value) or EMPTY

    async def sim(self, sim: str) -> object:
        """GET /sim_cards/{id}."""
        return data_of(await self._read(f"/sim_cards/{_part(sim)}"))

    async def connectivity_logs(self, sim: str, *, number: int, size: int) -> Mapping[str, object]:
        """GET /sim_cards/{id}/wireless_connectivity_logs: a page."""
        path = f"/sim_cards/{_part(sim)}/wireless_connectivity_logs"
        return as_object((await self._read(path, _paged(number, size))).value) or EMPTY

    async def action(self, action: str) -> object:
        """GET /sim_card_actions/{id}."""
        return data_of(await self._read(f"/sim_card_actions/{_part(action)}"))

    async def group(self, group: str) -> object:
        """GET /sim_card_groups/{id}."""
        return data_of(await self._read(f"/sim_card_groups/{_part(group)}"))

    async def group_action(self, action: str) -> object:
        """GET /sim_card_group_actions/{id}."""
        return data_of(await self._read(f"/sim_card_group_actions/{_part(action)}"))

    async def blocklist(self, blocklist: str) -> object:
        """GET /wireless_blocklists/{id}."""
        return data_of(await self._read(f"/wireless_blocklists/{_part(blocklist)}"))

    # --- changes of a SIM

    async def act(self, sim: str, action: Action) -> Reply | Denial:
        """POST /sim_cards/{id}/actions/{action}: 202 with an action."""
        return await self._change("POST", f"/sim_cards/{_part(sim)}/actions/{action}")

    async def delete(self, sim: str) -> Reply | Denial:
        """DELETE /sim_cards/{id}: the SIM leaves the account. Never with `report_lost`."""
        return await self._change("DELETE", f"/sim_cards/{_part(sim)}")

    async def update(self, sim: str, change: Mapping[str, object]) -> Reply | Denial:
        """PATCH /sim_cards/{id} with the one field that changes."""
        return await self._change("PATCH", f"/sim_cards/{_part(sim)}", change)

    # --- networks of a group

    async def add_blocklist(self, name: str, plmns: Sequence[str]) -> Reply | Denial:
        """POST /wireless_blocklists. It binds nobody yet, so its silence is only a failure."""
        body = {"name": name, "type": _BLOCKLIST_KIND, "values": list(plmns)}
        return await self._entry.send(Call(method="POST", path="/wireless_blocklists", call_class="write", body=body))

    async def set_blocklist(self, group: str, blocklist: str) -> Reply | Denial:
        """POST /sim_card_groups/{id}/actions/set_wireless_blocklist: 202 with a group action."""
        path = f"/sim_card_groups/{_part(group)}/actions/set_wireless_blocklist"
        return await self._change("POST", path, {"wireless_blocklist_id": blocklist})

    async def remove_blocklist(self, group: str) -> Reply | Denial:
        """POST /sim_card_groups/{id}/actions/remove_wireless_blocklist: 202 with a group action."""
        return await self._change("POST", f"/sim_card_groups/{_part(group)}/actions/remove_wireless_blocklist")


def data_of(reply: Reply) -> object:
    """What a reply is about."""
    return under_data(reply.value)


def under_data(value: object) -> object:
    """What a body is about."""
    return (as_object(value) or EMPTY).get("data")


def _part(text: str) -> str:
    return quote(text, safe="")


def _paged(number: int, size: int) -> dict[str, str]:
    return {"page[number]": str(number), "page[size]": str(size)}
