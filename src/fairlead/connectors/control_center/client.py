"""Control Center's words over HTTP: paths, parameters, Basic with the API key. No domain, no retries.

The account's `base_url` goes as far as `/rws/api`; each operator has its own.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import quote

from fairlead.connectors._kit.entry import Standing, basic
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.engine.ports.carrier import Credential

_V1: Final = "/v1"


class ControlCenterClient:
    """One account."""

    def __init__(self, http: Http, credential: Credential) -> None:
        self._http = http
        user = credential.fields["user"].reveal()
        self._entry = Standing(http, basic(user, credential.fields["api_key"]))

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> object:
        call = Call(method="GET", path=_V1 + path, call_class="read", params=params or {})
        return self._http.readable(await self._entry.send(call)).value

    # --- reads

    async def search(self, *, since: datetime, size: int, page: int) -> object:
        """GET /devices: what was modified since, oldest first; without `modifiedSince` it is refused."""
        params = {"modifiedSince": instant(since), "pageSize": str(size), "pageNumber": str(page)}
        return await self._read("/devices", params)

    async def get_device(self, iccid: str) -> object:
        """GET /devices/{iccid}."""
        return await self._read(f"/devices/{_part(iccid)}")

    async def session(self, iccid: str) -> object:
        """GET /devices/{iccid}/sessionInfo: the current session, or the last."""
        return await self._read(f"/devices/{_part(iccid)}/sessionInfo")

    async def usage(self, iccid: str, cycle: date | None) -> object:
        """GET /devices/{iccid}/usageInZone: one billing cycle by its first day; without it, the current one."""
        params = {"cycleStartDate": f"{cycle.isoformat()}Z"} if cycle else {}
        return await self._read(f"/devices/{_part(iccid)}/usageInZone", params)

    async def message(self, message: str) -> object:
        """GET /smsMessages/{id}: what became of a message."""
        return await self._read(f"/smsMessages/{_part(message)}")

    # --- writes

    async def edit(self, iccid: str, change: Mapping[str, str]) -> Reply | Denial:
        """PUT /devices/{iccid}: `status` or `ratePlan`, at once; answered with the ICCID and nothing else."""
        path = f"{_V1}/devices/{_part(iccid)}"
        return await self._entry.send(Call(method="PUT", path=path, call_class="write", changes=True, body=change))

    async def send_sms(self, iccid: str, text: str, *, coding: int) -> Reply | Denial:
        """POST /devices/{iccid}/smsMessages; coding 0 is the centre's 7-bit alphabet, 8 is UCS-2."""
        path = f"{_V1}/devices/{_part(iccid)}/smsMessages"
        body = {"messageText": text, "messageEncoding": "LITERAL", "dataCoding": coding}
        return await self._entry.send(Call(method="POST", path=path, call_class="write", changes=True, body=body))


def instant(at: datetime) -> str:
    """A point in time as a search takes it: whole seconds, with the offset written as numbers."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _part(text: str) -> str:
    return quote(text, safe="")
