"""What the engine answers, as devices read it."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairlead.edge.mqtt import words
from fairlead.engine.ports.bus import DeviceMessage
from fairlead.engine.shadow import Delete, Get, Update
from fairlead.wire import shadow as wire

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3)
states = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner), max_leaves=8
    ),
)


def reads(value: Any) -> Any:
    """Lists keep a null as a value; only members of objects are deleted by it."""
    return value


@given(states)
def test_stamps_of_one_time_are_those_of_the_protocol(state: Any) -> None:
    at = int(NOW.timestamp())
    assert words._stamped(state, NOW) == wire.stamp({}, state, timestamp=at) or _null_in_list(state)


def _null_in_list(value: Any, *, inside: bool = False) -> bool:
    """Objects inside a list: the protocol stamps their nulls, ours leaves them out; no state holds such a null."""
    if isinstance(value, dict):
        return any((inside and below is None) or _null_in_list(below, inside=inside) for below in value.values())
    return isinstance(value, list) and any(_null_in_list(item, inside=True) for item in value)


def read(path: str, payload: bytes) -> words.Asked | DeviceMessage:
    return words.Words(lambda: NOW).read(DeviceMessage(tenant="acme", device="d1", path=path, payload=payload))


def test_each_request_is_read_with_its_facet_and_token() -> None:
    update = read("shadow/name/network/update", b'{"state":{"reported":{"a":1}},"version":4,"clientToken":"t"}')
    assert isinstance(update, words.Asked)
    assert (update.ask, update.token) == (Update(device="d1", facet=1, patch={"a": 1}, version=4), "t")
    said = read("shadow/name/flags/update", b'{"state":{"reported":null},"timestamp":77}')
    assert isinstance(said, words.Asked)
    assert said.ask == Update(device="d1", facet=4, patch=None, said_at=77)
    unnamed = read("shadow/get", b"")
    assert isinstance(unnamed, words.Asked)
    assert unnamed.ask == Get(device="d1", facet=2)
    delete = read("shadow/name/traffic/delete", b"{}")
    assert isinstance(delete, words.Asked)
    assert delete.ask == Delete(device="d1", facet=6)


def test_what_cannot_be_read_is_answered_at_once() -> None:
    answer = read("shadow/name/network/update", b'{"state":{"desired":{}},"clientToken":"t"}')
    assert isinstance(answer, DeviceMessage)
    assert answer.path == "shadow/name/network/update/rejected"
    rejected = wire.read_answer(answer.payload, wire.Rejected)
    assert (rejected.code, rejected.client_token) == (403, "t")
