"""The server's own look at a tenant's journal: does every line continue the one before, who signed it.

`Journal.verify` feeds sealed lines in order into a `Verification`, which uses the same encoding that
sealed them (`model.journal`). It is quick and convenient and no proof against a server that lies:
`fairlead_cli.verify` is the independent second implementation, and shares nothing with this one.

Keys are trusted that this installation has in its data directory, outside the database, and those
that a line signed by a trusted key introduced. Keys that only the database names prove nothing:
whoever could rewrite the lines could have put them there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fairlead.engine.ports.journal import Exported
from fairlead.model import merkle
from fairlead.model.journal import (
    Action,
    Checkpoint,
    Head,
    Line,
    NotCanonical,
    Sealed,
    canonical_line,
    chain_hash,
    checkpoint_bytes,
    key_id,
)

_KEY_BYTES: Final = 32


class Verdict(StrEnum):
    """The answer."""

    OK = "ok"
    TAMPERED = "tampered"
    TAIL_NOT_PROVEN = "tail_not_proven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first thing that does not fit."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found."""

    verdict: Verdict
    detail: str  # one sentence for a person
    lines: int  # that fit, from the first
    head: Head  # of them
    checkpoint: Checkpoint | None  # the newest by a trusted key
    fault: Fault | None


class Broken(Exception):
    """Something does not fit."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"at seq {seq}: {what}")
        self.fault = Fault(seq=seq, what=what)


@dataclass(slots=True, kw_only=True)
class Verification:
    """One walk over a journal, from its first line."""

    trusted: dict[str, bytes]  # key id → public key: those whose word counts
    known: Mapping[str, bytes]  # all that the database names, for telling a foreign signature from a wrong one
    head: Head = field(default_factory=Head)
    proven: Checkpoint | None = None
    foreign: Checkpoint | None = None  # by a key that nobody vouches for
    _introduced: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])

    def take(self, batch: Sequence[Exported]) -> None:
        """Look at the next lines; raises `Broken`."""
        for exported in batch:
            self._line(exported.sealed)
            if exported.leaves is not None:
                self._evidence(exported.sealed.line, exported.leaves)
            for checkpoint in exported.checkpoints:
                self._checkpoint(checkpoint)

    def conclude(self, *, end: Head, newest: Checkpoint | None) -> Verified:
        """The verdict, given where the database says that the chain and its checkpoints end; raises `Broken`."""
        at = self.head.seq
        if end.seq != at or end.hash != self.head.hash:
            raise Broken(at + 1, f"lines end at seq {at}, but the journal says that they go to seq {end.seq}")
        if newest is not None and newest.seq > at:
            raise Broken(at + 1, f"a checkpoint signed seq {newest.seq}, but lines end at seq {at}")
        covered = self.proven.seq if self.proven is not None else 0
        if self.foreign is not None and self.foreign.seq > covered:
            raise Broken(self.foreign.seq, f"its checkpoint is signed by key {self.foreign.key_id}, which is not ours")
        if covered < at:
            last = f"the newest checkpoint covers seq {covered}" if covered else "there is no checkpoint"
            return self.found(Verdict.TAIL_NOT_PROVEN, f"tail not proven: lines go to seq {at}, {last}")
        return self.found(Verdict.OK, f"ok: {at} lines, the last one signed" if at else "ok: there are no lines yet")

    def found(self, verdict: Verdict, detail: str, fault: Fault | None = None) -> Verified:
        """What was found so far."""
        return Verified(
            verdict=verdict, detail=detail, lines=self.head.seq, head=self.head, checkpoint=self.proven, fault=fault
        )

    def _line(self, sealed: Sealed) -> None:
        expected = self.head.seq + 1
        if sealed.seq != expected:
            raise Broken(expected, f"seq {expected} should stand here, found {sealed.seq}")
        if sealed.prev_hash != self.head.hash:
            raise Broken(expected, "it does not continue the line before")
        try:
            content = chain_hash(sealed.prev_hash, canonical_line(sealed.line, expected))
        except NotCanonical as cause:
            raise Broken(expected, f"it cannot be encoded: {cause}") from cause
        if content != sealed.hash:
            raise Broken(expected, "its content does not give its hash")
        self.head = Head(seq=expected, hash=content)
        if sealed.line.action is Action.KEY_ROTATED:
            self._introduced.append((expected, _introduced_key(sealed.line, expected)))

    def _evidence(self, line: Line, leaves: Sequence[str]) -> None:
        said = line.evidence
        root = merkle.root([leaf.encode() for leaf in leaves])
        if said is None or (said.count, said.root) != (len(leaves), root):
            raise Broken(self.head.seq, "the evidence beside it does not give the root in it")

    def _checkpoint(self, checkpoint: Checkpoint) -> None:
        seq = self.head.seq
        if checkpoint.count != seq or checkpoint.head != self.head.hash:
            raise Broken(seq, "the checkpoint here signed other lines: count or head differ, at this seq or before it")
        key = self.trusted.get(checkpoint.key_id) or self.known.get(checkpoint.key_id)
        if key is None or key_id(key) != checkpoint.key_id:
            raise Broken(seq, f"its checkpoint names key {checkpoint.key_id}, which nobody knows")
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(checkpoint.signature, checkpoint_bytes(checkpoint))
        except (InvalidSignature, ValueError):
            raise Broken(seq, "the signature of its checkpoint does not hold") from None
        if checkpoint.key_id not in self.trusted:
            self.foreign = checkpoint
            return
        self.proven = checkpoint
        self.trusted |= {key_id(key): key for at, key in self._introduced if at <= seq}


def _introduced_key(line: Line, seq: int) -> bytes:
    try:
        payload: Any = json.loads(line.payload)
        key = bytes.fromhex(payload["public_key"])
    except (KeyError, TypeError, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise Broken(seq, "it introduces a key, and names none")
    return key
