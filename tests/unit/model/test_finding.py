"""A sighting that could not be kept or read again is refused where it is made; evidence is what it was."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.finding import (
    KINDS,
    MOST_FACTS,
    Fact,
    FindingSubject,
    Severity,
    Sighting,
    read_evidence,
    write_evidence,
)

BRAZIL = FindingSubject(kind="country", id="BR")
values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(),
    st.lists(st.text(), max_size=5),
)  # fmt: skip


def sighting(**more: object) -> Sighting:
    given = {"kind": "carrier-outage", "severity": Severity.INFO, "subject": BRAZIL, "title": "something is so"}
    return Sighting(**given | more)


def test_its_key_is_its_subject_where_none_is_given() -> None:
    assert sighting().dedupe == "country:BR"
    assert sighting(key="cell-7").dedupe == "cell-7"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "bad-mood"}, "carrier-outage"),
        ({"subject": FindingSubject(kind="country", id="")}, "subject"),
        ({"subject": FindingSubject(kind="planet", id="x")}, "subject"),
        ({"title": ""}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"key": "a\0b"}, "printable"),
        ({"score": 1.5}, "score"),
        ({"score": float("nan")}, "score"),
        ({"evidence": {"n": Fact(value=float("inf"))}}, "'n'"),
        ({"evidence": {"n": Fact(value="a\0b")}}, "'n'"),
        ({"evidence": {"n": Fact(value=["a" * 513])}}, "'n'"),
        ({"evidence": {"n": Fact(value=1, at=datetime(2026, 3, 1))}}, "'n'"),  # noqa: DTZ001 - what is refused
        ({"evidence": {str(n): Fact(value=n) for n in range(MOST_FACTS + 1)}}, "at most"),
    ],
)
def test_what_could_not_be_kept_is_refused(wrong: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sighting(**wrong)


@given(st.dictionaries(st.text(), st.builds(
    Fact, value=values, unit=st.text(), at=st.none() | st.just(datetime(2026, 3, 1, tzinfo=UTC)))))  # fmt: skip
def test_evidence_comes_back_as_it_was(evidence: dict[str, Fact]) -> None:
    assert read_evidence(write_evidence(evidence)) == evidence


def test_every_kind_says_what_it_means() -> None:
    assert {"carrier-outage", "core-outage", "profile-outage", "usage-rule", "shipment", "policy-collision"} <= set(
        KINDS
    )
    assert all(KINDS.values())
