"""The tree of RFC 6962 §2.1: known roots, and proofs that hold for their leaf and no other."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model import merkle

BATCHES = st.lists(st.binary(max_size=40), min_size=1, max_size=40)


def recursive_root(leaves: list[bytes]) -> bytes:
    """The definition as the RFC writes it: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


def test_known_roots_of_the_certificate_transparency_test_set() -> None:
    leaves = [
        bytes.fromhex(t)
        for t in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    ]
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(BATCHES)
def test_root_is_the_recursive_definition(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == recursive_root(leaves)


@given(BATCHES, st.data())
def test_a_proof_holds_for_its_leaf(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    assert merkle.proves(merkle.prove(leaves, index), leaves[index], merkle.root(leaves))


@given(BATCHES, st.data())
def test_a_proof_holds_for_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root = merkle.prove(leaves, index), merkle.root(leaves)
    assert not merkle.proves(proof, leaves[index] + b"x", root)
    assert not merkle.proves(proof, leaves[index], bytes(32))
    assert not merkle.proves(replace(proof, path=(*proof.path, bytes(32))), leaves[index], root)
    if proof.path:
        assert not merkle.proves(replace(proof, path=proof.path[:-1]), leaves[index], root)
        assert not merkle.proves(replace(proof, path=(bytes(32), *proof.path[1:])), leaves[index], root)


def test_a_node_is_no_leaf() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.root([left + right]) != merkle.root([b"a", b"b"])


def test_outside_the_batch() -> None:
    with pytest.raises(IndexError):
        merkle.prove([b"a"], 1)
    assert not merkle.proves(merkle.Proof(index=1, size=1, path=()), b"a", merkle.root([b"a"]))
