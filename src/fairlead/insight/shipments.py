"""May these devices leave: would they be illegal, or out of reach, in the country they are sent to?

Judged by the set: devices that are alike (SKU, SIMs, where they stand) are one `Consignment` and get one
answer. Three questions in turn: the law of the destination (`insight.shipment_law`), what it wants of the
SKU, and whether anything would carry them there. What nobody knows is said as unknown and never passed over.

`engine.shipments` calls this at the check and again at the door.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from fairlead.insight.radio import Ends
from fairlead.insight.shipment_law import Journey, duties, imei_duty, roaming
from fairlead.insight.shipment_law import certified as certificate_duty
from fairlead.model.radio import Rat, SkuRadio
from fairlead.model.rules import NOTICE, Rule
from fairlead.model.shipment import (
    Activation,
    Certificate,
    Consignment,
    Overrider,
    Reason,
    ShippedSim,
    Shipping,
    Topic,
    overrider,
    stops,
)

_GONE: Final = frozenset({"terminated"})
_LIVE: Final = frozenset({"active", "ready"})
_RANK: Final[Mapping[Overrider, int]] = {"approver": 0, "compliance": 1, "nobody": 2}
_YEAR_DAYS: Final = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known of the destination, and of the tenant's SKUs and accounts."""

    country: str
    arrives_on: date
    today: date
    sku: str | None  # what the shipment was said to be
    rules: Sequence[Rule]  # of the destination
    listed: Mapping[str, frozenset[Rat]]  # what accounts list there
    lists: frozenset[str]  # accounts that list anything anywhere
    local: frozenset[str]  # accounts whose register names local IMSIs there
    radios: Mapping[str, SkuRadio]
    ends: Ends
    certificates: Mapping[tuple[str, Topic], Certificate]  # of the destination
    able: Mapping[str, str]  # accounts that can activate a line, else why not; empty: it can
    shipping: Shipping

    def journey(self, sku: str | None) -> Journey:
        """What the law needs to know."""
        return Journey(
            country=self.country, arrives_on=self.arrives_on, rules=self.rules, local=self.local, sku=sku,
            certificates=self.certificates,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One line, with what was found."""

    about: Consignment
    members: tuple[UUID, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of a shipment."""

    lines: tuple[Judged, ...]
    reasons: tuple[Reason, ...]  # of the whole
    activation: Activation
    digest: bytes  # over what was judged by; days that come nearer are not part of it
    strict: bool

    @property
    def found(self) -> Iterable[Reason]:
        """All reasons, of the whole and of its lines."""
        yield from self.reasons
        for line in self.lines:
            yield from line.reasons

    @property
    def stopping(self) -> tuple[Reason, ...]:
        """Those that stop it."""
        return tuple(one for one in self.found if stops(one, strict=self.strict))

    @property
    def override(self) -> Overrider | None:
        """Who may let it leave; None: nothing stops it."""
        found: list[Overrider] = [overrider(one) for one in self.stopping]
        return max(found, key=lambda one: _RANK[one]) if found else None


def judge(world: World, lines: Sequence[tuple[Consignment, tuple[UUID, ...]]], activation: Activation) -> Verdict:
    """Judge a shipment. Pure: the same facts on the same day give the same verdict."""
    judged = tuple(
        Judged(about=about, members=members, reasons=tuple(_line(about, world))) for about, members in lines
    )  # fmt: skip
    whole = (*_whole(world), *_blocked(activation))
    return Verdict(
        lines=judged, reasons=whole, activation=activation, digest=_digest(world, judged, whole),
        strict=world.shipping.strict,
    )  # fmt: skip


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> list[dict[str, str | int]]:
    """What differs between two verdicts, as devices by reason; see `tally`."""
    return [
        {"reason": key, "before": before.get(key, 0), "now": after.get(key, 0)}
        for key in sorted(before.keys() | after.keys())
        if before.get(key, 0) != after.get(key, 0)
    ]


def tally(devices: int, whole: Iterable[Reason], lines: Iterable[tuple[int, Iterable[Reason]]]) -> dict[str, int]:
    """Devices by reason; those of the whole count for all."""
    found = {one.key: devices for one in whole}
    for count, reasons in lines:
        for one in reasons:
            found[one.key] = found.get(one.key, 0) + count
    return found


def _digest(world: World, lines: Sequence[Judged], whole: Sequence[Reason]) -> bytes:
    rows = sorted(
        json.dumps([
            line.about.sku, line.about.life, line.about.imei, line.about.credential,
            [
                [sim.account, sim.home, sim.used, sim.enabled, sim.state, sim.esim, sim.multi_imsi,
                 sim.stateless]
                for sim in line.about.sims
            ],
            hashlib.sha256(",".join(sorted(map(str, line.members))).encode()).hexdigest(),
            sorted(one.key for one in line.reasons),
        ])
        for line in lines
    )  # fmt: skip
    text = json.dumps([world.country, world.arrives_on.isoformat(), sorted(one.key for one in whole), rows])
    return hashlib.sha256(text.encode()).digest()


def _whole(world: World) -> Iterable[Reason]:
    if world.arrives_on < world.today:
        yield Reason(
            level="refused", code="arrival-past", about=world.arrives_on.isoformat(),
            says=f"it was to arrive on {world.arrives_on}, which is over",
            do="cancel it and make one with the day on which it will arrive",
        )  # fmt: skip
    yield from duties(world.journey(world.sku), world.today)


def _blocked(activation: Activation) -> Iterable[Reason]:
    if activation.charged:
        yield Reason(
            level="warning", code="activation-charged", about=activation.charged,
            says=f"{activation.charged}: another person must agree to the activation",
            do="let it leave with an approval (`--approvals 1`), or change what is asked for (`fairlead agreement`)",
        )  # fmt: skip
    for one in activation.blocked:
        yield Reason(
            level="refused", code="activation-blocked", about=f"{one.code}:{one.devices}",
            says=f"{_devices(one.devices)} could not be activated: {one.why}",
            do="solve what the sentence names, then check again; `fairlead device activate --dry-run` shows the plan",
        )  # fmt: skip


def _line(about: Consignment, world: World) -> Iterable[Reason]:
    yield from _standing(about)
    yield from _variant(about, world)
    sku = about.sku or world.sku
    journey = world.journey(sku)
    sims = [sim for sim in about.sims if sim.state not in _GONE]
    in_use = [sim for sim in sims if sim.used] or [sim for sim in sims if sim.enabled] or sims
    yield from roaming(journey, in_use, sims)
    yield from imei_duty(journey, about, in_use)
    yield from certificate_duty(journey)
    yield from _way_in(about, sims, in_use, world)
    yield from _carried(in_use, world.radios.get(sku or ""), sku, world)


def _standing(about: Consignment) -> Iterable[Reason]:
    if about.life in {"retired", "quarantined"}:
        yield Reason(
            level="refused", code=f"device-{about.life}", says=f"the devices are {about.life}",
            do="take them out of the shipment: make it anew without them",
        )  # fmt: skip


def _variant(about: Consignment, world: World) -> Iterable[Reason]:
    if about.sku is None:
        said = f"judged as {world.sku}, which the shipment says" if world.sku else "nothing can be judged by it"
        yield Reason(
            level="unknown", code="sku-unknown", about=world.sku or "",
            says=f"no SKU is recorded of the devices; {said}",
            do="say it: `fairlead import devices` with the column sku",
        )  # fmt: skip
    elif world.sku is not None and about.sku != world.sku:
        yield Reason(
            level="refused", code="sku-other", about=about.sku,
            says=f"the devices are {about.sku}, and the shipment says {world.sku}",
            do="take them out, or make the shipment without a SKU",
        )  # fmt: skip


def _way_in(
    about: Consignment, sims: Sequence[ShippedSim], in_use: Sequence[ShippedSim], world: World
) -> Iterable[Reason]:
    if not about.credential:
        blind = not about.sims
        yield Reason(
            level="refused" if blind else "unknown", code="no-way-in" if blind else "no-credential",
            says="the devices have neither a SIM nor a credential: nobody would ever hear of them" if blind
            else "no credential was issued: whether anything but their SIM will be heard of is not known",
            do="issue one: `fairlead device credential NAME`; or leave it so where only carriers are asked",
        )  # fmt: skip
    elif not about.sims:
        yield Reason(
            level="unknown", code="no-sim", says="the devices have no SIM: nobody knows how they come in there",
            do="import their SIMs, or be sure of another way in",
        )  # fmt: skip
    if about.sims and not sims:
        yield Reason(
            level="refused", code="no-subscription", says="every subscription of the devices is terminated",
            do="put in SIMs with a subscription: `fairlead import sims`",
        )  # fmt: skip
    unfit = [sim for sim in in_use if sim.state not in _LIVE and world.able.get(sim.account, "") != ""]
    if in_use and len(unfit) == len(in_use):
        sim = unfit[0]
        yield Reason(
            level="refused", code="not-activated", about=sim.account,
            says=f"the subscription at {sim.account} is {sim.state}, and cannot be activated from here:"
            f" {world.able[sim.account]}",
            do=f"have {sim.account} activate it, read its inventory or import the SIMs anew, and check again",
        )  # fmt: skip


def _carried(in_use: Sequence[ShippedSim], radio: SkuRadio | None, sku: str | None, world: World) -> Iterable[Reason]:
    if in_use:
        yield from _coverage(sorted({sim.account for sim in in_use}), radio, sku, world)
    if radio is None:
        if sku is not None:
            yield Reason(
                level="unknown", code="radio-unknown", about=sku, says=f"nobody said what the radio of {sku} can do",
                do=f"say it: `fairlead import skus`, or PUT /v1/radio/skus/{sku}",
            )  # fmt: skip
        return
    fate = world.ends.stranding(radio, world.country, None)
    needed = world.arrives_on + timedelta(days=_YEAR_DAYS * world.shipping.network_years)
    if fate is not None and fate.by <= needed:
        over = fate.by <= world.arrives_on
        when = f"since {fate.by} at the latest" if over else f"from {fate.by}"
        wanted = "" if over else f"; {world.shipping.network_years} years after arrival are asked for"
        yield Reason(
            level="refused", code="no-network" if over else "network-ends", about=radio.sku,
            says=f"{radio.sku} ({', '.join(radio.rats)}) has no network left in {world.country} {when}{wanted}",
            do="send a SKU with another radio"
            + ("" if over else ", or ask for fewer years: `fairlead shipment settings`")
            + ", or correct the end where it is wrong: `fairlead import sunsets`",
            sources=fate.sources, as_of=min(row.as_of for row in fate.rows),
        )  # fmt: skip


def _coverage(accounts: Sequence[str], radio: SkuRadio | None, sku: str | None, world: World) -> Iterable[Reason]:
    there, named = [one for one in accounts if one in world.listed], ", ".join(accounts)
    unread = [one for one in accounts if one not in world.lists]
    if radio is not None and any(world.listed[one].intersection(radio.rats) for one in there):
        return
    if unread:
        yield Reason(
            level="unknown", code="coverage-unknown", about=",".join(unread),
            says=f"no coverage list of {', '.join(unread)} was read: whether it works in {world.country} is not known",
            do=f"import it: `fairlead import coverage FILE --account {unread[0]}`",
        )  # fmt: skip
    elif not there:
        yield Reason(
            level="refused", code="no-coverage", about=named,
            says=f"{named} lists no network in {world.country}",
            do="send SIMs of a carrier that lists it (`fairlead get coverage`), or import a newer list",
        )  # fmt: skip
    elif radio is not None:
        has = ", ".join(sorted({rat for one in there for rat in world.listed[one]}))
        yield Reason(
            level="refused", code="no-common-rat", about=f"{sku}@{named}",
            says=f"{sku} speaks {', '.join(radio.rats)}; {named} lists {has} in {world.country}",
            do="send a SKU whose radio fits, or SIMs of a carrier that lists what it speaks",
        )  # fmt: skip


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count:,} devices"


__all__ = ["NOTICE", "Judged", "Verdict", "World", "changed", "judge", "tally"]
