"""One hash for a batch of device evidence, and short proofs that one piece belongs to it.

The journal gives a batch (a thousand acknowledgements, a night of observations) one line with one
root instead of a line a device. Whoever holds a single piece of evidence and its proof can check
it against that line without seeing the rest of the batch. The tree is that of RFC 6962 §2.1:
leaves and nodes are hashed under different prefixes, so a node can never be passed off as a leaf,
and a batch that is not a power of two is split unevenly rather than padded.

Called by `engine.journal` when a batch is written, by `model.journal` for the root in a line.
`fairlead_cli.verify` computes the same tree with code of its own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

EMPTY: Final = hashlib.sha256(b"").digest()  # RFC 6962 §2.1: the hash of an empty list


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An audit path (RFC 6962 §2.1.1): what is needed to climb from one leaf to the root."""

    index: int  # position of the leaf in its batch, from 0
    size: int  # leaves in the batch
    path: tuple[bytes, ...]  # sibling hashes of 32 bytes, from the leaf upward


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one piece of evidence: SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root of a batch, 32 bytes; `EMPTY` for no leaves."""
    if not leaves:
        return EMPTY
    # Pairing level by level and carrying an odd one upward gives the tree of §2.1 without recursion.
    level = [leaf_hash(leaf) for leaf in leaves]
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def prove(leaves: Sequence[bytes], index: int) -> Proof:
    """The proof that `leaves[index]` is in the batch; raises IndexError outside it."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a batch of {len(leaves)}")
    path: list[bytes] = []
    level = [leaf_hash(leaf) for leaf in leaves]
    position = index
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _parents(level)
        position >>= 1
    return Proof(index=index, size=len(leaves), path=tuple(path))


def proves(proof: Proof, leaf: bytes, expected_root: bytes) -> bool:
    """Whether `leaf` stands at `proof.index` of the batch with this root (RFC 9162 §2.1.3.2)."""
    if not 0 <= proof.index < proof.size:
        return False
    position, last = proof.index, proof.size - 1
    found = leaf_hash(leaf)
    siblings = iter(proof.path)
    while last > 0:
        if position & 1 or position < last:
            sibling = next(siblings, None)
            if sibling is None:
                return False
            found = node_hash(sibling, found) if position & 1 else node_hash(found, sibling)
        position >>= 1
        last >>= 1
    return next(siblings, None) is None and found == expected_root


def _parents(level: Sequence[bytes]) -> list[bytes]:
    parents = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        parents.append(level[-1])
    return parents
