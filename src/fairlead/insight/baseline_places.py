"""The baseline's questions about places: carriers that do the same job, coverage gaps, ends of networks, breaches."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from fairlead.insight.baseline import (
    Breaches,
    Fees,
    Figure,
    Finding,
    Inventory,
    Link,
    Listed,
    Place,
    Section,
    plural,
    section,
    uncounted,
)
from fairlead.insight.baseline_sims import oldest
from fairlead.insight.radio import Ends, Stranding
from fairlead.model.radio import SkuRadio
from fairlead.model.rules import NOTICE

Serves = Literal["yes", "no_country", "no_rat", "unknown_list", "unknown_radio"]

_SEEN: Final = "sightings of active devices"
_REDUNDANT: Final = ("redundant_carriers", "Carriers that do the same job")
_GAPS: Final = ("coverage_gaps", "Coverage gaps")
_STRANDED: Final = ("stranded", "Stranded when networks end")
_BREACHES: Final = ("breaches", "Roaming breaches to come")
_SEVERAL: Final = 2


class Coverage:
    """What accounts list, asked by country and radio."""

    def __init__(self, listed: Sequence[Listed]) -> None:
        self._listed = {(one.account, one.country): one for one in listed}
        self._accounts = {one.account for one in listed}

    def serves(self, account: str, country: str, radio: SkuRadio | None) -> Serves:
        """Whether an account lists something there that the radio can use."""
        if account not in self._accounts:
            return "unknown_list"
        there = self._listed.get((account, country))
        if there is None:
            return "no_country"
        if radio is None:
            return "unknown_radio"
        return "yes" if there.rats.intersection(radio.rats) else "no_rat"

    def there(self, account: str, country: str) -> Listed | None:
        """What it lists there."""
        return self._listed.get((account, country))


def redundant_carriers(i: Inventory) -> Section:
    """Countries where several accounts have devices, and what the largest of them could take over by its own list."""
    if "places" not in i.counted:
        return uncounted(*_REDUNDANT, "countries", _SEEN)
    radios, coverage = _radios(i), Coverage(i.coverage)
    countries: dict[str, dict[str, list[Place]]] = {}
    for place in i.places:
        if place.country and place.account:
            countries.setdefault(place.country, {}).setdefault(place.account, []).append(place)
    shared = {country: by for country, by in countries.items() if len(by) >= _SEVERAL}
    found = [_shared(country, by, i, radios, coverage) for country, by in shared.items()]
    devices, unknown = _known(i, lambda place: place.country is not None and place.account is not None)
    figures = [
        Figure(
            name="countries with several accounts", value=len(shared), unit="countries", unknown=unknown, of=devices,
            source=_SEEN, as_of=_as_of(i),
        ),
        Figure(
            name="devices beside the largest account of their country",
            value=sum(one.members - int(one.facts["largest_devices"] or 0) for one in found), unit="devices",
            unknown=unknown, of=devices, source=_SEEN, as_of=_as_of(i),
        ),
    ]  # fmt: skip
    note = (
        "A second carrier may be wanted, as a backup or by law: this says where there are several, not that one is too"
        " many. What the largest could serve is read from its own coverage list. Unknown: devices of which no country"
        " or account is known."
    )
    return section(*_REDUNDANT, figures, found, note)


def _shared(
    country: str, by: Mapping[str, Sequence[Place]], i: Inventory, radios: Mapping[str, SkuRadio], coverage: Coverage
) -> Finding:
    counts = {account: sum(place.devices for place in places) for account, places in by.items()}
    ranked = sorted(counts, key=lambda account: (-counts[account], account))
    largest, others = ranked[0], ranked[1:]
    fees = Fees(i.prices)
    could: dict[str, int] = {"yes": 0, "no": 0, "unknown": 0}
    for account in others:
        for place in by[account]:
            fees.add(place.plan, place.devices)
            told = coverage.serves(largest, country, radios.get(place.sku or ""))
            could[told if told == "yes" else "no" if told in {"no_country", "no_rat"} else "unknown"] += place.devices
    told = ", ".join(f"{account} {counts[account]:,}" for account in ranked)
    rest = sum(counts[account] for account in others)
    return Finding(
        code="several-carriers",
        says=f"{country}: {len(ranked)} accounts ({told}); of the {rest:,} beside {largest}, its list serves"
        f" {could['yes']:,}, does not serve {could['no']:,}, and of {could['unknown']:,} nobody knows",
        members=sum(counts.values()), unit="devices", link=fleet(country=country),
        facts={
            "country": country, "accounts": len(ranked), "largest": largest, "largest_devices": counts[largest],
            "by_account": told, "could_move": could["yes"], "could_not": could["no"], "unknown": could["unknown"],
        },
        monthly=fees.monthly, unpriced=fees.unpriced,
    )  # fmt: skip


def coverage_gaps(i: Inventory) -> Section:
    """Active devices where their account lists nothing, or nothing that their radio can use."""
    if "places" not in i.counted:
        return uncounted(*_GAPS, "devices", "coverage lists")
    radios, coverage = _radios(i), Coverage(i.coverage)
    gaps: dict[tuple[str, str, str | None], int] = {}
    unknown = i.unjudged_devices
    for place in i.places:
        if place.country is None or place.account is None:
            unknown += place.devices
            continue
        told = coverage.serves(place.account, place.country, radios.get(place.sku or ""))
        if told in {"unknown_list", "unknown_radio"}:
            unknown += place.devices
        elif told != "yes":
            key = (place.account, place.country, place.sku if told == "no_rat" else None)
            gaps[key] = gaps.get(key, 0) + place.devices
    found = [_gap(account, country, sku, n, radios, coverage) for (account, country, sku), n in gaps.items()]
    devices = sum(place.devices for place in i.places) + i.unjudged_devices
    as_of = min((one.as_of for one in i.coverage), default=None)
    figures = [
        Figure(
            name="devices where their carrier lists nothing they can use",
            value=sum(gaps.values()) if devices > unknown else None, unit="devices", unknown=unknown, of=devices,
            source="coverage lists and radios of SKUs",
            as_of=datetime(as_of.year, as_of.month, as_of.day, tzinfo=i.now.tzinfo) if as_of else None,
        )
    ]  # fmt: skip
    note = (
        "A device may well be online where its carrier lists nothing: then the list is old, or the roaming is nobody's"
        " promise. Unknown: no list of the account, no radio of the SKU, no country or no account of the device."
    )
    return section(*_GAPS, figures, found, note)


def _gap(
    account: str, country: str, sku: str | None, devices: int, radios: Mapping[str, SkuRadio], coverage: Coverage
) -> Finding:
    listed = coverage.there(account, country)
    if sku is None or listed is None:
        says = f"{plural(devices, 'device')} in {country} on {account}, which lists no coverage there"
        return Finding(
            code="no-coverage", says=says, members=devices, unit="devices",
            link=fleet(country=country, carrier=account), facts={"country": country, "account": account},
        )  # fmt: skip
    has, lists = ", ".join(radios[sku].rats), ", ".join(sorted(listed.rats))
    return Finding(
        code="no-common-rat",
        says=f"{plural(devices, 'device')} ({sku}: {has}) in {country} on {account}, which lists {lists} there",
        members=devices, unit="devices", link=fleet(country=country, carrier=account, sku=sku),
        facts={
            "country": country, "account": account, "sku": sku, "has": has, "listed": lists, "source": listed.source,
            "as_of": listed.as_of.isoformat(),
        },
    )  # fmt: skip


def stranded(i: Inventory) -> Section:
    """Active devices whose SKU has no network left where they are, by when; and SKUs of which nobody knows."""
    if "places" not in i.counted:
        return uncounted(*_STRANDED, "devices", "ends of networks")
    radios, ends = _radios(i), Ends.of(i.sunsets)
    cut: dict[tuple[str, str, str | None], tuple[Stranding, int, datetime | None]] = {}
    unread: dict[str, int] = {}
    unknown = i.unjudged_devices
    for place in i.places:
        radio = radios.get(place.sku or "")
        if radio is None or place.country is None:
            unknown += place.devices
            if place.sku and radio is None:
                unread[place.sku] = unread.get(place.sku, 0) + place.devices
            continue
        fate = ends.stranding(radio, place.country, place.plmn)
        if fate is not None:
            key = (place.country, radio.sku, place.plmn if fate.network_only else None)
            _, before, seen = cut.get(key, (fate, 0, None))
            newest = max((at for at in (seen, place.seen_at) if at is not None), default=None)
            cut[key] = (fate, before + place.devices, newest)
    found = [
        _cut(country, radios[sku], plmn, fate, n, seen, i) for (country, sku, plmn), (fate, n, seen) in cut.items()
    ]
    found += [
        Finding(
            code="radio-unknown", says=f"{plural(n, 'device')} of {sku}: nobody said what its radio can do", members=n,
            unit="devices", link=fleet(sku=sku), facts={"sku": sku, "by": None},
        )
        for sku, n in unread.items()
    ]  # fmt: skip
    devices = sum(place.devices for place in i.places) + i.unjudged_devices
    behind = [row for fate, _, _ in cut.values() for row in fate.rows] or list(i.sunsets)
    read = min((one.as_of for one in behind), default=None)
    figures = [
        Figure(
            name="devices that will be stranded",
            value=sum(n for _, n, _ in cut.values()) if devices > unknown else None,
            unit="devices", unknown=unknown, of=devices, source="ends of networks and radios of SKUs",
            as_of=min(datetime(read.year, read.month, read.day, tzinfo=i.now.tzinfo), i.now) if read else None,
        )
    ]  # fmt: skip
    note = (
        "Stranded: every technology of the SKU ends where the device is, by the day told. That nobody has read of an"
        f" end is no proof that there is none. Unknown: no radio known of the SKU, or no country of the"
        f" device. {NOTICE}"
    )
    return section(*_STRANDED, figures, found, note, rank=lambda one: (str(one.facts["by"] or "~"), -one.members))


def _cut(
    country: str, radio: SkuRadio, plmn: str | None, fate: Stranding, devices: int, seen: datetime | None, i: Inventory
) -> Finding:
    where = f"on {plmn} in {country}" if plmn else f"in {country}"
    over = fate.by <= i.today
    says = f"{plural(devices, 'device')} of {radio.sku} ({', '.join(radio.rats)}) {where}: no network left"
    says += f" since {fate.by} at the latest" if over else f" from {fate.by}"
    if plmn:
        says += "; another network there may still serve them"
    if over and seen is not None and seen.date() > fate.by:
        says += f". Yet one of them was seen on {seen.date()}: the source may be wrong"
    return Finding(
        code="stranded", says=says, members=devices, unit="devices",
        link=fleet(country=country, sku=radio.sku, exact=plmn is None),
        facts={
            "country": country, "sku": radio.sku, "network": plmn, "by": fate.by.isoformat(),
            "days_left": max(0, (fate.by - i.today).days), "confidence": fate.confidence,
            "sources": "; ".join(fate.sources), "rats": ", ".join(radio.rats),
        },
    )  # fmt: skip


def breaches(i: Inventory) -> Section:
    """The breach forecast in short, by country: each device in one bucket."""
    if "breaches" not in i.counted:
        return uncounted(*_BREACHES, "devices", "roaming clocks")
    devices, unread = sum(one.devices for one in i.breaches), sum(one.unread for one in i.breaches)
    source = "roaming clocks, if every device stays where it is"

    def figure(name: str, part: str) -> Figure:
        return Figure(
            name=name, value=sum(getattr(one, part) for one in i.breaches), unit="devices", unknown=unread, of=devices,
            source=source, as_of=i.now,
        )  # fmt: skip

    figures = [
        figure("past the limit", "breached"), figure("within 7 days", "within_7"),
        figure("in 8 to 30 days", "within_30"), figure("in 31 to 90 days", "within_90"),
    ]  # fmt: skip
    found = [_breach(one, i.now) for one in i.breaches if one.country and _soon(one)]
    note = f"Unknown: devices where nobody has read what the law says, or whose country is not known. {NOTICE}"
    return section(*_BREACHES, figures, found, note)


def _soon(one: Breaches) -> int:
    return one.breached + one.within_7 + one.within_30 + one.within_90


def _breach(one: Breaches, now: datetime) -> Finding:
    before = (now + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Finding(
        code="breach",
        says=f"{one.country}: {one.breached:,} past the limit, {one.within_7:,} within 7 days, {one.within_30:,} in 8"
        f" to 30, {one.within_90:,} in 31 to 90",
        members=_soon(one), unit="devices",
        link=fleet(country=one.country or "", breach_before=before, state=""),
        facts={
            "country": one.country, "breached": one.breached, "within_7": one.within_7, "within_30": one.within_30,
            "within_90": one.within_90,
        },
    )  # fmt: skip


def fleet(*, exact: bool = True, state: str = "active", **asked: str) -> Link:
    """Devices by filter."""
    return Link(screen="fleet", asks=asked | ({"state": state} if state else {}), api="/v1/devices", exact=exact)


def _radios(i: Inventory) -> dict[str, SkuRadio]:
    return {one.sku: one for one in i.skus}


def _known(i: Inventory, known: Callable[[Place], bool]) -> tuple[int, int]:
    devices = sum(place.devices for place in i.places) + i.unjudged_devices
    return devices, devices - sum(place.devices for place in i.places if known(place))


def _as_of(i: Inventory) -> datetime | None:
    return oldest([place.seen_at for place in i.places])
