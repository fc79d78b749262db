"""Canonical documents: one meaning, one spelling, one hash."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.document import MalformedDocument, canonical, digest, pointer

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abé/~", max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def test_one_spelling() -> None:
    assert canonical({"b": 1.0, "a": [True, None, 0.5], "é": "ü"}) == '{"a":[true,null,0.5],"b":1,"é":"ü"}'.encode()
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2.0, "a": 1})
    assert canonical({"a": True}) != canonical({"a": 1})
    assert len(digest(canonical({}))) == 32
    assert pointer(("a/b", "c~d", "")) == "/a~1b/c~0d/"


@given(json_values)
def test_reading_it_back_gives_the_same_bytes(value: object) -> None:
    content = canonical(value)
    assert json.loads(content) == value
    assert canonical(json.loads(content)) == content


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [float("nan")]}, "/a/0"),
        ({"a": float("inf")}, "/a"),
        ({1: 2}, ""),
        ({"a": {None: 2}}, "/a"),
        ({"a": object()}, "/a"),
        ({"a": 2**63}, "/a"),
        ({"a": "\x00"}, "/a"),
        ({"a": "\ud800"}, "/a"),
    ],
)
def test_what_no_document_holds(value: object, path: str) -> None:
    with pytest.raises(MalformedDocument) as refused:
        canonical(value)
    assert refused.value.path == path


def test_depth_is_bounded() -> None:
    deep: object = 1
    for _ in range(32):
        deep = [deep]
    assert canonical(deep)
    with pytest.raises(MalformedDocument):
        canonical([deep])
