"""Soracom's words over HTTP: paths, parameters, the key-and-token handshake. No domain, no retries."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from fairlead.connectors._kit.entry import Pass, Renewed, handed_over, renewal
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.engine.ports.carrier import Credential, Secret, Unavailable

TOKEN_LIFETIME: Final = timedelta(hours=12)
_NEXT_KEY: Final = "x-soracom-next-key"


class SoracomClient:
    """One operator account."""

    def __init__(self, http: Http, credential: Credential, *, real: Callable[[], datetime]) -> None:
        self._http = http
        self._credential = credential
        self._real = real
        self._entry = Renewed(http, self._handshake, real=real)

    # --- the handshake

    async def login(self) -> None:
        """Fetch a new key and token. Raises `AuthFailed` when the credential is refused."""
        await self._entry.login()

    async def _handshake(self) -> Pass:
        asked_at = self._real()
        answer = await self._http.call(
            Call(
                method="POST",
                path="/auth",
                call_class="auth",
                body={
                    "authKeyId": self._credential.fields["auth_key_id"].reveal(),
                    "authKey": self._credential.fields["auth_key"].reveal(),
                    "tokenTimeoutSeconds": int(TOKEN_LIFETIME.total_seconds()),
                },
            )
        )
        given = handed_over(answer)
        key, token = given.get("apiKey"), given.get("token")
        if not (isinstance(key, str) and isinstance(token, str) and key and token):
            raise Unavailable("POST /auth: the reply carries no key and token")
        headers = {"X-Soracom-API-Key": Secret(key), "X-Soracom-Token": Secret(token)}
        return Pass(headers=headers, renew_at=renewal(asked_at, TOKEN_LIFETIME))

    async def _read(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        answer = await self._entry.send(Call(method="GET", path=path, call_class="read", params=params or {}))
        return self._http.readable(answer)

    async def _change(self, path: str, body: Mapping[str, object] | None = None) -> Reply | Denial:
        return await self._entry.send(Call(method="POST", path=path, call_class="write", changes=True, body=body))

    # --- reads

    async def list_sims(self, *, limit: int, after: str | None) -> tuple[object, str | None]:
        """GET /sims: a page and the key of the next one."""
        return _page(await self._read("/sims", _paged(limit, after)))

    async def get_sim(self, sim: str) -> object:
        """GET /sims/{sim_id}."""
        return (await self._read(f"/sims/{_part(sim)}")).value

    async def session_events(
        self, sim: str, *, since: datetime, until: datetime, limit: int, after: str | None
    ) -> tuple[object, str | None]:
        """GET /sims/{sim_id}/events/sessions; the period in UNIX milliseconds."""
        period = {"from": str(_millis(since)), "to": str(_millis(until))}
        return _page(await self._read(f"/sims/{_part(sim)}/events/sessions", {**period, **_paged(limit, after)}))

    async def air_stats(self, sim: str, *, since: datetime, until: datetime, period: str) -> object:
        """GET /stats/air/sims/{sim_id}; the period in UNIX seconds."""
        params = {"from": str(_millis(since) // 1000), "to": str(_millis(until) // 1000), "period": period}
        return (await self._read(f"/stats/air/sims/{_part(sim)}", params)).value

    async def list_groups(self, *, limit: int, after: str | None) -> tuple[object, str | None]:
        """GET /groups: a page and the key of the next one."""
        return _page(await self._read("/groups", _paged(limit, after)))

    # --- writes

    async def change_sim(self, sim: str, action: str) -> Reply | Denial:
        """POST /sims/{sim_id}/{action} without a body: activate, suspend, terminate, unset_group …"""
        return await self._change(f"/sims/{_part(sim)}/{action}")

    async def set_group(self, sim: str, group: str) -> Reply | Denial:
        """POST /sims/{sim_id}/set_group."""
        return await self._change(f"/sims/{_part(sim)}/set_group", {"groupId": group})

    async def set_speed(self, sim: str, speed: str) -> Reply | Denial:
        """POST /sims/{sim_id}/update_speed_class."""
        return await self._change(f"/sims/{_part(sim)}/update_speed_class", {"speedClass": speed})

    async def set_imei_lock(self, sim: str, imei: str) -> Reply | Denial:
        """POST /sims/{sim_id}/set_imei_lock; always with the IMEI, never "whatever it is in now"."""
        return await self._change(f"/sims/{_part(sim)}/set_imei_lock", {"imei": imei})

    async def send_sms(self, sim: str, text: str, *, encoding: int) -> Reply | Denial:
        """POST /sims/{sim_id}/send_sms; encoding 1 is GSM 7-bit, 2 is UCS-2."""
        return await self._change(f"/sims/{_part(sim)}/send_sms", {"payload": text, "encodingType": encoding})

    async def add_subscription(self, sim: str, iccid: str, *, subscription: str, enable: bool) -> Reply | Denial:
        """POST …/profiles/{iccid}/add_subscription."""
        body = {"subscription": subscription, "type": "cellular", "enable": enable}
        return await self._change(f"/sims/{_part(sim)}/profiles/{_part(iccid)}/add_subscription", body)

    async def cancel_download(self, sim: str, iccid: str, imsi: str) -> Reply | Denial:
        """POST …/profiles/{iccid}/subscribers/{imsi}/cancel_download."""
        where = f"/sims/{_part(sim)}/profiles/{_part(iccid)}/subscribers/{_part(imsi)}"
        return await self._change(f"{where}/cancel_download")

    # --- batch jobs

    async def batch_groups(self, *, limit: int, after: str | None) -> tuple[object, str | None]:
        """GET /batch_groups: a page and the key of the next one."""
        return _page(await self._read("/batch_groups", _paged(limit, after)))

    async def add_batch_group(self, name: str) -> Reply | Denial:
        """POST /batch_groups: a folder for jobs. It changes no SIM, so its silence is only a failure."""
        body = {"batchGroupName": name}
        return await self._entry.send(Call(method="POST", path="/batch_groups", call_class="write", body=body))

    async def start_job(self, group: str, action: str, sims: Sequence[str]) -> Reply | Denial:
        """POST /batch_groups/{id}/jobs: one action on many SIMs."""
        tasks = [{"request": {"path": f"/v1/sims/{_part(sim)}/{action}", "method": "POST"}} for sim in sims]
        body = {"jobName": f"fairlead {action}", "abortOnFailure": False, "tasks": tasks}
        path = f"/batch_groups/{_part(group)}/jobs"
        return await self._entry.send(Call(method="POST", path=path, call_class="bulk", changes=True, body=body))

    async def get_job(self, group: str, job: str) -> object:
        """GET /batch_groups/{id}/jobs/{job}."""
        return (await self._read(f"/batch_groups/{_part(group)}/jobs/{_part(job)}")).value

    async def tasks(self, group: str, job: str, *, limit: int, after: str | None) -> tuple[object, str | None]:
        """GET …/jobs/{job}/tasks: a page and the key of the next one."""
        path = f"/batch_groups/{_part(group)}/jobs/{_part(job)}/tasks"
        return _page(await self._read(path, _paged(limit, after)))


def _part(text: str) -> str:
    return quote(text, safe="")


def _millis(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _paged(limit: int, after: str | None) -> dict[str, str]:
    return {"limit": str(limit), **({"last_evaluated_key": after} if after else {})}


def _page(reply: Reply) -> tuple[object, str | None]:
    return reply.value, reply.headers.get(_NEXT_KEY) or None
