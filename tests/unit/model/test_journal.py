"""The canonical bytes of a line, pinned; and a chain that shows every change made to it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model import journal
from fairlead.model.ids import ChangeId, TenantId
from fairlead.model.journal import Action, Checkpoint, Evidence, Head, Line, NotCanonical, Subject

TENANT = TenantId(UUID("0192f000-0000-7000-8000-000000000001"))
AT = datetime(2026, 11, 20, 8, 43, 0, 1500, tzinfo=UTC)


def line(number: int = 1, **changes: object) -> Line:
    base = Line(
        id=UUID(int=number),
        tenant=TENANT,
        at=AT,
        actor="usr_1",
        action=Action.CHANGE_APPLIED,
        subject=Subject(kind="change", id="chg_1"),
        reason="Türkiye: 90 days are near",
        payload=journal.canonical({"devices": number, "stages": [1, 10, 100]}),
    )
    return replace(base, **changes)


def test_the_canonical_bytes_are_these() -> None:
    full = line(
        change=ChangeId(UUID(int=7)), personal={"address": "ab" * 32}, evidence=Evidence(root=bytes(32), count=3)
    )
    assert journal.canonical_line(full, 4).decode() == (
        '{"action":"change.applied","actor":"usr_1","at":"2026-11-20T08:43:00.001500Z",'
        '"change":"00000000-0000-0000-0000-000000000007",'
        '"evidence":{"count":3,"root":"' + "00" * 32 + '"},"format":1,'
        '"id":"00000000-0000-0000-0000-000000000001",'
        '"payload":{"devices":1,"stages":[1,10,100]},"personal":{"address":"' + "ab" * 32 + '"},'
        '"reason":"Türkiye: 90 days are near","seq":4,"subject":{"id":"chg_1","kind":"change"},'
        '"tenant":"0192f000-0000-7000-8000-000000000001"}'
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner)
        ),
        max_leaves=12,
    )
)
def test_the_line_is_one_canonical_object_whatever_its_payload(value: object) -> None:
    text = journal.canonical_line(line(payload=journal.canonical({"value": value})), 1).decode()
    again = json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert text == again
    assert json.loads(text)["payload"] == {"value": value}


def test_values_that_have_one_text() -> None:
    there = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert journal.canonical({"b": Decimal("1.50"), "a": there, "c": UUID(int=1)}) == (
        '{"a":"2026-01-01T00:00:00.000000Z","b":"1.50","c":"00000000-0000-0000-0000-000000000001"}'
    )


@pytest.mark.parametrize("value", [1.5, float("nan"), "a\0b", "\ud800", b"x", {1, 2}, datetime(2026, 1, 1)])  # noqa: DTZ001
def test_values_without_one_text_are_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        journal.canonical({"value": value})  # type: ignore[dict-item]


@pytest.mark.parametrize("change", [{"reason": "\ud800"}, {"actor": "a\0"}, {"at": datetime(2026, 1, 1)}])  # noqa: DTZ001
def test_a_line_that_could_not_be_sealed_is_refused_where_it_is_made(change: dict[str, object]) -> None:
    with pytest.raises(NotCanonical):
        line(**change)


def test_the_chain_continues_from_its_head() -> None:
    first = journal.seal(Head(), [line(1), line(2)])
    head = journal.head_after(Head(), first)
    second = journal.seal(head, [line(3)])
    assert [item.seq for item in (*first, *second)] == [1, 2, 3]
    assert first[0].prev_hash == bytes(32)
    assert second[0].prev_hash == first[1].hash
    assert journal.first_break(Head(), (*first, *second)) is None
    assert journal.head_after(head, ()) == head


@given(st.integers(0, 4), st.data())
def test_any_change_of_a_line_breaks_the_chain_there(position: int, data: st.DataObject) -> None:
    chain = list(journal.seal(Head(), [line(n) for n in range(1, 6)]))
    victim = chain[position]
    changed = data.draw(
        st.sampled_from(
            [
                {"reason": "other"},
                {"actor": "usr_2"},
                {"action": Action.CHANGE_STOPPED},
                {"payload": "{}"},
                {"at": AT + timedelta(microseconds=1)},
                {"subject": Subject(kind="change", id="chg_2")},
                {"personal": {"name": "00" * 32}},
                {"evidence": Evidence(root=bytes(32), count=1)},
                {"change": ChangeId(UUID(int=9))},
                {"id": UUID(int=99)},
                {"tenant": TenantId(UUID(int=5))},
            ]
        )
    )
    chain[position] = replace(victim, line=replace(victim.line, **changed))
    assert journal.first_break(Head(), chain) == victim.seq


@given(st.integers(0, 3))
def test_a_missing_or_swapped_line_breaks_the_chain(position: int) -> None:
    chain = list(journal.seal(Head(), [line(n) for n in range(1, 6)]))
    removed = chain[:position] + chain[position + 1 :]
    assert journal.first_break(Head(), removed) == chain[position + 1].seq
    swapped = chain.copy()
    swapped[position], swapped[position + 1] = swapped[position + 1], swapped[position]
    assert journal.first_break(Head(), swapped) is not None


def test_the_signed_bytes_name_everything() -> None:
    checkpoint = Checkpoint(tenant=TENANT, seq=2, head=bytes(32), count=2, at=AT, key_id="k")
    assert journal.checkpoint_bytes(checkpoint).decode() == (
        "fairlead journal checkpoint v1\n0192f000-0000-7000-8000-000000000001\n2\n2\n"
        + "00" * 32
        + "\n2026-11-20T08:43:00.001500Z\nk\n"
    )


def test_every_action_is_noun_dot_verb() -> None:
    for action in Action:
        noun, _, verb = action.value.partition(".")
        assert noun.replace("_", "").isalpha()
        assert verb.replace("_", "").isalpha()
        assert action.value == action.value.lower()


def test_an_action_of_newer_code_is_sealed_as_it_stands() -> None:
    action = journal.read_action("orbit.changed")
    assert b'"action":"orbit.changed"' in journal.canonical_line(line(action=action), 1)
    assert action.value == "orbit.changed"
    assert action not in list(Action)
    assert journal.read_action("plan.made") is Action.PLAN_MADE
