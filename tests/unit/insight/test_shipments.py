"""The judge of shipments: each refusal seen with what to do, each unknown said, nothing passed over."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from fairlead.insight.radio import Ends
from fairlead.insight.shipments import Verdict, World, changed, judge, tally
from fairlead.model.radio import Rat, SkuRadio, Sunset
from fairlead.model.rules import (
    Confidence,
    DaysInWindow,
    Effect,
    EffectCode,
    Event,
    Kind,
    Rule,
    Scope,
    Sim,
    SinceEvent,
    Stance,
    Subject,
    Trend,
)
from fairlead.model.shipment import Activation, Blocked, Certificate, Consignment, ShippedSim, Shipping

TODAY, ARRIVES = date(2026, 11, 1), date(2026, 12, 1)
DEVICE = UUID(int=1)


def rule(ident: str, topic: str, stance: Stance, **other: object) -> Rule:
    given = {
        "jurisdiction": "BR", "countries": frozenset({"BR"}), "kind": Kind.LAW, "authority": "ANATEL",
        "sources": ("a source",), "as_of": date(2026, 10, 1), "confidence": Confidence.HIGH, "trend": Trend.STABLE,
        "summary": "what it says",
    }  # fmt: skip
    return Rule(id=ident, topic=topic, stance=stance, **(given | other))


ROAM = rule("br-roaming", "permanent_roaming", Stance.PERMISSIVE)
CERTIFY = rule("br-certify", "certification", Stance.MANDATORY)
HELD = Certificate(sku="TRK", country="BR", topic="certification", number="A-1")
LOCAL = ShippedSim(
    account="sabia", home="BR", used=False, enabled=True, state="inventory", esim=False, multi_imsi=False
)
FOREIGN = replace(LOCAL, account="global", home="GB")
WORLD = World(
    country="BR", arrives_on=ARRIVES, today=TODAY, sku=None, rules=(ROAM, CERTIFY),
    listed={"sabia": frozenset({Rat.LTE_M}), "global": frozenset({Rat.LTE_M})}, lists=frozenset({"sabia", "global"}),
    local=frozenset(), radios={"TRK": SkuRadio(sku="TRK", rats=(Rat.LTE_M, Rat.G2))}, ends=Ends.of([]),
    certificates={("TRK", "certification"): HELD}, able={"sabia": "", "global": ""}, shipping=Shipping(),
)  # fmt: skip
LINE = Consignment(sku="TRK", life="manufactured", imei=True, credential=True, sims=(LOCAL,))


def verdict(*sims: ShippedSim, world: World = WORLD, activation: Activation | None = None, **line: object) -> Verdict:
    about = replace(LINE, **({"sims": sims} if sims else {}), **line)
    return judge(world, [(about, (DEVICE,))], activation or Activation(devices=1))


def found(level: str, made: Verdict) -> set[str]:
    return {one.code for one in made.found if one.level == level}


def ruled(*rules: Rule, **other: object) -> World:
    return replace(WORLD, rules=rules, **other)


def test_a_local_certified_covered_shipment_has_nothing_to_say() -> None:
    made = verdict()
    assert (tuple(made.found), made.stopping, made.override) == ((), (), None)


# --- refused --------------------------------------------------------------------------------------

SUNSET = Sunset(
    country="BR", rat=Rat.G2, plmn=None, off_on=date(2026, 11, 15), confidence="high", source="s", as_of=TODAY
)
NO_RECORD = {"certificates": {}}
REFUSED = {
    "roaming-prohibited": ((FOREIGN,), ruled(replace(ROAM, stance=Stance.PROHIBITED), CERTIFY), {}, "at home in BR"),
    "certificate-missing": ((LOCAL,), replace(WORLD, **NO_RECORD), {}, "/v1/certificates/TRK/BR/certification"),
    "certificate-expired": (
        (LOCAL,),
        replace(WORLD, certificates={("TRK", "certification"): replace(HELD, valid_until=date(2026, 11, 30))}),
        {},
        "renewed",
    ),
    "certificate-not-begun": (
        (LOCAL,),
        replace(WORLD, certificates={("TRK", "certification"): replace(HELD, valid_from=date(2026, 12, 2))}),
        {},
        "change the day",
    ),
    "imei-missing": (
        (LOCAL,), ruled(ROAM, CERTIFY, rule("br-imei", "imei_registration", Stance.MANDATORY)), {"imei": False},
        "import devices",
    ),
    "no-coverage": ((LOCAL,), replace(WORLD, listed={"global": frozenset({Rat.LTE})}), {}, "newer list"),
    "no-common-rat": ((LOCAL,), replace(WORLD, listed={"sabia": frozenset({Rat.NB_IOT})}), {}, "radio fits"),
    "no-network": (
        (LOCAL,), replace(WORLD, radios={"TRK": SkuRadio(sku="TRK", rats=(Rat.G2,))}, ends=Ends.of([SUNSET]),
                          listed={"sabia": frozenset({Rat.G2})}), {}, "another radio",
    ),
    "network-ends": (
        (LOCAL,), replace(WORLD, radios={"TRK": SkuRadio(sku="TRK", rats=(Rat.G2,))},
                          ends=Ends.of([replace(SUNSET, off_on=date(2028, 11, 1))]),
                          listed={"sabia": frozenset({Rat.G2})}), {}, "fewer years",
    ),
    "no-way-in": ((), WORLD, {"sims": (), "credential": False}, "credential"),
    "no-subscription": ((replace(LOCAL, state="terminated"),), WORLD, {}, "import sims"),
    "not-activated": ((LOCAL,), replace(WORLD, able={"sabia": "the account has no interface"}), {}, "have sabia activate"),
    "device-retired": ((LOCAL,), WORLD, {"life": "retired"}, "out of the shipment"),
    "device-quarantined": ((LOCAL,), WORLD, {"life": "quarantined"}, "out of the shipment"),
    "sku-other": ((LOCAL,), replace(WORLD, sku="TRK-2"), {}, "without a SKU"),
    "arrival-past": ((LOCAL,), replace(WORLD, today=ARRIVES + timedelta(days=1)), {}, "cancel"),
}  # fmt: skip


@pytest.mark.parametrize("code", REFUSED)
def test_each_refusal_stops_and_says_what_to_do(code: str) -> None:
    sims, world, line, do = REFUSED[code]
    made = verdict(*sims, world=world, **line)
    assert found("refused", made) == {code}
    (one,) = [one for one in made.found if one.code == code]
    assert do in one.do
    assert made.override == ("compliance" if code == "roaming-prohibited" else "nobody")


def test_what_the_planner_could_not_plan_refuses() -> None:
    blocked = Activation(blocked=(Blocked(code="no_profile", why="no profile of sabia", devices=3),))
    made = verdict(activation=blocked)
    assert found("refused", made) == {"activation-blocked"}
    assert "3 devices could not be activated: no profile of sabia" in made.reasons[0].says


def test_what_is_charged_for_is_said_before_the_door() -> None:
    made = verdict(activation=Activation(devices=1, charged="activate is charged for at sabia"))
    assert (found("warning", made), made.stopping) == ({"activation-charged"}, ())


def test_a_limit_that_is_over_on_arrival_refuses() -> None:
    at_once = rule(
        "br-once", "permanent_roaming", Stance.RESTRICTED, subject=Subject.DEVICE,
        counters=(SinceEvent(trip=1, event=Event.FIRST_USE),),
    )  # fmt: skip
    made = verdict(FOREIGN, world=ruled(at_once, CERTIFY))
    assert (found("refused", made), made.override) == ({"roaming-limited"}, "compliance")


# --- unknown --------------------------------------------------------------------------------------

UNKNOWN = {
    "law-unknown": ((FOREIGN,), ruled(CERTIFY), {}),
    "home-unknown": ((replace(LOCAL, home=None),), WORLD, {}),
    "roaming-prohibited": (
        (FOREIGN,), ruled(replace(ROAM, stance=Stance.PROHIBITED, kind=Kind.REPORT), CERTIFY), {},
    ),
    "no-count": ((FOREIGN,), ruled(replace(ROAM, stance=Stance.RESTRICTED), CERTIFY), {}),
    "imei-unknown": ((LOCAL,), ruled(ROAM, CERTIFY, rule("br-imei", "imei_registration", Stance.UNKNOWN)), {}),
    "imei-unrecorded": (
        (LOCAL,),
        ruled(ROAM, CERTIFY, rule("br-imei", "imei_registration", Stance.MANDATORY,
                                  effect=Effect(code=EffectCode.BLOCKED))), {},
    ),
    "certification-unknown": ((LOCAL,), ruled(ROAM, **NO_RECORD), {}),
    "certificate-missing": ((LOCAL,), ruled(ROAM, replace(CERTIFY, kind=Kind.REPORT), **NO_RECORD), {}),
    "coverage-unknown": ((LOCAL,), replace(WORLD, listed={}, lists=frozenset({"global"})), {}),
    "radio-unknown": ((LOCAL,), replace(WORLD, radios={}), {}),
    "no-credential": ((LOCAL,), WORLD, {"credential": False}),
    "no-sim": ((), WORLD, {"sims": ()}),
    "sku-unknown": ((LOCAL,), replace(WORLD, sku="TRK"), {"sku": None}),
}  # fmt: skip


@pytest.mark.parametrize("code", UNKNOWN)
def test_each_unknown_is_said_and_stops_only_where_the_tenant_is_strict(code: str) -> None:
    sims, world, line = UNKNOWN[code]
    made = verdict(*sims, world=world, **line)
    assert (found("unknown", made), found("refused", made), made.stopping) == ({code}, set(), ())
    assert all(one.do for one in made.found)
    strict = verdict(*sims, world=replace(world, shipping=Shipping(strict=True)), **line)
    assert {one.code for one in strict.stopping} == {code}
    assert strict.override == "approver"


# --- warnings, and what is nothing ------------------------------------------------------------------


def test_days_until_a_limit_are_those_of_the_roaming_clock() -> None:
    counted = rule(
        "br-90", "permanent_roaming", Stance.RESTRICTED, subject=Subject.IMSI,
        counters=(DaysInWindow(trip=91, window=120),),
    )  # fmt: skip
    made = verdict(FOREIGN, world=ruled(counted, CERTIFY))
    (one,) = made.found
    assert (one.level, one.code, one.rule) == ("warning", "roaming-limited", "br-90")
    assert "90 days after arrival, about 2027-03-01" in one.says
    only_esim = ruled(replace(counted, scope=Scope(esim=True)), CERTIFY)
    assert found("unknown", verdict(FOREIGN, world=only_esim)) == {"no-count"}
    assert found("warning", verdict(replace(FOREIGN, esim=True), world=only_esim)) == {"roaming-limited"}


def test_what_makes_a_sim_local() -> None:
    prohibited = ruled(replace(ROAM, stance=Stance.PROHIBITED), CERTIFY)
    assert not verdict(FOREIGN, LOCAL, world=prohibited).stopping
    ready = verdict(FOREIGN, replace(LOCAL, enabled=False), world=prohibited)
    assert found("refused", ready) == {"roaming-prohibited"}
    assert "sabia on the card is a local one: have it enabled" in next(iter(ready.found)).do
    assert found("refused", verdict(replace(FOREIGN, used=True), LOCAL, world=prohibited)) == {"roaming-prohibited"}
    nowhere = replace(LOCAL, home=None, stateless=True)
    said = [one for one in verdict(nowhere, world=prohibited).found if one.code == "roaming-prohibited"]
    assert "at home in no country" in said[0].says
    many = replace(FOREIGN, multi_imsi=True)
    assert found("refused", verdict(many, world=prohibited)) == {"roaming-prohibited"}
    assert not verdict(many, world=replace(prohibited, local=frozenset({"global"}))).stopping


def test_a_record_answers_the_duty_and_one_that_ends_soon_is_said() -> None:
    duty = rule("br-imei", "imei_registration", Stance.MANDATORY, subject=Subject.IMEI)
    registered = replace(HELD, topic="imei_registration")
    kept = {("TRK", "certification"): HELD, ("TRK", "imei_registration"): registered}
    assert not tuple(verdict(world=ruled(ROAM, CERTIFY, duty, certificates=kept)).found)
    ending = {("TRK", "certification"): replace(HELD, valid_until=ARRIVES + timedelta(days=30))}
    assert found("warning", verdict(world=replace(WORLD, certificates=ending))) == {"certificate-ending"}
    last_day = {("TRK", "certification"): replace(HELD, valid_until=ARRIVES)}
    assert not verdict(world=replace(WORLD, certificates=last_day)).stopping


def test_a_registration_with_days_is_a_warning_and_a_rule_on_local_sims_looks_at_those() -> None:
    due = rule(
        "br-imei", "imei_registration", Stance.MANDATORY, subject=Subject.IMEI, scope=Scope(sim=Sim.LOCAL),
        counters=(SinceEvent(trip=121, event=Event.FIRST_USE),),
    )  # fmt: skip
    assert found("warning", verdict(world=ruled(ROAM, CERTIFY, due))) == {"imei-due"}
    assert not tuple(verdict(FOREIGN, world=ruled(ROAM, CERTIFY, due)).found)


def test_other_duties_carrier_policies_and_old_readings_are_warnings() -> None:
    world = ruled(
        replace(ROAM, stance=Stance.CARRIER_POLICY, as_of=date(2025, 1, 1)), CERTIFY,
        rule("br-licence", "licensing", Stance.MANDATORY),
    )  # fmt: skip
    made = verdict(FOREIGN, world=world)
    assert (found("warning", made), made.stopping) == ({"carrier-policy", "reading-old", "duty"}, ())


def test_a_rule_that_is_not_in_force_on_arrival_says_nothing() -> None:
    later = replace(ROAM, stance=Stance.PROHIBITED, effective_from=ARRIVES + timedelta(days=1))
    assert found("refused", verdict(FOREIGN, world=ruled(later, CERTIFY))) == set()
    then = replace(later, effective_from=ARRIVES)
    assert found("refused", verdict(FOREIGN, world=ruled(then, CERTIFY))) == {"roaming-prohibited"}


def test_one_covered_sim_of_several_is_enough_and_a_live_line_needs_no_call() -> None:
    elsewhere = replace(WORLD, listed={"sabia": frozenset({Rat.G2})}, able={"sabia": "no call", "global": "no call"})
    assert not verdict(LOCAL, FOREIGN, world=replace(elsewhere, able=WORLD.able)).stopping
    assert found("refused", verdict(LOCAL, world=elsewhere)) == {"not-activated"}
    assert not verdict(replace(LOCAL, state="active"), world=elsewhere).stopping


# --- the digest -------------------------------------------------------------------------------------


def test_the_digest_stands_while_days_come_nearer_and_moves_with_facts() -> None:
    first = verdict().digest
    assert verdict(world=replace(WORLD, today=TODAY + timedelta(days=9))).digest == first
    for other in (
        verdict(replace(LOCAL, state="active")), verdict(FOREIGN), verdict(imei=False), verdict(life="active"),
        verdict(world=replace(WORLD, arrives_on=ARRIVES + timedelta(days=1))),
        verdict(world=replace(WORLD, certificates={})),
        verdict(activation=Activation(blocked=(Blocked(code="x", why="y", devices=1),))),
        judge(WORLD, [(LINE, (UUID(int=2),))], Activation(devices=1)),
    ):  # fmt: skip
        assert other.digest != first


def test_differences_are_told_as_devices_by_reason() -> None:
    before, after = verdict(world=replace(WORLD, certificates={})), verdict(credential=False)
    told = changed(*(tally(5, one.reasons, [(3, line.reasons) for line in one.lines]) for one in (before, after)))
    assert told == [
        {"reason": "refused:certificate-missing:TRK", "before": 3, "now": 0},
        {"reason": "unknown:no-credential:", "before": 0, "now": 3},
    ]
