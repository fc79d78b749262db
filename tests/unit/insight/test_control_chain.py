"""The layers of a device: what is absent is said with its reason, and what nobody sees is never called present."""

from dataclasses import replace

import fairlead.reference
from fairlead.insight.control_chain import JUDGES, Known, judge

TABLE = fairlead.reference.load().tables["control-chain"].records()
NOTHING = Known(
    tenant="acme", serial=None, fingerprint=None, has_secret=False, factory_record=False, profiles=(),
    regional_policies=(), policies=(), group=None, config_version=None, flags=None, firmware=None, ways_back=(),
    acknowledged=(), managed=(), heard=None, usage_known=False,
)  # fmt: skip


def objects(known):
    return {one.name: one for layer in judge(TABLE, known) for one in layer.objects}


def test_every_object_of_the_table_has_a_judge_and_every_judge_an_object():
    named = [name.strip() for row in TABLE for name in row["key_objects"].split(",")]
    assert sorted(named) == sorted(JUDGES)


def test_of_a_device_that_is_only_a_name_everything_is_absent_or_unknown():
    found = objects(NOTHING)
    assert {name for name, one in found.items() if one.present == "yes"} == {"tenant binding"}
    assert {name for name, one in found.items() if one.present == "unknown"} == {
        "bundle", "logs", "alerts", "diagnostic snapshots", "acknowledgement",
    }  # fmt: skip
    assert all(one.why for one in found.values() if one.present != "yes")
    layers = judge(TABLE, NOTHING)
    assert [layer.present for layer in layers] == ["no"] * 5
    assert all(layer.failure for layer in layers)


def test_what_is_there_is_shown_with_its_value():
    whole = replace(
        NOTHING, serial="SN1", fingerprint="ab", has_secret=True, factory_record=True,
        profiles=[("8944", "global-sim")], regional_policies=["brazil@2"], group="trucks", config_version="generation 2",
        flags=True, firmware="1.4.0", ways_back=["config"], acknowledged=["config"], managed=["config"], heard="today",
    )  # fmt: skip
    found = objects(whole)
    assert found["eSIM profile"].value == "8944 at global-sim"
    assert found["regional policy"].value == "brazil@2"
    layers = judge(TABLE, whole)
    assert [layer.present for layer in layers] == ["yes", "yes", "yes", "unknown", "unknown"]


def test_silence_after_being_asked_is_absence():
    assert objects(replace(NOTHING, managed=["config"]))["acknowledgement"].present == "no"


def test_an_object_that_only_a_newer_table_names_is_unknown():
    row = {"layer": "New", "task": "t", "key_objects": "serial, quantum seal", "failure_if_missing": "f"}
    (layer,) = judge([row], replace(NOTHING, serial="SN1"))
    assert [one.present for one in layer.objects] == ["yes", "unknown"]
    assert layer.present == "unknown"
