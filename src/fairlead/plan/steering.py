"""A `Steering` compiled for one carrier account: the list to set there, or why there is none.

Carriers keep lists of networks that are allowed or blocked. None of them knows an order, a price or a
condition, so what a list cannot hold is said beside it. A list that would leave lines without any network
where they are now is never made: an allow list bars every country that it does not name. Pure; the planner
shows it, `engine.steerings` sets it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.model.reference import Network
from fairlead.model.resources import Steering
from fairlead.model.subscription import CapabilityRecord, Verb, VerbCapability, capability

_SCOPES: Final = {"group": "its carrier group", "account": "the whole account"}
_MOST_NAMED: Final = 4
# Networks that have no radio of their own or take no SIM of others: carriers do not list them.
_NO_GUESTS: Final = ("MVNO", "GSM-R", "Tetra")


@dataclass(frozen=True, slots=True, kw_only=True)
class AtCarrier:
    """One account, and the lines there that a steering matches."""

    account: str
    record: CapabilityRecord | None  # None: an account without an interface
    withheld: str = ""  # why nothing may be set there, whatever its carrier can
    lines: int = 0
    countries: Mapping[str, int] | None = None  # where the devices of these lines were last seen; "" is nowhere
    others: int = 0  # lines of the account that the steering does not match


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a steering is at one account."""

    account: str
    kind: str  # allow or block; empty: nothing can be set
    plmns: tuple[str, ...]  # sorted
    because: str  # why nothing can be set; empty: it can
    notes: tuple[str, ...]  # what the list cannot hold

    @property
    def possible(self) -> bool:
        """Whether there is a list."""
        return not self.because


def compile_steering(steering: Steering, at: AtCarrier, networks: Mapping[str, Network]) -> Compiled:
    """The list of an account, from what its carrier declares. `networks` are the world's, by MCC-MNC."""
    record = at.record
    if record is None:
        return _not(at, "the account has no interface: its lines are changed by hand")
    able = capability(record, Verb.SET_NETWORK_POLICY)
    because = _unable(steering, at, record, able)
    if because:
        return _not(at, because)
    barred = [one.plmn for one in steering.prefer if one.premium and steering.premium == "bar"]
    wanted = sorted({one.plmn for one in steering.prefer} - set(barred))
    listed, because = _listed(record.steering, wanted, at, networks)
    if not because and record.steering_most is not None and len(listed) > record.steering_most:
        because = f"its list holds {record.steering_most} networks at most, and this one has {len(listed)}"
    if because:
        return _not(at, because)
    notes = tuple(_notes(steering, record, able, barred))
    return Compiled(account=at.account, kind=record.steering, plmns=tuple(listed), because="", notes=notes)


def _unable(steering: Steering, at: AtCarrier, record: CapabilityRecord, able: VerbCapability) -> str:
    """Why no list at all can be set there."""
    if record.steering == "none":
        return "the carrier keeps no list of networks"
    if not able.supported:
        return able.because
    if at.withheld:
        return at.withheld
    if record.steering_by == "country":
        return "its lists are by country, and a preference among the networks of one cannot be said in them"
    if record.steering_scope != "sim" and at.others and not steering.shared:
        whose = _SCOPES[record.steering_scope]
        return (
            f"a list there is not the line's own but binds {whose}, and {at.others:,} other lines of the account "
            "are not matched; match them all, or say `shared: true`"
        )
    return ""


def _listed(
    kind: str, wanted: Sequence[str], at: AtCarrier, networks: Mapping[str, Network]
) -> tuple[Sequence[str], str]:
    """The networks of the list; or none, and why."""
    if not wanted:
        return (), "every network of it is premium, and premium networks are barred where a list has no order"
    if kind == "allow":
        stranded = _stranded(wanted, at.countries or {}, networks)
        because = f"an allow list bars what it does not name, and {stranded} would be without a network"
        return (wanted, "") if not stranded else ((), because)
    unknown = [plmn for plmn in wanted if _country(plmn, networks) is None]
    if unknown:
        return (), f"nobody knows which networks stand beside {', '.join(unknown)}, so none can be blocked"
    beside = _beside(wanted, networks)
    return (beside, "") if beside else ((), "there is no other network in these countries to be blocked")


def _notes(steering: Steering, record: CapabilityRecord, able: VerbCapability, barred: Sequence[str]) -> list[str]:
    """What of the steering a list without order or conditions leaves out."""
    found: list[str] = []
    plain = [one.plmn for one in steering.prefer if one.plmn not in barred]
    if len(plain) > 1:
        found.append("the order is not kept: the list says which networks may be used, not which first")
    held = [f"{one.plmn} when {one.when.text}" for one in steering.prefer if one.when is not None]
    if held:
        found.append(f"a list follows no condition: {'; '.join(held[:_MOST_NAMED])} is on the list at all times")
    premium = [one.plmn for one in steering.prefer if one.premium and one.plmn in plain]
    if premium:
        found.append(f"premium {', '.join(premium)} may be used at any time, not only where nothing cheaper is usable")
    if barred:
        found.append(f"premium {', '.join(barred)} is barred, also where nothing cheaper is usable")
    if record.steering == "allow":
        found.append("outside the countries of the listed networks these lines have no network")
    if record.steering_scope != "sim":
        found.append(f"one line's list binds {_SCOPES[record.steering_scope]}")
    if record.steering_by == "operator":
        found.append("an operator goes whole or not at all: the carrier may refuse a list that splits one")
    if able.because:
        found.append(f"the carrier's condition: {able.because}")
    return found


def _stranded(wanted: Sequence[str], countries: Mapping[str, int], networks: Mapping[str, Network]) -> str:
    """The lines whose country no listed network is in."""
    served = {_country(plmn, networks) for plmn in wanted}
    left = {country: lines for country, lines in countries.items() if country and country not in served}
    shown = [f"{lines:,} in {country}" for country, lines in sorted(left.items(), key=lambda one: (-one[1], one[0]))]
    more = f" and {len(shown) - _MOST_NAMED} more countries" if len(shown) > _MOST_NAMED else ""
    return "" if not shown else f"{', '.join(shown[:_MOST_NAMED])}{more}"


def _beside(wanted: Sequence[str], networks: Mapping[str, Network]) -> list[str]:
    """The networks on the air in the same countries that are not wanted."""
    countries = {_country(plmn, networks) for plmn in wanted}
    return sorted(
        plmn
        for plmn, one in networks.items()
        if one.country in countries and plmn not in wanted and one.operational and not one.bands.startswith(_NO_GUESTS)
    )


def _country(plmn: str, networks: Mapping[str, Network]) -> str | None:
    found = networks.get(plmn)
    return found.country if found is not None else None


def _not(at: AtCarrier, because: str) -> Compiled:
    return Compiled(account=at.account, kind="", plmns=(), because=because, notes=())
