"""What the destination's law says of a shipment: permanent roaming, IMEI registration, certification, other duties.

Every reason carries the rule it rests on, with sources and date; none of it is legal advice. A rule refuses
only where it is law: a report or a recommendation that would forbid is said as unknown. Days until a limit
are those of the roaming clock itself, read for a device that arrives on the planned day and stays.

`insight.shipments` asks; pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from fairlead.insight.roaming import Presence, days_left, read_clock
from fairlead.model.rules import (
    IMEI_TOPIC,
    PERMANENT_ROAMING,
    ROAMING_TOPICS,
    EffectCode,
    Freshness,
    Kind,
    Rule,
    Sim,
    Stance,
    binds,
    strictest,
)
from fairlead.model.shipment import Certificate, Consignment, Level, Reason, ShippedSim, Topic

CERTIFICATION: Final = "certification"
_ENDING: Final = timedelta(days=90)  # a certificate that ends so soon after arrival is worth a look
_DUTIES: Final = frozenset({
    "licensing", "sim_registration", "data_localisation", "cybersecurity", "numbering", "esim_platform",
    "network_security", "service_restriction", "roaming_cooling_off",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Where a line goes, and what is known there."""

    country: str
    arrives_on: date
    rules: Sequence[Rule]  # of the destination
    local: frozenset[str]  # accounts whose register names local IMSIs there
    sku: str | None
    certificates: Mapping[tuple[str, Topic], Certificate]

    @property
    def at(self) -> datetime:
        """Noon of the day of arrival."""
        return datetime.combine(self.arrives_on, time(12), UTC)

    def of(self, topics: Iterable[str]) -> list[Rule]:
        """Rules of these topics that are in force on arrival."""
        wanted = frozenset(topics)
        return [rule for rule in self.rules if rule.topic in wanted and rule.in_force(self.arrives_on)]

    def at_home(self, sim: ShippedSim) -> bool:
        """Whether a SIM is a local one there."""
        return sim.home == self.country or (sim.multi_imsi and sim.account in self.local)

    def held(self, topic: Topic) -> Certificate | None:
        """What the SKU was granted there."""
        return self.certificates.get((self.sku, topic)) if self.sku is not None else None


# --- permanent roaming --------------------------------------------------------------------------


def roaming(journey: Journey, in_use: Sequence[ShippedSim], sims: Sequence[ShippedSim]) -> Iterable[Reason]:
    """What the law says of the SIMs in use; nothing where one of them is local."""
    if not in_use or any(journey.at_home(sim) for sim in in_use):
        return
    foreign = [sim for sim in in_use if sim.home is not None or sim.stateless]
    if not foreign:
        yield Reason(
            level="unknown", code="home-unknown", about=",".join(sorted({sim.account for sim in in_use})),
            says=f"nobody said where the SIMs are at home: whether they roam in {journey.country} is not known",
            do="say it: `fairlead import sims` with imsi or home_country, or the account's home country",
        )  # fmt: skip
        return
    hard = strictest(journey.of({PERMANENT_ROAMING}))
    if hard is None or hard.stance is Stance.UNKNOWN:
        yield _because(
            hard, level="unknown", code="law-unknown", about=journey.country,
            says=f"nobody has read what {journey.country} says about permanent roaming, and the SIMs are foreign there",
            do="ask the authority or your carrier, and send SIMs that are at home there where in doubt",
        )  # fmt: skip
    elif hard.stance is Stance.PROHIBITED:
        yield _because(
            hard, level=_force(hard), code="roaming-prohibited", about=hard.id, compliance=True,
            says=f"{journey.country} prohibits permanent roaming, and the SIMs in use are at home in "
            f"{', '.join(sorted({sim.home or 'no country' for sim in foreign}))}: {hard.summary}",
            do=_instead(journey, sims),
        )  # fmt: skip
    elif hard.stance is Stance.CARRIER_POLICY:
        yield _because(
            hard, level="warning", code="carrier-policy", about=hard.id,
            says=f"carriers in {journey.country} have rules of their own on permanent roaming: {hard.summary}",
            do="ask the carrier of the SIMs for its word in writing",
        )  # fmt: skip
    yield from _limits(journey, foreign[0], sims, hard)


def _limits(journey: Journey, sim: ShippedSim, sims: Sequence[ShippedSim], hard: Rule | None) -> Iterable[Reason]:
    """Clocks that begin to run on arrival."""
    if hard is not None and hard.stance is Stance.PROHIBITED:
        return
    counted = False
    for rule in journey.of(ROAMING_TOPICS):
        left = _left(rule, journey, sim) if binds(rule) else None
        if left is None:
            continue
        counted = True
        day = journey.arrives_on + timedelta(days=left)
        yield _because(
            rule, level="refused" if left == 0 else "warning", code="roaming-limited", about=rule.id, compliance=True,
            says=f"on a foreign SIM the limit is reached {left} days after arrival, about {day}: {rule.summary}",
            do=f"have a policy move them to a local profile before {day}. {_instead(journey, sims)}",
        )  # fmt: skip
    if hard is not None and hard.stance in {Stance.RESTRICTED, Stance.CONDITIONAL} and not counted:
        yield _because(
            hard, level="unknown", code="no-count", about=hard.id,
            says=f"{journey.country} restricts permanent roaming, and how long devices may stay is not known:"
            f" {hard.summary}",
            do=f"ask the authority or your carrier. {_instead(journey, sims)}",
        )  # fmt: skip


def _left(rule: Rule, journey: Journey, sim: ShippedSim) -> int | None:
    """Days from arrival to the limit; None: this rule does not count such a SIM."""
    seen = Presence(
        device="shipped", country=journey.country, first=journey.at, last=journey.at, home_country=sim.home,
        iccid="shipped", imei="shipped", eid="shipped" if sim.esim else None, account=sim.account,
    )  # fmt: skip
    reading = read_clock(rule, [seen], now=journey.at)
    return None if reading.breach_at is None else days_left(reading.breach_at, journey.at)


def _instead(journey: Journey, sims: Sequence[ShippedSim]) -> str:
    ready = sorted({sim.account for sim in sims if journey.at_home(sim)})
    if ready:
        return f"The profile of {', '.join(ready)} on the card is a local one: have it enabled before they leave"
    if journey.local:
        return f"Send SIMs of an account with local IMSIs there: {', '.join(sorted(journey.local))}"
    return f"Send SIMs that are at home in {journey.country}, or download such a profile"


# --- IMEI registration --------------------------------------------------------------------------


def imei_duty(journey: Journey, about: Consignment, in_use: Sequence[ShippedSim]) -> Iterable[Reason]:
    """Whether the IMEIs must be registered there, and whether that is recorded."""
    held = journey.held(IMEI_TOPIC)
    if held is not None and _valid(held, journey.arrives_on):
        return
    local = any(journey.at_home(sim) for sim in in_use)
    for rule in journey.of({IMEI_TOPIC}):
        if not in_use or not _looks_at(rule, local=local):
            continue
        if rule.stance is Stance.UNKNOWN:
            yield _because(
                rule, level="unknown", code="imei-unknown", about=rule.id,
                says=f"whether {journey.country} wants IMEIs registered is not known: {rule.summary}",
                do="ask the authority or your carrier there",
            )  # fmt: skip
        elif rule.stance not in {Stance.PERMISSIVE, Stance.CARRIER_POLICY}:
            yield _registered(journey, about, in_use[0], rule)


def _registered(journey: Journey, about: Consignment, sim: ShippedSim, rule: Rule) -> Reason:
    register = (
        f"register them with {rule.authority or 'the authority'}, then record it for {journey.sku or 'the SKU'}:"
        " `fairlead import certificates` with the topic imei_registration"
    )
    if not about.imei:
        return _because(
            rule, level=_force(rule), code="imei-missing", about=rule.id,
            says=f"{journey.country} wants IMEIs registered, and none is recorded of the devices: {rule.summary}",
            do="import them: `fairlead import devices` with the column imei; then " + register,
        )  # fmt: skip
    left = _left(rule, journey, sim) if rule.counts else None
    if left is not None:
        return _because(
            rule, level="warning", code="imei-due", about=rule.id,
            says=f"the IMEIs must be registered within {left} days of arrival: {rule.summary}", do=register,
        )  # fmt: skip
    blocked = rule.effect is not None and rule.effect.code in {EffectCode.BLOCKED, EffectCode.SERVICE_LOST}
    end = ", and what is not is blocked" if blocked else ""
    return _because(
        rule, level="unknown", code="imei-unrecorded", about=rule.id,
        says=f"{journey.country} wants IMEIs registered{end}; nobody recorded that these are: {rule.summary}",
        do=register,
    )  # fmt: skip


def _looks_at(rule: Rule, *, local: bool) -> bool:
    match rule.scope.sim:
        case Sim.LOCAL | Sim.NATIONAL:
            return local
        case Sim.FOREIGN:  # what a rule on IMEIs says when it says nothing: the equipment is meant, not the SIM
            return True
        case Sim.ANY:
            return True


# --- certification ------------------------------------------------------------------------------


def certified(journey: Journey) -> Iterable[Reason]:
    """Whether the SKU may be used there, by the record of certificates."""
    rules, held = journey.of({CERTIFICATION}), journey.held("certification")
    duty = next((rule for rule in rules if rule.stance in {Stance.MANDATORY, Stance.CONDITIONAL}), None)
    sku = journey.sku
    path = f"/v1/certificates/{sku or 'SKU'}/{journey.country}/certification"
    record = f"`fairlead import certificates`, or PUT {path}"
    if held is not None and not _valid(held, journey.arrives_on):
        early = held.valid_from is not None and held.valid_from > journey.arrives_on
        when = f"begins on {held.valid_from}" if early else f"ends on {held.valid_until}"
        yield _because(
            duty, level="refused", code="certificate-not-begun" if early else "certificate-expired",
            about=f"{held.sku}:{held.number}",
            says=f"certificate {held.number} of {held.sku} {when}, and the devices arrive on {journey.arrives_on}",
            do=f"have it renewed and record that: {record}; or change the day",
        )  # fmt: skip
    elif held is not None:
        if held.valid_until is not None and held.valid_until - journey.arrives_on <= _ENDING:
            yield _because(
                duty, level="warning", code="certificate-ending", about=f"{held.sku}:{held.number}",
                says=f"certificate {held.number} of {held.sku} ends on {held.valid_until}, soon after arrival",
                do="have it renewed, and record that: " + record,
            )  # fmt: skip
    elif duty is not None:
        yield _because(
            duty, level=_force(duty), code="certificate-missing", about=sku or "",
            says=f"{journey.country} wants {duty.authority or 'a'} approval, and none is recorded of"
            f" {sku or 'devices without a SKU'}: {duty.summary}",
            do=f"have the SKU approved, then record it: {record}",
        )  # fmt: skip
    elif not any(rule.stance is Stance.PERMISSIVE for rule in rules):
        yield _because(
            rules[0] if rules else None, level="unknown", code="certification-unknown", about=journey.country,
            says=f"nobody has read which approval {journey.country} asks of radio equipment, and none is recorded",
            do="ask the authority, and record what the SKU holds: " + record,
        )  # fmt: skip


def _valid(held: Certificate, on: date) -> bool:
    return (held.valid_from is None or held.valid_from <= on) and (held.valid_until is None or on <= held.valid_until)


# --- what is true of the country, whatever is sent ------------------------------------------------


def duties(journey: Journey, today: date) -> Iterable[Reason]:
    """Other duties there, and readings that are old."""
    for rule in journey.of(_DUTIES):
        if rule.stance in {Stance.MANDATORY, Stance.RESTRICTED, Stance.CONDITIONAL, Stance.PROHIBITED}:
            yield _because(
                rule, level="warning", code="duty", about=rule.id,
                says=f"{rule.topic.replace('_', ' ')}: {rule.summary}",
                do="see that it is dealt with: nothing here can judge it",
            )  # fmt: skip
    now = datetime.combine(today, time(), UTC)
    for rule in journey.of({PERMANENT_ROAMING, IMEI_TOPIC, CERTIFICATION}):
        if rule.freshness(now) is Freshness.RED:
            yield _because(
                rule, level="warning", code="reading-old", about=rule.id,
                says=f"what is known of {rule.topic.replace('_', ' ')} was read on {rule.as_of}, over a year ago",
                do="have somebody read it again before relying on it",
            )  # fmt: skip


def _force(rule: Rule) -> Level:
    """A law refuses; what somebody recommends or reports is not known to bind."""
    return "refused" if rule.kind is Kind.LAW else "unknown"


def _because(
    rule: Rule | None, *, level: Level, code: str, about: str, says: str, do: str, compliance: bool = False
) -> Reason:
    return Reason(
        level=level, code=code, about=about, says=says, do=do, rule=rule.id if rule else None,
        sources=rule.sources if rule else (), as_of=rule.as_of if rule else None,
        override="compliance" if compliance else "nobody",
    )  # fmt: skip
