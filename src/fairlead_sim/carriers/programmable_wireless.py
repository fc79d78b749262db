"""A carrier that speaks Programmable Wireless' contract over the simulated world, at KORE or at Twilio.

Strict where the vendor is: forbidden changes of state are error 33105, a SIM needs a rate plan to be
activated, one that is deactivated is canceled 72 hours later and never comes back. Its habits: a
change is `scheduled` until the operator carried it out (`Carrier.takes`), a reset takes its time, and
usage shows as late as `Carrier.usage_lag` says, which at the real one is up to a day.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fairlead_sim.carriers.desk import Refusal
from fairlead_sim.carriers.kore import Body, KoreFake, Message, answer, by_parameter, form, iso
from fairlead_sim.carriers.supersim import spans_of
from fairlead_sim.world.sims import Session, Sim, SimState

STATUS: Final[Mapping[SimState, str]] = {
    "inventory": "new",
    "ready": "ready",
    "active": "active",
    "standby": "suspended",
    "suspended": "suspended",
    "deactivated": "deactivated",
    "terminated": "canceled",
}
_WANTED: Final[Mapping[str, SimState]] = {
    "ready": "ready",
    "active": "active",
    "suspended": "suspended",
    "deactivated": "deactivated",
}
_FROM: Final[Mapping[str, frozenset[str]]] = {
    "ready": frozenset({"new"}),
    "active": frozenset({"new", "ready", "suspended"}),
    "suspended": frozenset({"ready", "active"}),
    "deactivated": frozenset({"ready", "active", "suspended"}),
}
_CANCELED_AFTER: Final = timedelta(hours=72)


class ProgrammableWirelessFake(KoreFake):
    """One Programmable Wireless account."""

    prefix: ClassVar[str] = "DE"
    message_prefix: ClassVar[str] = "DC"
    reset_takes: timedelta = timedelta(seconds=45)

    def __init__(self, *given: Any, **named: Any) -> None:
        """As `KoreFake`."""
        self.plans: dict[str, str] = {}
        self._resetting: set[str] = set()
        super().__init__(*given, **named)

    def add_plan(self, name: str) -> str:
        """A rate plan; gives its SID."""
        sid = f"WP{len(self.plans) + 1:032x}"
        self.plans[sid] = name
        return sid

    def _routes(self) -> list[Route]:
        read, change, get = self.desk.read, self.desk.change, ["GET"]
        verbs = {"active": "activate", "suspended": "suspend", "deactivated": "deactivate", "other": "update"}
        choices = {word: change(verb, self._switch) for word, verb in verbs.items()}
        choices |= {"plan": change("set_plan", self._set_plan), "reset": change("reset", self._reset)}
        return [
            *super()._routes(),
            Route("/v1/Sims", read("list", self._list), methods=get),
            Route("/v1/Sims/{sid}", read("get", self._get), methods=get),
            Route("/v1/Sims/{sid}", by_parameter(choices, _which), methods=["POST"]),
            Route("/v1/Sims/{sid}/UsageRecords", read("usage", self._usage), methods=get),
            Route("/v1/Sims/{sid}/DataSessions", read("sessions", self._sessions), methods=get),
            Route("/v1/Commands", change("send_sms", self._send), methods=["POST"]),
            Route("/v1/Commands/{message}", read("message", self._message), methods=get),
        ]

    # --- SIMs

    async def _list(self, request: Request) -> Response:
        return self.page(request, "sims", self.sims(), lambda sid: self._body(self.by_sid(sid)))

    async def _get(self, request: Request) -> Response:
        return answer(self._body(self.by_sid(request.path_params["sid"])))

    async def _switch(self, request: Request) -> Response:
        given, sim = await form(request), self.by_sid(request.path_params["sid"])
        word, callback = given.get("Status", ""), given.get("CallbackUrl", "")
        wanted = _WANTED.get(word)
        if wanted is None:
            raise Refusal("malformed", 400, message="Status must be ready, active, suspended or deactivated")
        if self.word(sim) not in _FROM[word]:
            raise Refusal("rule", 400, code="33105", message=f"The Sim cannot go from {self.word(sim)} to {word}")
        if word == "active" and not sim.plan:
            raise Refusal("rule", 400, message="The Sim must have a RatePlan first")
        self.settle(sim, wanted, callback, word)
        if wanted == "deactivated":
            takes = self.carrier.takes.get("deactivated", timedelta(0))
            self.world.after(takes + _CANCELED_AFTER, lambda _: self._cancel(sim, callback))
        return answer(self._body(sim))

    def _cancel(self, sim: Sim, callback: str) -> None:
        self.world.set_state(sim.iccid, "terminated")
        self.tell_state(callback, sim, "canceled")

    async def _set_plan(self, request: Request) -> Response:
        given, sim = await form(request), self.by_sid(request.path_params["sid"])
        if given["RatePlan"] not in self.plans:
            raise Refusal("malformed", 400, message="No such RatePlan")
        sim.plan, sim.modified_at = given["RatePlan"], self.world.clock()
        return answer(self._body(sim))

    async def _reset(self, request: Request) -> Response:
        sim = self.by_sid(request.path_params["sid"])
        if (await form(request))["ResetStatus"] != "resetting":
            raise Refusal("malformed", 400, message="ResetStatus must be resetting")
        self._resetting.add(sim.iccid)
        self.world.reset_connection(sim.iccid)
        self.world.after(self.reset_takes, lambda _: self._resetting.discard(sim.iccid))
        return answer(self._body(sim))

    def word(self, sim: Sim) -> str:
        """The contract's word."""
        return "scheduled" if sim.pending is not None else STATUS[sim.state]

    def _body(self, sim: Sim) -> Body:
        shown = self.world.shown(sim.iccid, verb="get")
        sid = self.sid(sim)
        url = f"https://wireless.carrier.example/v1/Sims/{sid}"
        return {
            "sid": sid,
            "unique_name": None,
            "friendly_name": None,
            "account_sid": self.account,
            "status": "scheduled" if shown.pending is not None else STATUS[shown.state],
            "rate_plan_sid": shown.plan if shown.plan in self.plans else None,
            "iccid": sim.iccid,
            "commands_callback_url": None,
            "commands_callback_method": "POST",
            "date_created": iso(sim.created_at),
            "date_updated": iso(shown.modified_at),
            "ip_address": None,
            "reset_status": "resetting" if sim.iccid in self._resetting else None,
            "links": {"usage_records": f"{url}/UsageRecords", "data_sessions": f"{url}/DataSessions"},
            "url": url,
        }

    # --- what was used

    async def _usage(self, request: Request) -> Response:
        sim, granularity = self.by_sid(request.path_params["sid"]), request.query_params.get("Granularity", "all")
        since, until = (datetime.fromisoformat(request.query_params[name]) for name in ("Start", "End"))
        lag = self.carrier.usage_lag
        spans = spans_of(sim, granularity, since, until, self.world.clock() - lag if lag else None)
        keyed = {f"{number:06}": one for number, one in enumerate(spans)}
        return self.page(request, "usage_records", list(keyed), lambda key: self._usage_body(sim, *keyed[key]))

    def _usage_body(self, sim: Sim, start: datetime, end: datetime, uplink: int, downlink: int) -> Body:
        counts = {
            "download": downlink,
            "upload": uplink,
            "total": uplink + downlink,
            "units": "bytes",
            "billed": 0,
            "billing_units": "USD",
        }
        nothing = {"from_sim": 0, "to_sim": 0, "total": 0, "billed": 0, "billing_units": "USD"}
        none = {**counts, "download": 0, "upload": 0, "total": 0}
        return {
            "sim_sid": self.sid(sim),
            "account_sid": self.account,
            "period": {"start": iso(start), "end": iso(end)},
            "commands": {**nothing, "home": nothing, "national_roaming": nothing, "international_roaming": []},
            "data": {**counts, "home": counts, "national_roaming": none, "international_roaming": []},
        }

    async def _sessions(self, request: Request) -> Response:
        sim = self.by_sid(request.path_params["sid"])
        known_at = self.world.clock() - self.carrier.lag
        found = {event.session.id: event.session for event in sim.events if event.at <= known_at}
        keyed = {f"{number:06}": one for number, one in enumerate(reversed(found.values()))}
        return self.page(
            request, "data_sessions", list(keyed), lambda key: self._session_body(sim, keyed[key], known_at)
        )

    def _session_body(self, sim: Sim, session: Session, known_at: datetime) -> Body:
        mcc, _, mnc = session.plmn.partition("-")
        ended = session.ended_at is not None and session.ended_at <= known_at
        return {
            "sid": f"WN{session.id.replace('-', ''):0>32}",
            "sim_sid": self.sid(sim),
            "account_sid": self.account,
            "radio_link": session.rat,
            "operator_mcc": mcc,
            "operator_mnc": mnc,
            "operator_country": session.country,
            "operator_name": "",
            "cell_id": str(session.eci),
            "cell_location_estimate": {"lat": 0.0, "lon": 0.0},
            "packets_uploaded": session.uplink_bytes // 100,
            "packets_downloaded": session.downlink_bytes // 100,
            "last_updated": iso(min(sim.last_seen_at or known_at, known_at)),
            "start": iso(session.started_at),
            "end": iso(session.ended_at) if ended and session.ended_at is not None else None,
            "imei": session.imei,
        }

    # --- messages

    async def _send(self, request: Request) -> Response:
        given = await form(request)
        sim, text, told = given.get("Sim", ""), given.get("Command", ""), given.get("CallbackUrl", "")
        return answer(self._message_body(await self.send_message("send_sms", sim, text, told)), 201)

    async def _message(self, request: Request) -> Response:
        return answer(self._message_body(self.message(request.path_params["message"])))

    def _message_body(self, message: Message) -> Body:
        return {
            "sid": message.sid,
            "account_sid": self.account,
            "sim_sid": self.sid(message.sim),
            "command": message.text,
            "command_mode": "text",
            "transport": "sms",
            "delivery_receipt_requested": True,
            "status": message.status,
            "direction": "to_sim",
            "date_created": iso(message.made_at),
            "date_updated": iso(message.updated_at or message.made_at),
            "url": f"https://wireless.carrier.example/v1/Commands/{message.sid}",
        }


def _which(given: Mapping[str, str]) -> str:
    if "RatePlan" in given:
        return "plan"
    if "ResetStatus" in given:
        return "reset"
    status = given.get("Status", "")
    return status if status in {"active", "suspended", "deactivated"} else "other"
