"""Sealed secrets open in their own place with a known key, and print nothing."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.engine.private_file import FileOpenToOthers
from fairlead.engine.sealing import (
    CannotOpen,
    Keyring,
    KeyringUnreadable,
    Place,
    Sealer,
    keep_keyring,
    open_keyring,
    read_keyring,
)
from fairlead.model.ids import TenantId

PLACE = Place(tenant=TenantId(UUID(int=1)), table="account", row="a1", column="credential")
RING = Keyring(current="k1", keys={"k1": bytes(range(32))})


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(secret: bytes) -> None:
    sealer = Sealer(RING)
    sealed = sealer.seal(secret, PLACE)
    assert sealer.open(sealed, PLACE) == secret
    assert sealed != sealer.seal(secret, PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place(tenant=TenantId(UUID(int=2)), table="account", row="a1", column="credential"),
        Place(tenant=TenantId(UUID(int=1)), table="accounta", row="1", column="credential"),
        Place(tenant=TenantId(UUID(int=1)), table="account", row="a2", column="credential"),
        Place(tenant=TenantId(UUID(int=1)), table="account", row="a1", column="other"),
    ],
)
def test_it_opens_nowhere_else(elsewhere: Place) -> None:
    with pytest.raises(CannotOpen):
        Sealer(RING).open(Sealer(RING).seal(b"s", PLACE), elsewhere)


@given(st.data())
def test_a_changed_letter_is_noticed(data: st.DataObject) -> None:
    sealed = Sealer(RING).seal(b"a secret", PLACE)
    position = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.sampled_from("AZaz09+/=.k1"))
    changed = sealed[:position] + letter + sealed[position + 1 :]
    if changed != sealed:
        with pytest.raises(CannotOpen):
            Sealer(RING).open(changed, PLACE)


def test_rotation_keeps_what_was_sealed_before() -> None:
    sealed = Sealer(RING).seal(b"s", PLACE)
    ring = RING.rotated()
    later = Sealer(ring)
    assert later.open(sealed, PLACE) == b"s"
    assert later.stale(sealed)
    resealed = later.reseal(sealed, PLACE)
    assert not later.stale(resealed)
    left = Sealer(ring.without("k1"))
    assert left.open(resealed, PLACE) == b"s"
    with pytest.raises(CannotOpen, match="k1"):
        left.open(sealed, PLACE)
    with pytest.raises(KeyringUnreadable):
        ring.without(ring.current)


def test_nothing_prints_a_key() -> None:
    for text in (repr(RING), repr(Sealer(RING)), str(RING)):
        assert "k1" in text
        assert "\\x01" not in text


def test_the_keyring_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = open_keyring(tmp_path / "data")
    assert open_keyring(tmp_path / "data") == first
    file = tmp_path / "data" / "keyring.json"
    assert file.stat().st_mode & 0o777 == 0o600
    keep_keyring(tmp_path / "data", first.rotated())
    assert first.current in open_keyring(tmp_path / "data").names
    assert open_keyring(tmp_path, RING.text()) == RING
    file.chmod(0o640)
    with pytest.raises(FileOpenToOthers):
        open_keyring(tmp_path / "data")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"current":"a","keys":{}}',
        '{"current":"a","keys":{"a":"c2hvcnQ="}}',
        '{"current":"a","keys":{"a":"§"}}',
    ],
)
def test_an_unusable_keyring_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(KeyringUnreadable) as refused:
        read_keyring(text)
    assert "c2hvcnQ" not in str(refused.value)
