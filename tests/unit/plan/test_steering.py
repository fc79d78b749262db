"""A steering compiled for carriers of every sort: the list, what it cannot hold, or why there is none."""

from dataclasses import replace

import pytest

from fairlead.model.resources import Steering
from fairlead.model.subscription import CapabilityRecord, Verb, VerbCapability
from fairlead.plan.steering import AtCarrier, Compiled, compile_steering
from fairlead.policy.read import read_resources
from fairlead.reference import load

NETWORKS = load().networks
CAN = {Verb.SET_NETWORK_POLICY: VerbCapability(supported=True)}
ALLOWS = CapabilityRecord(version="paper/1", verbs=CAN, steering="allow")
BLOCKS = replace(ALLOWS, steering="block")
TEXT = """
apiVersion: fairlead/v1
kind: Steering
metadata: {name: cost-first}
spec:
  match: country in ["DE", "FR"]
  prefer:
    - {plmn: "262-02", when: "success_rate_1h >= 0.97"}
    - {plmn: "262-01"}
    - {plmn: "262-03", premium: true}
"""


def steering(*, more: str = "", text: str = TEXT) -> Steering:
    (found,), faults = read_resources(text + more, file="a.yaml")
    assert not faults
    assert isinstance(found, Steering)
    return found


def compiled(record: CapabilityRecord | None, *, more: str = "", **at: object) -> Compiled:
    where = AtCarrier(account="a", record=record, lines=5, **at)  # type: ignore[arg-type]
    return compile_steering(steering(more=more), where, NETWORKS)


def test_an_allow_list_names_what_is_preferred_and_says_what_it_cannot_hold() -> None:
    found = compiled(ALLOWS, countries={"DE": 5})
    assert (found.kind, found.plmns) == ("allow", ("262-01", "262-02", "262-03"))
    said = " / ".join(found.notes)
    assert "the order is not kept" in said
    assert "262-02 when success_rate_1h >= 0.97" in said
    assert "premium 262-03 may be used at any time" in said
    assert "outside the countries" in said


def test_a_block_list_names_the_other_networks_of_those_countries_and_none_elsewhere() -> None:
    found = compiled(BLOCKS, countries={"DE": 3, "FR": 2})
    assert found.kind == "block"
    assert not {"262-01", "262-02", "262-03"} & set(found.plmns)
    assert {NETWORKS[plmn].country for plmn in found.plmns} == {"DE"}
    assert "262-23" in found.plmns  # a fourth network on the air
    assert not {"262-10", "262-12"} & set(found.plmns)  # railway and a brand without radio


def test_premium_is_barred_where_that_is_said() -> None:
    bars = "  premium_without_order: bar\n"
    assert compiled(ALLOWS, more=bars).plmns == ("262-01", "262-02")
    assert "262-03" in compiled(BLOCKS, more=bars).plmns


def test_a_list_that_cuts_lines_off_is_not_made() -> None:
    found = compiled(ALLOWS, countries={"DE": 3, "FR": 2, "": 1})
    assert not found.possible
    assert found.plmns == ()
    assert "2 in FR would be without a network" in found.because
    assert compiled(ALLOWS, countries={"DE": 3, "": 1}).possible


@pytest.mark.parametrize(
    ("record", "at", "because"),
    [
        (None, {}, "no interface"),
        (replace(ALLOWS, verbs={}, steering="none"), {}, "keeps no list"),
        (replace(ALLOWS, verbs={}), {}, "no such action"),
        (ALLOWS, {"withheld": "its connector may only read"}, "may only read"),
        (replace(ALLOWS, steering_by="country"), {}, "by country"),
        (replace(ALLOWS, steering_scope="group"), {"others": 7}, "7 other lines"),
        (replace(ALLOWS, steering_scope="account"), {"others": 1}, "the whole account"),
        (replace(ALLOWS, steering_most=2), {}, "holds 2 networks at most, and this one has 3"),
    ],
)
def test_why_not_is_said(record: CapabilityRecord | None, at: dict, because: str) -> None:
    found = compiled(record, **at)
    assert (found.possible, found.kind) == (False, "")
    assert because in found.because


def test_a_shared_list_is_set_where_all_lines_are_matched_or_it_is_said() -> None:
    shared = replace(BLOCKS, steering_scope="group")
    assert compiled(shared, others=0).possible
    found = compiled(shared, others=7, more="  shared: true\n")
    assert found.possible
    assert any("binds its carrier group" in one for one in found.notes)


def test_a_network_nobody_knows_blocks_nothing() -> None:
    unknown = steering(text=TEXT.replace("262-01", "262-999"))
    found = compile_steering(unknown, AtCarrier(account="a", record=BLOCKS), NETWORKS)
    assert "262-999" in found.because
