"""The records of an exported journal: JSON Lines that an auditor verifies without Fairlead.

Header, then lines in order, each checkpoint right after the line it signs, evidence right after
the line that holds its root, and a signed end over every byte before it. Each record is canonical
JSON on a line of its own. `engine.journal` streams them; docs/journal.md is the description a
stranger implements, as `fairlead_cli.verify` does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from fairlead.model.ids import TenantId
from fairlead.model.journal import Checkpoint, Json, Sealed, canonical, canonical_line, instant

FORMAT: Final = 1  # of the export as a whole


def header(*, tenant: TenantId, first_seq: int, prev_hash: bytes, keys: Mapping[str, bytes]) -> bytes:
    """The first record: whose journal, from which seq, and all public keys by key id."""
    listed = [{"key_id": name, "public_key": keys[name].hex()} for name in sorted(keys)]
    return _record({
        "record": "header", "format": FORMAT, "tenant": tenant, "first_seq": first_seq,
        "prev_hash": prev_hash.hex(), "keys": listed,
    })  # fmt: skip


def line(sealed: Sealed) -> bytes:
    """A line with its place in the chain; its `line` member is the bytes that were hashed."""
    content = canonical_line(sealed.line, sealed.seq).decode()
    return (
        f'{{"hash":"{sealed.hash.hex()}","line":{content},"prev_hash":"{sealed.prev_hash.hex()}","record":"line"}}\n'
    ).encode()


def evidence(seq: int, leaves: Sequence[str]) -> bytes:
    """The leaves under the Merkle root of the line before."""
    return _record({"record": "evidence", "seq": seq, "leaves": leaves})


def checkpoint(signed: Checkpoint) -> bytes:
    """A checkpoint, after the line it ends with."""
    return _record({
        "record": "checkpoint", "tenant": signed.tenant, "seq": signed.seq, "count": signed.count,
        "head": signed.head.hex(), "at": signed.at, "key_id": signed.key_id, "signature": signed.signature.hex(),
    })  # fmt: skip


def end_bytes(*, tenant: TenantId, last_seq: int, digest: bytes, at: datetime, key_id: str) -> bytes:
    """What is signed at the end: `digest` is the SHA-256 of every byte before the end record."""
    fields = ("fairlead journal export v1", str(tenant), str(last_seq), digest.hex(), instant(at), key_id)
    return "".join(f"{text}\n" for text in fields).encode()


def end(*, last_seq: int, digest: bytes, at: datetime, key_id: str, signature: bytes) -> bytes:
    """The last record."""
    return _record({
        "record": "end", "last_seq": last_seq, "digest": digest.hex(), "at": at, "key_id": key_id,
        "signature": signature.hex(),
    })  # fmt: skip


def _record(value: Mapping[str, Json]) -> bytes:
    return canonical(value).encode() + b"\n"
