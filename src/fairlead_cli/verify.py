"""Checks an exported journal without Fairlead: a second implementation, written from docs/journal.md.

`fairlead journal verify FILE` and `python -m fairlead_cli.verify FILE` call it, and an auditor may
copy this one file: it needs Python and `cryptography` and imports nothing of the server, so a
fault of the server's encoding cannot hide in its own check. It reads an export as a stream and
answers with one of three verdicts:

- ok (exit 0): every line continues the one before, and a signed checkpoint covers the last one;
- tampered (exit 1): at seq N, and what differs;
- tail not proven (exit 2): all that is there fits together, but the newest lines lack the
  checkpoint that would prove that they are all of them.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT: Final = 1
CANNOT_READ: Final = 3  # exit code: no verdict, because there is no file or the key given is none

_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "header": frozenset({"record", "format", "tenant", "first_seq", "prev_hash", "keys"}),
    "line": frozenset({"record", "line", "prev_hash", "hash"}),
    "evidence": frozenset({"record", "seq", "leaves"}),
    "checkpoint": frozenset({"record", "tenant", "seq", "count", "head", "at", "key_id", "signature"}),
    "end": frozenset({"record", "last_seq", "digest", "at", "key_id", "signature"}),
}


class Verdict(IntEnum):
    """The answer; its number is the exit code."""

    OK = 0
    TAMPERED = 1
    TAIL_NOT_PROVEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found."""

    verdict: Verdict
    detail: str  # one sentence for a person
    tenant: str = ""
    lines: int = 0
    last_seq: int = 0  # of the lines that were read
    proven_seq: int = 0  # the newest checkpoint that counts covers lines up to here
    proven_at: str = ""
    key_id: str = ""  # the key that signed it
    bad_seq: int | None = None  # where tampering shows
    warnings: tuple[str, ...] = ()


class Tampered(Exception):
    """Something does not fit; says where and what."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(what)
        self.seq = seq
        self.what = what


@dataclass(slots=True, kw_only=True)
class _State:
    pinned: bool
    trusted: dict[str, bytes]  # key id -> public key: those whose word counts
    tenant: str = ""
    keys: dict[str, bytes] = field(default_factory=dict[str, bytes])  # all that the header names
    introduced: list[tuple[int, str, bytes]] = field(default_factory=list[tuple[int, str, bytes]])
    seq: int = 0
    head: bytes = b""
    lines: int = 0
    evidence: tuple[int, str] | None = None  # what the last line says of its batch: count and root
    proven: dict[str, Any] = field(default_factory=dict[str, Any])  # the newest checkpoint by a trusted key
    foreign: dict[str, Any] = field(default_factory=dict[str, Any])  # a newer one by a key nobody vouches for
    digest: Any = field(default_factory=hashlib.sha256)  # over every byte before the end record
    ended: bool = False
    end_differs: str = ""


def verify(stream: Iterable[bytes], *, keys: Sequence[bytes] = ()) -> Report:
    """Verify an export, given as lines of bytes with their newlines (an open binary file will do).

    `keys` are the Ed25519 public keys (32 bytes) known from elsewhere. Without any, the keys in
    the export itself are believed and the report warns of it.
    """
    state = _State(pinned=bool(keys), trusted={_key_id(key): key for key in keys})
    cut = False
    try:
        for raw in stream:
            if not raw.endswith(b"\n"):
                cut = True  # the last record is not whole: cut off, or its newline was changed
                break
            _take(state, raw)
    except Tampered as found:
        detail = f"tampered at seq {found.seq}: {found.what}"
        return _report(state, Verdict.TAMPERED, detail, bad_seq=found.seq)
    return _conclude(state, cut=cut)


def _conclude(state: _State, *, cut: bool) -> Report:
    newest = int(state.proven.get("seq", 0))
    if state.foreign and int(state.foreign["seq"]) > newest:
        seq = int(state.foreign["seq"])
        detail = (
            f"tampered at seq {seq}: its checkpoint is signed by key {state.foreign['key_id']}, which is not pinned"
        )
        return _report(state, Verdict.TAMPERED, detail, bad_seq=seq)
    if state.lines and newest < state.seq:
        last = f"the newest checkpoint covers seq {newest}" if newest else "there is no checkpoint"
        detail = f"tail not proven: lines go to seq {state.seq}, {last}"
        return _report(state, Verdict.TAIL_NOT_PROVEN, detail)
    if cut or not state.ended:
        where = "inside a record" if cut else "without its end record"
        return _report(state, Verdict.TAIL_NOT_PROVEN, f"tail not proven: the export stops {where}, seq {state.seq}")
    if state.end_differs:
        return _report(state, Verdict.TAMPERED, f"tampered at seq {state.seq}: {state.end_differs}", bad_seq=state.seq)
    covered = f"{state.lines} lines to seq {state.seq}" if state.lines else "no lines"
    return _report(state, Verdict.OK, f"ok: {covered}, signed {state.proven.get('at', 'at its end')}")


def _report(state: _State, verdict: Verdict, detail: str, *, bad_seq: int | None = None) -> Report:
    warnings = () if state.pinned else (
        "the signing key is believed because the export names it; pin it with --key: "
        + ", ".join(key.hex() for key in state.keys.values()),
    )  # fmt: skip
    return Report(
        verdict=verdict, detail=detail, tenant=state.tenant, lines=state.lines, last_seq=state.seq,
        proven_seq=int(state.proven.get("seq", 0)), proven_at=str(state.proven.get("at", "")),
        key_id=str(state.proven.get("key_id", "")), bad_seq=bad_seq, warnings=warnings,
    )  # fmt: skip


def _take(state: _State, raw: bytes) -> None:
    record = _read(state, raw)
    kind = record["record"]
    if state.ended:
        raise Tampered(state.seq, "something follows the end of the export")
    if (kind == "header") != (not state.tenant):
        raise Tampered(state.seq, "a header stands where none may be, or is missing at the start")
    match kind:
        case "header":
            _header(state, record)
        case "line":
            _line(state, record)
        case "evidence":
            _evidence(state, record)
        case "checkpoint":
            _checkpoint(state, record)
        case _:
            _end(state, record)
    state.digest.update(raw)


def _read(state: _State, raw: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(raw)
        again = _canonical(value) + b"\n"
    except (ValueError, RecursionError) as cause:
        raise Tampered(state.seq + 1, f"a record after seq {state.seq} cannot be read") from cause
    if again != raw or not isinstance(value, dict):
        raise Tampered(state.seq + 1, f"a record after seq {state.seq} is not in canonical form")
    record = cast("dict[str, Any]", value)
    expected = _FIELDS.get(str(record.get("record")))
    if expected is None or frozenset(record) != expected:
        raise Tampered(state.seq + 1, f"a record after seq {state.seq} is of no known kind or has other fields")
    return record


def _header(state: _State, record: dict[str, Any]) -> None:
    if record["format"] != FORMAT or not isinstance(record["first_seq"], int) or record["first_seq"] < 1:
        raise Tampered(0, f"the header does not announce format {FORMAT}")
    state.head = _hex(record["prev_hash"], 32, 0)
    if record["first_seq"] == 1 and state.head != bytes(32):
        raise Tampered(0, "the first line of a journal continues nothing, the header names a hash")
    for entry in _list(record["keys"], 0):
        key = _hex(_field(entry, "public_key", 0), 32, 0)
        if len(entry) != 2 or _field(entry, "key_id", 0) != _key_id(key):  # noqa: PLR2004 - these two fields
            raise Tampered(0, "a public key in the header is not the one its name says")
        state.keys[_key_id(key)] = key
    state.tenant, state.seq = str(record["tenant"]), record["first_seq"] - 1
    if not state.pinned:
        state.trusted.update(state.keys)


def _line(state: _State, record: dict[str, Any]) -> None:
    expected = state.seq + 1
    line = record["line"]
    seq = _field(line, "seq", expected)
    if seq != expected:
        raise Tampered(expected, f"seq {expected} should stand here, found {seq!r}")
    if _field(line, "tenant", expected) != state.tenant or _field(line, "format", expected) != FORMAT:
        raise Tampered(expected, "the line is of another tenant or format")
    if _hex(record["prev_hash"], 32, expected) != state.head:
        raise Tampered(expected, "it does not continue the line before")
    found = hashlib.sha256(state.head + _canonical(line)).digest()
    if found != _hex(record["hash"], 32, expected):
        raise Tampered(expected, "its content does not give its hash")
    state.seq, state.head, state.lines = expected, found, state.lines + 1
    batch = _field(line, "evidence", expected)
    state.evidence = None if batch is None else (_field(batch, "count", expected), _field(batch, "root", expected))
    if _field(line, "action", expected) == "key.rotated":
        key = _hex(_field(_field(line, "payload", expected), "public_key", expected), 32, expected)
        state.introduced.append((expected, _key_id(key), key))


def _evidence(state: _State, record: dict[str, Any]) -> None:
    leaves = [str(leaf).encode() for leaf in _list(record["leaves"], state.seq)]
    if record["seq"] != state.seq or state.evidence is None:
        raise Tampered(state.seq, "evidence is attached to a line that names none")
    if state.evidence != (len(leaves), _root(leaves).hex()):
        raise Tampered(state.seq, "the evidence does not give the root in its line")


def _checkpoint(state: _State, record: dict[str, Any]) -> None:
    seq = state.seq
    if record["tenant"] != state.tenant or record["seq"] != seq:
        raise Tampered(seq, f"a checkpoint of seq {record['seq']!r} stands after seq {seq}")
    if record["count"] != seq or _hex(record["head"], 32, seq) != state.head:
        raise Tampered(seq, "the checkpoint here signed other lines: count or head differ, at this seq or before it")
    fields = (
        "fairlead journal checkpoint v1", state.tenant, str(seq), str(record["count"]), record["head"],
        record["at"], record["key_id"],
    )  # fmt: skip
    _check_signature(state, record, fields)
    if record["key_id"] not in state.trusted:
        state.foreign = record
        return
    state.proven = record
    for at, key_id, key in state.introduced:
        if at <= seq:
            state.trusted[key_id] = key


def _end(state: _State, record: dict[str, Any]) -> None:
    state.ended = True
    digest = state.digest.hexdigest()
    fields = (
        "fairlead journal export v1", state.tenant, str(record["last_seq"]), record["digest"], record["at"],
        record["key_id"],
    )  # fmt: skip
    _check_signature(state, record, fields)
    if record["digest"] != digest or record["last_seq"] != state.seq:
        state.end_differs = "the export is not as it was signed: records are missing, added or moved"
    elif record["key_id"] not in state.trusted:
        state.end_differs = f"the end is signed by key {record['key_id']}, which is not pinned"


def _check_signature(state: _State, record: dict[str, Any], fields: Sequence[object]) -> None:
    key = state.keys.get(str(record["key_id"])) or state.trusted.get(str(record["key_id"]))
    if key is None:
        raise Tampered(state.seq, f"a signature names key {record['key_id']!r}, which the header does not list")
    signed = "".join(f"{text}\n" for text in fields).encode()
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(_hex(record["signature"], 64, state.seq), signed)
    except InvalidSignature:
        raise Tampered(state.seq, f"the signature of the {record['record']} does not hold") from None


def _root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is written there: split at the largest power of two below the size."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()


def _canonical(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _key_id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:16]


def _field(value: object, name: str, seq: int) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise Tampered(seq, f"a field {name!r} is missing")
    return cast("dict[str, Any]", value)[name]


def _list(value: object, seq: int) -> list[Any]:
    if not isinstance(value, list):
        raise Tampered(seq, "a list is expected where none is")
    return cast("list[Any]", value)


def _hex(value: object, size: int, seq: int) -> bytes:
    text = value if isinstance(value, str) else ""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != size or found.hex() != text:
        raise Tampered(seq, f"{size} bytes in lower-case hex are expected, found {str(value)[:80]!r}")
    return found


def read_key(text: str) -> bytes:
    """A pinned key from the command line: 64 hex digits, or a file that holds them."""
    words = (Path(text).read_text(encoding="ascii") if Path(text).is_file() else text).split()
    key = bytes.fromhex(words[0]) if words else b""
    if len(key) != 32:  # noqa: PLR2004 - an Ed25519 public key
        raise ValueError(f"{text!r} is no Ed25519 public key: expected 64 hex digits")
    return key


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: prints the verdict, returns the exit code."""
    parser = argparse.ArgumentParser(prog="verify", description="Verify an exported Fairlead journal.")
    parser.add_argument("file", help="the export (JSON Lines), or - for standard input")
    parser.add_argument("--key", action="append", default=[], help="pinned public key: 64 hex digits or a file")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        keys = [read_key(text) for text in options.key]
        if options.file == "-":
            report = verify(sys.stdin.buffer, keys=keys)
        else:
            with Path(options.file).open("rb") as stream:
                report = verify(stream, keys=keys)
    except (OSError, ValueError) as problem:
        print(f"cannot verify: {problem}", file=sys.stderr)
        return CANNOT_READ
    if options.json:
        print(json.dumps({name: getattr(report, name) for name in Report.__slots__} | {"verdict": report.verdict.name}))
    else:
        print(report.detail)
        for warning in report.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    return int(report.verdict)


if __name__ == "__main__":
    sys.exit(main())
