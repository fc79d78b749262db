"""The world itself: devices in countries, cards in slots, and whether a card gets a session.

Simulated devices call `attach`, `connected`, `traffic` and `move`; carrier fakes call `set_state`
and read SIMs; tests and the demo call `faults`, `issue` and `add_device`. There is no task and no
socket in here: time comes from the clock that was given, everything happens inside a call. A change
that takes its time is carried out by the first call after it is due.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush
from typing import Literal

from fairlead_sim.world.atlas import COUNTRIES, NETWORKS, Country
from fairlead_sim.world.faults import Fault, Faults
from fairlead_sim.world.numbers import make_iccid, make_imei, make_imsi
from fairlead_sim.world.sims import Carrier, EventKind, Further, Session, SessionEvent, Sim, SimState, Standing

AttachReason = Literal[
    "no_card",
    "no_network",  # no agreement in this country
    "roaming_barred",
    "network_failure",
    "not_subscribed",  # suspended, on standby, deactivated
    "illegal_subscriber",  # terminated or unknown
    "imei_not_accepted",
    "unknown_apn",
]

# 3GPP TS 24.301: EMM causes (annex A) and ESM causes (annex B).
CAUSES: Mapping[AttachReason, int | None] = {
    "no_card": None,
    "no_network": 15,  # no suitable cells in tracking area
    "roaming_barred": 11,  # PLMN not allowed
    "network_failure": 17,
    "not_subscribed": 33,  # requested service option not subscribed
    "illegal_subscriber": 3,  # illegal UE
    "imei_not_accepted": 5,
    "unknown_apn": 27,  # missing or unknown APN
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRefused:
    """No session, and what the modem would report."""

    reason: AttachReason
    cause: int | None
    plmn: str = ""


@dataclass(slots=True, kw_only=True)
class Device:
    """A thing with a modem: one IMEI, some slots, one place."""

    id: str
    imei: str
    country: str
    slots: list[str | None]  # ICCID of the card in each
    session: Session | None = None
    on_drop: Callable[[Session], None] | None = field(default=None, repr=False)  # told when a session ends under it


class World:
    """All of it, from one seed, on one clock."""

    def __init__(
        self, *, clock: Callable[[], datetime], seed: int = 1, countries: Mapping[str, Country] = COUNTRIES
    ) -> None:
        self.clock = clock
        self.seed = seed
        self.countries = countries
        self.faults = Faults(seed)
        self.carriers: dict[str, Carrier] = {}
        self.devices: dict[str, Device] = {}
        self._sims: dict[str, Sim] = {}
        self._sessions = 0
        self._due: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._scheduled = 0

    # --- setting it up

    def add_carrier(
        self,
        carrier: str,
        *,
        name: str,
        home: str,
        apns: frozenset[str],
        roams_in: Mapping[str, tuple[str, ...]] | Literal["everywhere", "nowhere"] = "nowhere",
        lag: timedelta = timedelta(0),
        standby_plans: frozenset[str] = frozenset(),
        iccid_digits: int = 19,
        core: str = "",
    ) -> Carrier:
        """A carrier whose IMSIs begin with `home`; a home PLMN of a country of the atlas works there too.

        `core`: the upstream core behind it, which others may share.
        """
        network = NETWORKS.get(home)
        country = network.country if network else None
        roaming: dict[str, tuple[str, ...]] = {}
        if roams_in == "everywhere":
            roaming = {code: tuple(one.plmn for one in land.networks) for code, land in self.countries.items()}
        elif roams_in != "nowhere":
            roaming = dict(roams_in)
        if country is not None:
            roaming[country] = (home,)
        made = Carrier(
            id=carrier,
            name=name,
            home=home,
            country=country,
            apns=apns,
            roaming=roaming,
            lag=lag,
            standby_plans=standby_plans,
            iccid_digits=iccid_digits,
            core=core,
        )
        self.carriers[carrier] = made
        return made

    def issue(self, carrier: str, count: int, *, plan: str = "plan01s", state: SimState = "ready") -> list[Sim]:
        """New SIMs, numbered on from the last."""
        owner = self.carriers[carrier]
        mcc, _, mnc = owner.home.partition("-")
        calling = self.countries[owner.country].calling_code if owner.country else "882"
        branch = list(self.carriers).index(carrier) % 100
        now, made = self.clock(), list[Sim]()
        for serial in range(len(owner.sims) + 1, len(owner.sims) + count + 1):
            sim = Sim(
                iccid=make_iccid(f"89{calling}{mnc}{branch:02}", serial, owner.iccid_digits),
                imsi=make_imsi(mcc, mnc, branch * 10_000_000 + serial),
                msisdn=f"{calling}{branch:02}{serial:07}",
                carrier=carrier,
                plan=plan,
                state=state,
                created_at=now,
                modified_at=now,
            )
            sim.note(now)
            owner.sims[sim.iccid] = self._sims[sim.iccid] = sim
            made.append(sim)
        return made

    def add_device(self, device: str, *, country: str, slots: list[str | None], imei: str = "") -> Device:
        """A device with cards in its slots."""
        made = Device(
            id=device,
            imei=imei or make_imei("35209900", len(self.devices) + 1),
            country=country,
            slots=list(slots),
        )
        self.devices[device] = made
        for iccid in slots:
            if iccid is not None:
                self._sims[iccid].device = device
        return made

    def sim(self, iccid: str) -> Sim:
        """A SIM by its ICCID; KeyError when nobody issued it."""
        return self._sims[iccid]

    # --- what devices do

    def attach(self, device: str, slot: int, apn: str) -> Session | AttachRefused:
        """Try for a session with the card in that slot; one that is open on the modem ends first."""
        self.tick()
        modem = self.devices[device]
        if modem.session is not None:
            self.detach(device, cause="reattach")
        iccid = modem.slots[slot] if 0 <= slot < len(modem.slots) else None
        sim = self._sims.get(iccid or "")
        if sim is None:
            return AttachRefused(reason="no_card", cause=None)
        carrier = self.carriers[sim.carrier]
        refusal, plmn = self._refusal(modem, carrier, sim, apn)
        if refusal is not None:
            return AttachRefused(reason=refusal, cause=CAUSES[refusal], plmn=plmn)
        session = self._new_session(modem, slot, sim, plmn, apn)
        modem.session = sim.session = session
        now = session.started_at
        sim.last_seen_at = now
        if sim.state == "ready":
            sim.state, sim.modified_at = "active", now
            sim.note(now)
        for further in sim.further.values():
            further.began_at = further.began_at or now
        self._note(sim, "created", session, now)
        return session

    def _refusal(self, modem: Device, carrier: Carrier, sim: Sim, apn: str) -> tuple[AttachReason | None, str]:
        networks = carrier.networks_in(modem.country)
        if not networks:
            return "no_network", ""
        plmn = networks[0]
        open_to_it = [one for one in networks if sim.steering is None or sim.steering.admits(one)]
        if not open_to_it:
            return "roaming_barred", plmn
        plmn = open_to_it[0]
        if self.faults.meets("outage", carrier.id, key=sim.iccid, country=modem.country):
            return "network_failure", plmn
        if self.faults.meets("roaming_barred", carrier.id, key=sim.iccid, country=modem.country):
            return "roaming_barred", plmn
        if sim.state == "terminated":
            return "illegal_subscriber", plmn
        if not carrier.lets_in(sim.state) or sim.over_limit(self.clock()):
            return "not_subscribed", plmn
        if sim.imei_lock and modem.imei not in sim.imei_lock.split(","):
            return "imei_not_accepted", plmn
        return ("unknown_apn" if apn not in carrier.apns else None), plmn

    def _new_session(self, modem: Device, slot: int, sim: Sim, plmn: str, apn: str) -> Session:
        self._sessions += 1
        number = self._sessions
        place = sha256(f"{self.seed}|{modem.id}|{plmn}".encode()).digest()
        return Session(
            id=f"{self.seed:04x}-{number:012x}",
            device=modem.id,
            slot=slot,
            carrier=sim.carrier,
            iccid=sim.iccid,
            imsi=sim.imsi,
            imei=modem.imei,
            plmn=plmn,
            country=modem.country,
            rat=NETWORKS[plmn].rats[0] if plmn in NETWORKS else "LTE",
            tac=int.from_bytes(place[:2]),
            eci=int.from_bytes(place[2:6]) >> 4,  # 28 bits
            ip=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            apn=apn,
            started_at=self.clock(),
        )

    def connected(self, device: str) -> Session | None:
        """The open session of a device's modem."""
        return self.devices[device].session

    def detach(self, device: str, *, cause: str = "detach") -> None:
        """End the session of a device, if any. The device did this itself and is not told."""
        session = self.devices[device].session
        if session is not None:
            self._end(session, cause)

    def traffic(self, device: str, uplink: int, downlink: int) -> bool:
        """Carry bytes over the open session; False when there is none and nothing was carried."""
        self.tick()
        session = self.devices[device].session
        if session is None:
            return False
        if self._sims[session.iccid].over_limit(self.clock()):
            self._drop(session, "data_limit")
            return False
        session.uplink_bytes += uplink
        session.downlink_bytes += downlink
        now = self.clock()
        sim = self._sims[session.iccid]
        sim.last_seen_at = now
        sim.count(now, uplink, downlink)
        return True

    def move(self, device: str, country: str) -> None:
        """Take a device across a border; its session ends there and it must attach anew."""
        modem = self.devices[device]
        if modem.country == country:
            return
        session, modem.country = modem.session, country
        if session is not None:
            self._drop(session, "left_network")

    # --- what carriers do

    def set_state(self, iccid: str, state: SimState) -> None:
        """Change a subscription, at once or after what its carrier takes for it; meanwhile it is `pending`.

        A later wish replaces one that is still pending.
        """
        sim = self._sims[iccid]
        takes = self.carriers[sim.carrier].takes.get(state, timedelta(0))
        if takes <= timedelta(0):
            self._carry_out(sim, state, self.clock())
            return
        sim.pending = state
        sim.note(self.clock())

        def ripe(at: datetime) -> None:
            if sim.pending == state:
                self._carry_out(sim, state, at)

        self.after(takes, ripe)

    def after(self, delay: timedelta, action: Callable[[datetime], None]) -> None:
        """Have something done later in fleet time; it is told when it was due."""
        self._scheduled += 1
        heappush(self._due, (self.clock() + delay, self._scheduled, action))

    def tick(self) -> None:
        """Carry out what has become due."""
        while self._due and self._due[0][0] <= self.clock():
            at, _, action = heappop(self._due)
            action(at)

    def _carry_out(self, sim: Sim, state: SimState, at: datetime) -> None:
        """One that may not attach loses its session."""
        sim.state, sim.pending, sim.modified_at = state, None, at
        sim.note(at)
        if not self.carriers[sim.carrier].lets_in(state) and sim.session is not None:
            self._drop(sim.session, "subscription_off")

    def shown(self, iccid: str, *, verb: str = "") -> Standing:
        """How the carrier shows a SIM: later than it is by its lag, and by a `stale` fault."""
        self.tick()
        sim = self._sims[iccid]
        carrier = self.carriers[sim.carrier]
        stale = self.faults.meets("stale", carrier.id, key=iccid, country=self.country_of(sim), verb=verb)
        behind = max(carrier.state_lag, timedelta(seconds=stale.age_s if stale is not None else 0))
        return sim.stood(self.clock() - behind) if behind else sim.standing()

    def reset_connection(self, iccid: str) -> bool:
        """End a SIM's session from the network's side, so that its device comes back; False when there was none."""
        session = self._sims[iccid].session
        if session is None:
            return False
        self._drop(session, "network_reset")
        return True

    def order_further(self, iccid: str, plan: str) -> Further:
        """Order a further subscription for a card; it is delivered when the card is online."""
        sim = self._sims[iccid]
        now, count = self.clock(), len(sim.further) + 1
        further = Further(
            imsi=make_imsi("901", "40", int(sim.imsi[-8:]) * 10 + count % 10),
            plan=plan,
            msisdn=f"{sim.msisdn}{count}",
            ordered_at=now,
            began_at=now if sim.session is not None else None,
        )
        sim.further[further.imsi] = further
        return further

    def country_of(self, sim: Sim) -> str | None:
        """Where the device with this SIM is; None for a SIM in a drawer."""
        return self.devices[sim.device].country if sim.device is not None else None

    # --- what goes wrong

    def inject(self, fault: Fault) -> int:
        """Put a fault into force. A radio outage or bar drops the sessions it reaches."""
        handle = self.faults.inject(fault)
        if fault.kind in {"outage", "roaming_barred"}:
            for sim in self.carriers[fault.carrier].sims.values():
                session = sim.session
                if session is not None and fault.country in {None, session.country}:
                    self._drop(session, "network_failure" if fault.kind == "outage" else "roaming_barred")
        return handle

    def put_out(self, core: str) -> tuple[int, ...]:
        """An upstream core fails, and every carrier behind it; the handles put it back."""
        return tuple(
            self.inject(Fault(kind="outage", carrier=one.id)) for one in self.carriers.values() if one.core == core
        )

    def clear(self, handle: int | None = None) -> None:
        """Take one fault, or all, out of force."""
        self.faults.clear(handle)

    # --- sessions end

    def _drop(self, session: Session, cause: str) -> None:
        self._end(session, cause)
        told = self.devices[session.device].on_drop
        if told is not None:
            told(session)

    def _end(self, session: Session, cause: str) -> None:
        now = self.clock()
        session.ended_at, session.end_cause = now, cause
        sim = self._sims[session.iccid]
        sim.session = None
        self.devices[session.device].session = None
        self._note(sim, "deleted", session, now)

    def _note(self, sim: Sim, kind: EventKind, session: Session, at: datetime) -> None:
        sim.events.append(SessionEvent(at=at, kind=kind, session=session))
