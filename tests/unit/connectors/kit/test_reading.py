from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors._kit.reading import Fields, as_list, as_object, plmn_of_integers
from fairlead.model.identifiers import Plmn

LENGTHS = {"286": frozenset({2}), "302": frozenset({3}), "405": frozenset({2, 3})}


@pytest.mark.parametrize(
    ("mcc", "mnc", "plmn"),
    [
        (286, 1, Plmn(mcc="286", mnc="01")),
        (302, 22, Plmn(mcc="302", mnc="022")),
        (302, 720, Plmn(mcc="302", mnc="720")),
        (999, 720, Plmn(mcc="999", mnc="720")),  # three digits speak for themselves
        (405, 85, None),  # both lengths exist there
        (999, 1, None),  # a country the table does not know
        (0, 1, None),
        (286, -1, None),
        (1000, 1, None),
    ],
)
def test_networks_reported_as_numbers(mcc: int, mnc: int, plmn: Plmn | None) -> None:
    assert plmn_of_integers(mcc, mnc, LENGTHS) == plmn


def test_fields_of_the_wrong_kind_are_absent_and_named() -> None:
    complaints: list[str] = []
    fields = Fields({"a": 1, "b": "x", "c": True, "d": [], "e": None}, complaints, "sim.")
    assert fields.text("a") == ""
    assert fields.whole("b") is None
    assert fields.whole("c") is None  # true is not one
    assert fields.truth("b") is None
    assert fields.inner("d").names() == []
    assert fields.text("e") == fields.text("gone") == ""
    assert len(complaints) == 5
    assert all(complaint.startswith("sim.") for complaint in complaints)


def test_identifiers_are_checked_where_they_enter() -> None:
    complaints: list[str] = []
    fields = Fields({"good": "8990010000000000010", "bad": "8990010000000000011"}, complaints)
    assert fields.iccid("good") == "8990010000000000010"
    assert fields.iccid("bad") is None
    assert complaints[0].startswith("bad: ")


def test_instants() -> None:
    complaints: list[str] = []
    fields = Fields({"ms": 1_500, "zero": 0, "far": 10**30, "s": 60}, complaints)
    assert fields.instant("ms") == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert fields.instant("zero") is None
    assert fields.instant("far") is None
    assert fields.instant("s", unit=timedelta(seconds=1)) == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    assert len(complaints) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_only_objects_are_objects_and_only_arrays_are_arrays(value: object) -> None:
    assert (as_object(value) is not None) == isinstance(value, dict)
    assert (as_list(value) is not None) == isinstance(value, list)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2016-07-06 22:04:04.380+0000", datetime(2016, 7, 6, 22, 4, 4, 380_000, tzinfo=UTC)),
        ("2018-08-26T16:00:00.000Z", datetime(2018, 8, 26, 16, tzinfo=UTC)),
        ("2020-05-09T20:00:00-04:00", datetime(2020, 5, 10, tzinfo=UTC)),
        ("2020-05-09", datetime(2020, 5, 9, tzinfo=UTC)),
        ("", None),
        (None, None),
    ],
)
def test_points_in_time_as_text(text: str | None, at: datetime | None) -> None:
    complaints: list[str] = []
    assert Fields({"at": text}, complaints).moment("at") == at
    assert complaints == []


@pytest.mark.parametrize("value", ["tomorrow", "0001-01-01T00:00:00+23:59", 7])
def test_what_is_no_point_in_time_is_named(value: object) -> None:
    complaints: list[str] = []
    assert Fields({"at": value}, complaints).moment("at") is None
    assert len(complaints) == 1
