"""NATS keys and tokens, judged by the NATS project's own Python library."""

import base64
import json
from typing import Any

import nkeys
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.wire import nkey

RAW = bytes(range(32))


@pytest.mark.parametrize(
    ("role", "prefix"),
    [
        (nkey.Role.ACCOUNT, nkeys.PREFIX_BYTE_ACCOUNT),
        (nkey.Role.SERVER, nkeys.PREFIX_BYTE_SERVER),
        (nkey.Role.USER, nkeys.PREFIX_BYTE_USER),
    ],
)
def test_keys_are_spelt_as_the_reference_spells_them(role: nkey.Role, prefix: int) -> None:
    seed = nkey.write_seed(RAW, role)
    reference = nkeys.encode_seed(RAW, prefix)
    assert seed.encode() == reference
    signer = nkey.read_seed(seed)
    assert signer.public.encode() == nkeys.from_seed(reference).public_key
    assert nkey.read_public(signer.public, role).public_bytes_raw() == signer.private.public_key().public_bytes_raw()


def test_a_signature_is_the_reference_s_signature() -> None:
    signer = nkey.read_seed(nkey.write_seed(RAW, nkey.Role.ACCOUNT))
    token = nkey.sign_token({"sub": "x"}, signer, issued_at=1_000)
    signed, _, signature = token.rpartition(".")
    reference = nkeys.from_seed(nkeys.encode_seed(RAW, nkeys.PREFIX_BYTE_ACCOUNT)).sign(signed.encode())
    assert base64.urlsafe_b64decode(signature + "==") == reference


@given(
    st.dictionaries(
        st.text(max_size=5).filter(lambda key: key not in {"iss", "iat", "jti"}),
        st.integers() | st.text(max_size=9),
        max_size=4,
    )
)
def test_a_token_reads_as_it_was_signed(claims: Any) -> None:
    signer = nkey.read_seed(nkey.write_seed(RAW, nkey.Role.SERVER))
    read = nkey.read_token(nkey.sign_token(claims, signer, issued_at=5).encode(), nkey.Role.SERVER)
    assert {key: read[key] for key in claims} == claims
    assert (read["iss"], read["iat"]) == (signer.public, 5)


def test_a_token_of_another_role_is_refused() -> None:
    signer = nkey.read_seed(nkey.write_seed(RAW, nkey.Role.ACCOUNT))
    token = nkey.sign_token({}, signer, issued_at=5).encode()
    with pytest.raises(nkey.NkeyError, match="server"):
        nkey.read_token(token, nkey.Role.SERVER)


def test_a_token_changed_on_the_way_is_refused() -> None:
    signer = nkey.read_seed(nkey.write_seed(RAW, nkey.Role.SERVER))
    head, body, signature = nkey.sign_token({"who": "me"}, signer, issued_at=5).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = base64.urlsafe_b64encode(json.dumps(claims | {"who": "you"}).encode()).decode().rstrip("=")
    with pytest.raises(nkey.NkeyError, match="signature"):
        nkey.read_token(f"{head}.{other}.{signature}".encode(), nkey.Role.SERVER)


def test_a_key_with_one_letter_changed_is_refused() -> None:
    public = nkey.read_seed(nkey.write_seed(RAW, nkey.Role.SERVER)).public
    for at in range(len(public)):
        changed = public[:at] + ("A" if public[at] != "A" else "B") + public[at + 1 :]
        with pytest.raises(nkey.NkeyError):
            nkey.read_public(changed, nkey.Role.SERVER)


@given(st.binary(max_size=200) | st.text("eyJ.AS234567-_", max_size=90).map(str.encode))
def test_any_bytes_give_claims_or_an_nkey_error(data: bytes) -> None:
    with pytest.raises(nkey.NkeyError):
        nkey.read_token(data, nkey.Role.SERVER)
    with pytest.raises(nkey.NkeyError):
        nkey.read_seed(data.decode("latin-1"))


def test_nothing_secret_in_words() -> None:
    seed = nkey.write_seed(RAW, nkey.Role.ACCOUNT)
    assert seed not in repr(nkey.read_seed(seed))
    with pytest.raises(nkey.NkeyError) as refusal:
        nkey.read_seed(seed[:-1] + "A")
    assert seed[5:20] not in str(refusal.value)
