"""A carrier that speaks Super SIM's contract over the simulated world, at KORE or at Twilio.

Strict where the vendor is: a SIM without a fleet is not activated, `ready` is for new SIMs only, a
SIM that is `scheduled` takes no further update, fleets hold the limit and the networks of all their
SIMs. Its habits: what was consumed shows at once and is billed a day and a half later, an update may
wait for the operator (`Carrier.takes`) and one of the card's settings may fail (`fail_settings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fairlead_sim.carriers.desk import Refusal
from fairlead_sim.carriers.kore import Body, KoreFake, Message, answer, by_parameter, form, iso
from fairlead_sim.world.atlas import NETWORKS
from fairlead_sim.world.sims import Sim, SimState, Steering

STATUS: Final[Mapping[SimState, str]] = {
    "inventory": "new",
    "ready": "ready",
    "active": "active",
    "standby": "inactive",
    "suspended": "inactive",
    "deactivated": "inactive",
    "terminated": "inactive",
}
_WANTED: Final[Mapping[str, SimState]] = {"ready": "ready", "active": "active", "inactive": "suspended"}
_MEGABYTE: Final = 1_000_000
_BILLED_AFTER: Final = timedelta(hours=36)


@dataclass(slots=True, kw_only=True)
class Fleet:
    """What its SIMs share."""

    sid: str
    name: str
    megabytes: int = 1000
    profile: str
    sms: bool = True
    made_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Profile:
    """A network access profile."""

    sid: str
    name: str
    networks: frozenset[str] = field(default_factory=frozenset[str])
    made_at: datetime


class SuperSimFake(KoreFake):
    """One Super SIM account."""

    prefix: ClassVar[str] = "HS"
    message_prefix: ClassVar[str] = "HC"

    def __init__(self, *given: Any, **named: Any) -> None:
        """As `KoreFake`; the account begins with one profile, which allows every network."""
        self.fleets: dict[str, Fleet] = {}
        self.profiles: dict[str, Profile] = {}
        self.updates: list[Body] = []
        super().__init__(*given, **named)
        self.networks = {f"HW{ord(plmn[0]):02x}{plmn.replace('-', ''):0>30}": plmn for plmn in NETWORKS}
        self.everywhere = self._add_profile("everywhere", frozenset(self.networks)).sid

    def add_fleet(self, name: str) -> str:
        """A fleet; gives its SID."""
        now, number = self.world.clock(), len(self.fleets)
        sid = f"HF{number:032x}"
        self.fleets[sid] = Fleet(sid=sid, name=name, profile=self.everywhere, made_at=now, updated_at=now)
        return sid

    def join(self, sim: Sim, fleet: str) -> None:
        """Put a SIM into a fleet, with all that this means for it."""
        sim.group = fleet
        self._apply(self.fleets[fleet])
        sim.note(self.world.clock())

    def fail_settings(self, iccid: str) -> None:
        """Have an update of a card's settings fail now."""
        self.updates.append(self._update(self.carrier.sims[iccid], "failed"))

    def _add_profile(self, name: str, networks: frozenset[str]) -> Profile:
        made = Profile(sid=f"HA{len(self.profiles):032x}", name=name, networks=networks, made_at=self.world.clock())
        self.profiles[made.sid] = made
        return made

    def _routes(self) -> list[Route]:
        read, change, get = self.desk.read, self.desk.change, ["GET"]
        sim = by_parameter(
            {
                "active": change("activate", self._switch),
                "inactive": change("suspend", self._switch),
                "fleet": change("set_group", self._set_fleet),
                "other": change("update", self._switch),
            },
            lambda given: "fleet" if "Fleet" in given else _known(given.get("Status", "")),
        )
        fleet = by_parameter(
            {"limit": change("set_limit", self._change_fleet), "networks": change("set_networks", self._change_fleet)},
            lambda given: "limit" if "DataLimit" in given else "networks",
        )
        profiles = "/v1/NetworkAccessProfiles"
        return [
            *super()._routes(),
            Route("/v1/Sims", read("list", self._list), methods=get),
            Route("/v1/Sims/{sid}", read("get", self._get), methods=get),
            Route("/v1/Sims/{sid}", sim, methods=["POST"]),
            Route("/v1/Fleets", read("fleets", self._fleets), methods=get),
            Route("/v1/Fleets/{fleet}", read("fleet", self._fleet), methods=get),
            Route("/v1/Fleets/{fleet}", fleet, methods=["POST"]),
            Route("/v1/Networks", read("networks", self._networks), methods=get),
            Route(profiles, read("add_profile", self._make_profile), methods=["POST"]),
            Route(profiles + "/{profile}", read("profile", self._profile), methods=get),
            Route(profiles + "/{profile}/Networks", read("profile_networks", self._profile_networks), methods=get),
            Route("/v1/SettingsUpdates", read("settings_updates", self._settings_updates), methods=get),
            Route("/v1/SmsCommands", change("send_sms", self._send), methods=["POST"]),
            Route("/v1/SmsCommands/{message}", read("message", self._message), methods=get),
            Route("/v1/UsageRecords", read("usage", self._usage), methods=get),
        ]

    # --- SIMs

    async def _list(self, request: Request) -> Response:
        fleet = request.query_params.get("Fleet")
        shown = [sid for sid in self.sims() if fleet is None or self.by_sid(sid).group == fleet]
        return self.page(request, "sims", shown, lambda sid: self._body(self.by_sid(sid)))

    async def _get(self, request: Request) -> Response:
        return answer(self._body(self.by_sid(request.path_params["sid"])))

    async def _switch(self, request: Request) -> Response:
        given, sim = await form(request), self.by_sid(request.path_params["sid"])
        wanted = _WANTED.get(given.get("Status", ""))
        if wanted is None:
            raise Refusal("malformed", 400, message="Status must be ready, active or inactive")
        if sim.pending is not None:
            raise Refusal("rule", 409, message="The Sim is being updated")
        if not sim.group:
            raise Refusal("rule", 400, message="The Sim must be assigned to a Fleet first")
        if (wanted == "ready" and sim.state != "inventory") or (wanted == "suspended" and sim.state == "inventory"):
            raise Refusal("rule", 400, message=f"The Sim cannot go from {STATUS[sim.state]} to {STATUS[wanted]}")
        verb = "activate" if wanted == "active" else "suspend"
        waits = self.settle(sim, wanted, given.get("CallbackUrl", ""), verb)
        return answer(self._body(sim), 202 if waits else 200)

    async def _set_fleet(self, request: Request) -> Response:
        given, sim = await form(request), self.by_sid(request.path_params["sid"])
        if sim.pending is not None:
            raise Refusal("rule", 409, message="The Sim is being updated")
        self.join(sim, self._named(given["Fleet"]).sid)
        sim.modified_at = self.world.clock()
        self.tell_state(given.get("CallbackUrl", ""), sim, "set_group")
        return answer(self._body(sim))

    def word(self, sim: Sim) -> str:
        """The contract's word."""
        return "scheduled" if sim.pending is not None else STATUS[sim.state]

    def _body(self, sim: Sim) -> Body:
        shown = self.world.shown(sim.iccid, verb="get")
        sid = self.sid(sim)
        return {
            "sid": sid,
            "unique_name": None,
            "account_sid": self.account,
            "iccid": sim.iccid,
            "status": "scheduled" if shown.pending is not None else STATUS[shown.state],
            "fleet_sid": shown.group or None,
            "date_created": iso(sim.created_at),
            "date_updated": iso(shown.modified_at),
            "url": f"https://supersim.carrier.example/v1/Sims/{sid}",
            "links": {"billing_periods": f"https://supersim.carrier.example/v1/Sims/{sid}/BillingPeriods"},
        }

    # --- fleets and networks

    def _named(self, name: str) -> Fleet:
        found = self.fleets.get(name) or next((one for one in self.fleets.values() if one.name == name), None)
        if found is None:
            raise Refusal("unknown", 404, message=f"The requested resource {name} was not found")
        return found

    async def _fleets(self, request: Request) -> Response:
        return self.page(request, "fleets", sorted(self.fleets), lambda sid: self._fleet_body(self.fleets[sid]))

    async def _fleet(self, request: Request) -> Response:
        return answer(self._fleet_body(self._named(request.path_params["fleet"])))

    async def _change_fleet(self, request: Request) -> Response:
        given, fleet = await form(request), self._named(request.path_params["fleet"])
        if "DataLimit" in given:
            if not given["DataLimit"].isdigit() or not 1 <= int(given["DataLimit"]) <= 2_000_000:  # noqa: PLR2004
                raise Refusal("malformed", 400, message="DataLimit must be from 1 to 2000000")
            fleet.megabytes = int(given["DataLimit"])
        if "NetworkAccessProfile" in given:
            fleet.profile = self._profile_named(given["NetworkAccessProfile"]).sid
        fleet.updated_at = self.world.clock()
        verb = "set_limit" if "DataLimit" in given else "set_networks"
        for sim in self._apply(fleet):
            self.desk.count(verb, sim)
        return answer(self._fleet_body(fleet))

    def _apply(self, fleet: Fleet) -> list[Sim]:
        """What a fleet says holds for all its SIMs."""
        plmns = frozenset(self.networks[one] for one in self.profiles[fleet.profile].networks)
        mine = [sim for sim in self.carrier.sims.values() if sim.group == fleet.sid]
        for sim in mine:
            sim.limit_bytes = fleet.megabytes * _MEGABYTE
            sim.steering = None if fleet.profile == self.everywhere else Steering(kind="allow", plmns=plmns)
        return mine

    def _fleet_body(self, fleet: Fleet) -> Body:
        return {
            "account_sid": self.account,
            "sid": fleet.sid,
            "unique_name": fleet.name,
            "date_created": iso(fleet.made_at),
            "date_updated": iso(fleet.updated_at),
            "url": f"https://supersim.carrier.example/v1/Fleets/{fleet.sid}",
            "data_enabled": True,
            "data_limit": fleet.megabytes,
            "data_metering": "payg",
            "sms_commands_enabled": fleet.sms,
            "sms_commands_url": None,
            "sms_commands_method": "POST",
            "network_access_profile_sid": fleet.profile,
            "ip_commands_url": None,
            "ip_commands_method": "POST",
        }

    async def _networks(self, request: Request) -> Response:
        mcc, mnc = request.query_params.get("Mcc", ""), request.query_params.get("Mnc", "")
        shown = sorted(sid for sid, plmn in self.networks.items() if plmn.startswith(mcc) and plmn.endswith("-" + mnc))
        return self.page(request, "networks", shown, self._network_body)

    def _network_body(self, sid: str) -> Body:
        network = NETWORKS[self.networks[sid]]
        return {
            "sid": sid,
            "friendly_name": network.name,
            "url": f"https://supersim.carrier.example/v1/Networks/{sid}",
            "iso_country": network.country,
            "identifiers": [{"mcc": network.mcc, "mnc": network.mnc}],
        }

    def _profile_named(self, name: str) -> Profile:
        found = self.profiles.get(name) or next((one for one in self.profiles.values() if one.name == name), None)
        if found is None:
            raise Refusal("unknown", 404, message=f"The requested resource {name} was not found")
        return found

    async def _profile(self, request: Request) -> Response:
        return answer(self._profile_body(self._profile_named(request.path_params["profile"])))

    async def _make_profile(self, request: Request) -> Response:
        given = parse_qsl((await request.body()).decode())
        name = dict(given).get("UniqueName", "")
        networks = frozenset(value for key, value in given if key == "Networks")
        if any(one.name == name for one in self.profiles.values()) or not networks <= set(self.networks):
            raise Refusal("rule", 400, message="The name is taken, or a network is unknown")
        return answer(self._profile_body(self._add_profile(name, networks)), 201)

    async def _profile_networks(self, request: Request) -> Response:
        profile = self._profile_named(request.path_params["profile"])
        return self.page(
            request,
            "networks",
            sorted(profile.networks),
            lambda sid: {**self._network_body(sid), "network_access_profile_sid": profile.sid},
        )

    def _profile_body(self, profile: Profile) -> Body:
        url = f"https://supersim.carrier.example/v1/NetworkAccessProfiles/{profile.sid}"
        return {
            "sid": profile.sid,
            "unique_name": profile.name,
            "account_sid": self.account,
            "date_created": iso(profile.made_at),
            "date_updated": iso(profile.made_at),
            "url": url,
            "links": {"networks": f"{url}/Networks"},
        }

    # --- settings, messages, usage

    async def _settings_updates(self, request: Request) -> Response:
        sim, status = request.query_params.get("Sim"), request.query_params.get("Status")
        keyed = {
            f"{number:06}": one
            for number, one in enumerate(self.updates)
            if sim in {None, one["sim_sid"]} and status in {None, one["status"]}
        }
        return self.page(request, "settings_updates", list(keyed), lambda key: keyed[key])

    def _update(self, sim: Sim, status: str) -> Body:
        now = iso(self.world.clock())
        return {
            "sid": f"OB{len(self.updates):032x}",
            "iccid": sim.iccid,
            "sim_sid": self.sid(sim),
            "status": status,
            "packages": [],
            "date_completed": None,
            "date_created": now,
            "date_updated": now,
        }

    async def _send(self, request: Request) -> Response:
        given = await form(request)
        sim, text, told = given.get("Sim", ""), given.get("Payload", ""), given.get("CallbackUrl", "")
        return answer(self._message_body(await self.send_message("send_sms", sim, text, told)), 201)

    async def _message(self, request: Request) -> Response:
        return answer(self._message_body(self.message(request.path_params["message"])))

    def _message_body(self, message: Message) -> Body:
        return {
            "sid": message.sid,
            "account_sid": self.account,
            "sim_sid": self.sid(message.sim),
            "payload": message.text,
            "status": message.status,
            "direction": "to_sim",
            "date_created": iso(message.made_at),
            "date_updated": iso(message.updated_at or message.made_at),
            "url": f"https://supersim.carrier.example/v1/SmsCommands/{message.sid}",
        }

    async def _usage(self, request: Request) -> Response:
        sim, granularity = self.by_sid(request.query_params.get("Sim", "")), request.query_params.get("Granularity")
        since, until = (datetime.fromisoformat(request.query_params[name]) for name in ("StartTime", "EndTime"))
        spans = spans_of(sim, granularity or "all", since, until, self._known_at())
        keyed = {f"{number:06}": one for number, one in enumerate(spans)}
        return self.page(request, "usage_records", list(keyed), lambda key: self._usage_body(sim, *keyed[key]), 249)

    def _known_at(self) -> datetime | None:
        return self.world.clock() - self.carrier.usage_lag if self.carrier.usage_lag else None

    def _usage_body(self, sim: Sim, start: datetime, end: datetime, uplink: int, downlink: int) -> Body:
        billed = end + _BILLED_AFTER <= self.world.clock() and uplink + downlink > 0
        return {
            "account_sid": self.account,
            "sim_sid": self.sid(sim),
            "network_sid": None,
            "fleet_sid": None,
            "iso_country": None,
            "period": {"start_time": iso(start), "end_time": iso(end)},
            "data_upload": uplink,
            "data_download": downlink,
            "data_total": uplink + downlink,
            "data_total_billed": round((uplink + downlink) * 1e-8, 6) if billed else 0,
            "billed_unit": "USD" if billed else None,
        }


def spans_of(
    sim: Sim, granularity: str, since: datetime, until: datetime, known_at: datetime | None
) -> list[tuple[datetime, datetime, int, int]]:
    """Bytes by hour, by day, or of all of a period: (start, end, up, down), oldest first."""
    if granularity in {"hour", "hourly"}:
        hours: dict[datetime, list[int]] = {}
        for slot, up, down in sim.by_minutes:
            if since <= slot < until and (known_at is None or slot + timedelta(minutes=5) <= known_at):
                both = hours.setdefault(slot.replace(minute=0), [0, 0])
                both[0], both[1] = both[0] + up, both[1] + down
        return [(at, at + timedelta(hours=1), up, down) for at, (up, down) in sorted(hours.items())]
    days = [
        (_midnight(day), _midnight(day) + timedelta(days=1), up, down)
        for day, (up, down) in sim.days(known_at).items()
        if _midnight(day) < until and _midnight(day) + timedelta(days=1) > since
    ]
    if granularity in {"day", "daily"}:
        return days
    return [(since, until, sum(one[2] for one in days), sum(one[3] for one in days))]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _known(status: str) -> str:
    return status if status in {"active", "inactive"} else "other"
