"""What holds for every shadow message and state, and how answers look on the wire."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairlead.wire import shadow

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)


def values(levels: int) -> st.SearchStrategy[Any]:
    if levels == 0:
        return LEAVES
    below = values(levels - 1)
    return LEAVES | st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3)


STATES = st.dictionaries(TEXT, values(3), max_size=4)
TOKENS = st.none() | TEXT.filter(lambda text: 0 < len(text.encode()) <= 64)
VERSIONS = st.integers(0, 2**53)
ANSWERS: list[Any] = [
    shadow.UpdateAccepted, shadow.GetAccepted, shadow.DeleteAccepted, shadow.Rejected, shadow.Delta, shadow.Documents,
]  # fmt: skip
STAMPS = st.integers(0, 2**40)


@given(st.none() | STATES, TOKENS, st.none() | VERSIONS)
def test_an_update_reads_as_it_was_written(reported: Any, token: Any, version: Any) -> None:
    request = shadow.UpdateRequest(reported=reported, client_token=token, version=version)
    read = shadow.read_update(request.encode())
    assert read == request
    assert shadow.same(read.reported, request.reported)


@given(TOKENS)
def test_a_bare_request_reads_as_it_was_written(token: Any) -> None:
    assert shadow.read_get(shadow.GetRequest(client_token=token).encode()).client_token == token
    assert shadow.read_delete(shadow.DeleteRequest(client_token=token).encode()).client_token == token


@given(st.data())
def test_an_answer_reads_as_it_was_written(data: st.DataObject) -> None:
    def draw(strategy: st.SearchStrategy[Any]) -> Any:
        return data.draw(strategy)

    def whole() -> dict[str, Any]:
        return {"state": {"desired": draw(STATES), "reported": draw(STATES)}, "metadata": {}, "version": draw(VERSIONS)}

    common = {"timestamp": draw(STAMPS), "client_token": draw(TOKENS)}
    previous = draw(st.none() | st.just(1)) and shadow.Snapshot(**whole())
    answers: list[Any] = [
        shadow.UpdateAccepted(**whole(), **common),
        shadow.GetAccepted(**whole(), **common),
        shadow.Delta(**whole(), **common),
        shadow.DeleteAccepted(version=draw(VERSIONS), **common),
        shadow.Rejected(code=draw(st.sampled_from([400, 403, 409])), message=draw(TEXT), **common),
        shadow.Documents(current=shadow.Snapshot(**whole()), previous=previous, **common),
    ]
    for answer in answers:
        assert shadow.read_answer(answer.encode(), type(answer)) == answer


@given(st.binary(max_size=200) | TEXT.map(str.encode) | STATES.map(lambda state: json.dumps(state).encode()))
@example(b"[" * 4_000 + b"]" * 4_000)
@example(b'{"state":' * 900 + b"1" + b"}" * 900)
@example(b'{"state":{"reported":{"a":' + b"9" * 5_000 + b"}}}")
@example(b'{"state":{"reported":{"a":-0.0e-999}}}')
@example(b"\xef\xbb\xbf{}")
@example(b'{"state":{"reported":{"\\ud800":1}}}')
def test_any_bytes_give_a_message_or_a_shadow_error(data: bytes) -> None:
    for read in (shadow.read_update, shadow.read_get, shadow.read_delete):
        found = outcome(read, data)
        if isinstance(found, shadow.ShadowError):
            assert found.code in {400, 403, 413, 415}
            answer = shadow.Rejected.of(found, timestamp=1).encode()
            assert shadow.read_answer(answer, shadow.Rejected).message == found.message
        else:
            assert read(found.encode()) == found
    for kind in ANSWERS:
        outcome(lambda raw, kind=kind: shadow.read_answer(raw, kind), data)


def outcome(read: Any, data: bytes) -> Any:
    try:
        return read(data)
    except shadow.ShadowError as refusal:
        return refusal


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["fairlead", "v1", "a", "shadow", "name", "get", "update", "delta", ""])).map("/".join)
)
def test_any_text_is_a_topic_or_a_shadow_error(text: str) -> None:
    try:
        topic = shadow.read_topic(text)
    except shadow.ShadowError:
        return
    assert topic.mqtt == text


@given(STATES, STATES)
def test_after_a_merge_what_was_desired_is_reported(desired: Any, reported: Any) -> None:
    """A device that applies the delta has nothing left to do. Desired documents have no null."""
    wanted = shadow.merge({}, desired)
    after = shadow.merge(reported, shadow.delta(wanted, reported))
    assert shadow.same(shadow.delta(wanted, after), {})


@given(STATES, STATES)
def test_merging_twice_is_merging_once(reported: Any, patch: Any) -> None:
    before = json.dumps(reported)
    once = shadow.merge(reported, patch)
    assert shadow.same(shadow.merge(once, patch), once)
    assert json.dumps(reported) == before


def leaves(value: Any) -> Any:
    """The shape of a state with a stamp for each leaf."""
    if isinstance(value, dict):
        return {key: leaves(item) for key, item in value.items()}
    return [leaves(item) for item in value] if isinstance(value, list) else {"timestamp": 7}


@given(STATES)
def test_metadata_mirrors_the_state(patch: Any) -> None:
    assert shadow.stamp({}, patch, timestamp=7) == leaves(shadow.merge({}, patch))


def test_metadata_keeps_the_time_of_what_did_not_change() -> None:
    first = shadow.stamp({}, {"radio": {"psm": True, "edrx": 20}, "band": [3, 20]}, timestamp=1)
    second = shadow.stamp(first, {"radio": {"edrx": 40}, "band": None}, timestamp=2)
    assert second == {"radio": {"psm": {"timestamp": 1}, "edrx": {"timestamp": 2}}}
    assert shadow.select(second, {"radio": {"edrx": 40}}) == {"radio": {"edrx": {"timestamp": 2}}}


def test_metadata_of_a_value_that_becomes_an_object() -> None:
    first = shadow.stamp({}, {"radio": 5}, timestamp=1)
    assert shadow.stamp(first, {"radio": {"psm": True}}, timestamp=2) == {"radio": {"psm": {"timestamp": 2}}}


@pytest.mark.parametrize(("filler", "accepted"), [(8_192 - 28, True), (8_192 - 27, False)])
def test_the_size_limit_is_that_of_state(filler: int, accepted: bool) -> None:
    half = filler // 2
    state = {"reported": {"a": "x" * half, "b": "x" * (filler - half)}}
    size = len(json.dumps(state, separators=(",", ":")))
    assert (size <= shadow.STATE_LIMIT_BYTES) is accepted
    data = json.dumps({"state": state}, separators=(",", ":")).encode()
    if accepted:
        shadow.read_update(data)
    else:
        with pytest.raises(shadow.ShadowError, match="413"):
            shadow.read_update(data)


def test_a_payload_beyond_the_limit_is_not_even_read() -> None:
    with pytest.raises(shadow.ShadowError, match="413"):
        shadow.read_update(b"[" * 100_000)


def test_a_document_that_grew_too_large() -> None:
    shadow.check_size({"a": "x" * 8_000})
    with pytest.raises(shadow.ShadowError, match="413"):
        shadow.check_size({"a": "x" * 8_190})


def test_long_keys_and_strings() -> None:
    for state in ({"k" * 129: 1}, {"k": "v" * 4_097}):
        with pytest.raises(shadow.ShadowError, match="too long"):
            shadow.read_update(shadow.UpdateRequest(reported=state).encode())


def test_how_answers_look_on_the_wire() -> None:
    accepted = shadow.UpdateAccepted(
        state={"reported": {"slot": 2}},
        metadata={"reported": {"slot": {"timestamp": 9}}},
        version=5,
        timestamp=9,
        client_token="t",
    )
    assert json.loads(accepted.encode()) == {
        "state": {"reported": {"slot": 2}},
        "metadata": {"reported": {"slot": {"timestamp": 9}}},
        "version": 5,
        "timestamp": 9,
        "clientToken": "t",
    }
    rejected = shadow.Rejected.of(shadow.ShadowError(409, "Version conflict"), timestamp=9)
    assert json.loads(rejected.encode()) == {"code": 409, "message": "Version conflict", "timestamp": 9}


def test_an_answer_of_another_kind_is_refused() -> None:
    with pytest.raises(shadow.ShadowError, match="not the answer expected"):
        shadow.read_answer(b'{"code":400,"message":"no","timestamp":1}', shadow.Delta)
