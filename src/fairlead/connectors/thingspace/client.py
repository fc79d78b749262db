"""ThingSpace's words over HTTP: paths, bodies, and the two tokens that go together. No domain, no retries.

An OAuth 2 token of the application opens the gateway, and with it a session of the account's user
is begun. Both go along with every request. The session ends when it is not used for 20 minutes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from fairlead.connectors._kit.entry import Pass, Renewed, basic, handed_over, oauth2_pass, signed
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.engine.ports.carrier import Credential, Secret, Unavailable

SESSION_IDLE: Final = timedelta(minutes=20)
_MARGIN: Final = timedelta(minutes=2)
_M2M: Final = "/m2m/v1"

Device = Mapping[str, object]


class ThingSpaceClient:
    """One billing account."""

    def __init__(self, http: Http, credential: Credential, account: str, *, real: Callable[[], datetime]) -> None:
        self._http = http
        self._credential = credential
        self._account = account
        self._real = real
        self._entry = Renewed(http, self._handshake, real=real, ended=_session_over)

    # --- the handshake

    async def login(self) -> None:
        """Fetch both tokens. Raises `AuthFailed` when the credential is refused."""
        await self._entry.login()

    async def _handshake(self) -> Pass:
        asked_at, secrets = self._real(), self._credential.fields
        application = basic(secrets["app_key"].reveal(), secrets["app_secret"])
        self._http.redactor.learn(*application.values())
        form = {"grant_type": "client_credentials"}
        call = Call(method="POST", path="/ts/v1/oauth2/token", call_class="auth", form=form)
        what = "POST /ts/v1/oauth2/token"
        opened = oauth2_pass(
            await self._http.call(signed(call, application)), asked_at, default=timedelta(hours=1), what=what
        )
        self._http.redactor.learn(*application.values(), *opened.headers.values())
        who = {"username": secrets["username"].reveal(), "password": secrets["password"].reveal()}
        call = Call(method="POST", path=f"{_M2M}/session/login", call_class="auth", body=who)
        token = handed_over(await self._http.call(signed(call, opened.headers))).get("sessionToken")
        if not (isinstance(token, str) and token):
            raise Unavailable("POST /m2m/v1/session/login: the reply carries no session")
        headers = {**opened.headers, "VZ-M2M-Token": Secret(token)}
        return Pass(headers=headers, renew_at=opened.renew_at, idle=SESSION_IDLE - _MARGIN)

    async def _get(self, path: str) -> Reply | Denial:
        return await self._entry.send(Call(method="GET", path=_M2M + path, call_class="read"))

    async def _ask(self, path: str, body: Mapping[str, object]) -> Reply | Denial:
        """A read that is a POST."""
        return await self._entry.send(Call(method="POST", path=_M2M + path, call_class="read", body=body))

    # --- reads

    async def account(self) -> object:
        """GET /accounts/{account}."""
        return self._http.readable(await self._get(f"/accounts/{_part(self._account)}")).value

    async def list_devices(self, *, after: int, most: int) -> object:
        """POST /devices/actions/list: in order of Verizon's own id, those behind `after`."""
        body = {"accountName": self._account, "largestDeviceIdSeen": after, "maxNumberOfDevices": most}
        return self._http.readable(await self._ask("/devices/actions/list", body)).value

    async def find_device(self, iccid: str) -> Reply | Denial:
        """POST /devices/actions/list for one."""
        body = {"accountName": self._account, "deviceId": {"id": iccid, "kind": "iccid"}}
        return await self._ask("/devices/actions/list", body)

    async def connections(self, iccid: str, *, since: datetime, until: datetime) -> Reply | Denial:
        """POST /devices/connections/actions/listHistory: at most 500 lines."""
        return await self._ask("/devices/connections/actions/listHistory", _period(iccid, since, until))

    async def usage(self, iccid: str, *, since: datetime, until: datetime) -> Reply | Denial:
        """POST /devices/usage/actions/list: by day, at most 500 lines."""
        return await self._ask("/devices/usage/actions/list", _period(iccid, since, until))

    async def request_status(self, request: str) -> Reply | Denial:
        """GET /accounts/{account}/requests/{id}/status: of a change of state for one device, and of nothing else."""
        return await self._get(f"/accounts/{_part(self._account)}/requests/{_part(request)}/status")

    # --- writes: each for one device, each answered with a request id

    async def change(self, action: str, ids: Sequence[Device], more: Mapping[str, object]) -> Reply | Denial:
        """POST /devices/actions/{activate, suspend, restore, deactivate}."""
        body = {"accountName": self._account, "devices": [{"deviceIds": list(ids)}], **more}
        path = f"{_M2M}/devices/actions/{action}"
        return await self._entry.send(Call(method="POST", path=path, call_class="write", changes=True, body=body))

    async def set_plan(self, iccid: str, plan: str) -> Reply | Denial:
        """PUT /devices/actions/plan."""
        devices = [{"deviceIds": [{"id": iccid, "kind": "iccid"}]}]
        body = {"accountName": self._account, "devices": devices, "servicePlan": plan}
        path = f"{_M2M}/devices/actions/plan"
        return await self._entry.send(Call(method="PUT", path=path, call_class="write", changes=True, body=body))

    async def send_sms(self, iccid: str, text: str, *, encoding: str) -> Reply | Denial:
        """POST /sms."""
        ids = [{"id": iccid, "kind": "iccid"}]
        body = {"accountName": self._account, "deviceIds": ids, "smsMessage": text, "dataEncoding": encoding}
        call = Call(method="POST", path=f"{_M2M}/sms", call_class="write", changes=True, body=body)
        return await self._entry.send(call)


def _session_over(denial: Denial) -> bool:
    """True for a refusal that is about the session: it says 400, and its code names the session's token."""
    return "SessionToken" in denial.raw.code


def _period(iccid: str, since: datetime, until: datetime) -> Mapping[str, object]:
    return {"deviceId": {"id": iccid, "kind": "iccid"}, "earliest": _time(since), "latest": _time(until)}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _part(text: str) -> str:
    return quote(text, safe="")
