"""The journal's values: a line, its place in the chain, and the checkpoint that proves the chain.

Everything Fairlead decides leaves a line; device evidence leaves a line a batch with a Merkle
root. Lines are written unchained, in the transaction of the thing they tell about, and chained
later by one sealer per tenant, so that no writer ever waits for another. This module says what a
line is and which bytes are hashed and signed; it touches nothing. `engine.journal` seals with it,
`store.journal` keeps what it describes, and `fairlead_cli.verify` re-implements it from
`docs/journal.md` without importing it, which is what makes the encoding a promise.

Personal values never stand in a line: a line holds salted digests, and the values lie in an
erasable side table, so that erasing a person leaves the chain verifiable.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from fairlead.model.ids import ChangeId, TenantId

FORMAT: Final = 1  # of the canonical line; a new number for any change of the bytes
GENESIS: Final = bytes(32)  # what the first line of a tenant continues

Json: TypeAlias = "bool | int | str | UUID | datetime | Decimal | Sequence[Json] | Mapping[str, Json] | None"


class Action(StrEnum):
    """What a line tells: `noun.verb`, past tense. The one place where a new action is named."""

    TENANT_CREATED = "tenant.created"
    SETUP_CODE_CREATED = "setup_code.created"
    SETUP_CODE_REDEEMED = "setup_code.redeemed"
    PRINCIPAL_CREATED = "principal.created"
    PRINCIPAL_CHANGED = "principal.changed"
    PRINCIPAL_REMOVED = "principal.removed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - an action, not a password
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    OIDC_CONFIGURED = "oidc.configured"
    TOKEN_CREATED = "token.created"  # noqa: S105 - an action, not a token
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - an action, not a token
    SIGN_IN_SUCCEEDED = "sign_in.succeeded"
    SIGN_IN_REFUSED = "sign_in.refused"
    SIGN_OUT = "sign_out.done"
    IMPORT_APPLIED = "import.applied"
    DEVICE_CREATED = "device.created"
    DEVICE_CHANGED = "device.changed"
    DEVICE_RETIRED = "device.retired"
    DEVICE_QUARANTINED = "device.quarantined"
    OWNERSHIP_TRANSFERRED = "ownership.transferred"
    POLICY_CREATED = "policy.created"
    POLICY_REVISED = "policy.revised"
    POLICY_REMOVED = "policy.removed"
    PLAN_MADE = "plan.made"
    CHANGE_APPLIED = "change.applied"
    CHANGE_APPROVED = "change.approved"
    CHANGE_REFUSED = "change.refused"
    CHANGE_STARTED = "change.started"
    CHANGE_PAUSED = "change.paused"
    CHANGE_RESUMED = "change.resumed"
    CHANGE_STOPPED = "change.stopped"
    CHANGE_ABORTED = "change.aborted"
    CHANGE_SETTLED = "change.settled"
    CHANGE_CLOSED = "change.closed"
    STAGE_OPENED = "stage.opened"
    STAGE_DECIDED = "stage.decided"
    WAVE_OPENED = "wave.opened"
    WAVE_ADMITTED = "wave.admitted"
    MOVE_BATCH = "move.batch"
    BULK_STARTED = "bulk.started"
    BULK_APPROVED = "bulk.approved"
    BULK_PAUSED = "bulk.paused"
    BULK_RESUMED = "bulk.resumed"
    BULK_CANCELLED = "bulk.cancelled"
    BULK_DONE = "bulk.done"
    OPERATION_BATCH = "operation.batch"
    OPERATION_RESOLVED = "operation.resolved"
    COMMAND_SENT = "command.sent"
    COMMAND_SETTLED = "command.settled"
    ROLLBACK_STARTED = "rollback.started"
    ROLLBACK_SETTLED = "rollback.settled"
    BAR_LIFTED = "bar.lifted"
    RESTRICTION_SET = "restriction.set"
    RESTRICTION_LIFTED = "restriction.lifted"
    OBSERVATION_BATCH = "observation.batch"
    CARRIER_ADDED = "carrier.added"
    CARRIER_CHANGED = "carrier.changed"
    CARRIER_REMOVED = "carrier.removed"
    REGISTER_CHANGED = "register.changed"
    SKU_CHANGED = "sku.changed"
    OBJECTIVE_SET = "objective.set"
    OBJECTIVE_DROPPED = "objective.dropped"
    AGREEMENT_CHANGED = "agreement.changed"
    MAPPING_KEPT = "mapping.kept"
    MAPPING_REMOVED = "mapping.removed"
    SECRET_SEALED = "secret.sealed"  # noqa: S105 - an action, not a secret
    SECRET_ROTATED = "secret.rotated"  # noqa: S105 - an action, not a secret
    DEVICE_CREDENTIAL_ISSUED = "device_credential.issued"
    DEVICE_CREDENTIAL_REVOKED = "device_credential.revoked"
    ACCESS_READ = "access.read"
    PERSONAL_ERASED = "personal.erased"
    EXPORT_MADE = "export.made"
    KEY_ROTATED = "key.rotated"
    FINDING_OPENED = "finding.opened"
    FINDING_ACKNOWLEDGED = "finding.acknowledged"
    FINDING_CLOSED = "finding.closed"
    VIEW_SHARED = "view.shared"
    VIEW_UNSHARED = "view.unshared"
    CLOCK_CHANGED = "clock.changed"


def read_action(text: str) -> Action:
    """An action as it was written; one that only newer code names stays as it is, so that old code can seal it."""
    try:
        return Action(text)
    except ValueError:
        unknown = str.__new__(Action, text)
        unknown._name_, unknown._value_ = text, text
        return unknown


class NotCanonical(ValueError):
    """A payload that has no single reading: a float, a NUL, half a surrogate pair, a foreign type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a line is about: a kind (`device`, `change`, `principal`, …) and its printed id or name."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The root over a batch of device evidence (`model.merkle`) and how many pieces it covers."""

    root: bytes  # 32 bytes
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened, not yet chained."""

    id: UUID  # version 7, minted by the engine
    tenant: TenantId
    at: datetime  # aware UTC
    actor: str  # `usr_…`, `tok_…`, `policy/name@revision`, `system/sealer`
    action: Action
    subject: Subject
    change: ChangeId | None = None  # the Change it belongs to, where there is one
    reason: str = ""  # why, in the actor's words or the rule's
    payload: str = "{}"  # canonical JSON of an object: made with `canonical`
    personal: Mapping[str, str] = field(default_factory=dict[str, str])  # what it is → digest, 64 hex digits
    evidence: Evidence | None = None

    def __post_init__(self) -> None:
        # A line that cannot be encoded would stop its tenant's sealer: it is refused where it is made.
        for text in (self.actor, self.subject.kind, self.subject.id, self.reason):
            _text(text, "line")
        instant(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A line in its place: `hash = SHA-256(prev_hash || canonical bytes)`."""

    line: Line
    seq: int  # from 1, without holes, per tenant
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a tenant's chain ends; `Head()` is the chain without lines."""

    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed statement: this tenant's chain has `count` lines and ends in `head`."""

    tenant: TenantId
    seq: int
    head: bytes
    count: int
    at: datetime
    key_id: str
    signature: bytes = b""  # Ed25519 over `checkpoint_bytes`; empty until signed


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalValue:
    """A value that can identify a person, as it lies in the erasable side table."""

    digest: str  # 64 hex digits: what the line holds
    salt: bytes  # 16 random bytes; erased with the value, so that guessing proves nothing
    kind: str  # `name`, `email`, `address`
    value: str
    person: UUID | None  # whose it is, where known: erasing a person takes all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line with what lies beside it: made by `engine.journal.entry`, written by `store.journal.append`."""

    line: Line
    personal: tuple[PersonalValue, ...] = ()
    leaves: tuple[str, ...] | None = None  # canonical JSON a piece of evidence; their root is in the line


def canonical(value: Mapping[str, Json]) -> str:
    """The one text of a JSON object: keys sorted by code point, no spaces, nothing escaped that need not be.

    Instants become RFC 3339 UTC with microseconds, ids and decimals become strings. Raises
    `NotCanonical` for floats (their text differs between languages), NUL and lone surrogates.
    """
    return _dumps(_plain(value, "$"))


def canonical_line(line: Line, seq: int) -> bytes:
    """The bytes of a line that are hashed: one canonical JSON object, UTF-8 (see docs/journal.md)."""
    evidence = None if line.evidence is None else {"count": line.evidence.count, "root": line.evidence.root.hex()}
    before = {
        "action": line.action.value,
        "actor": line.actor,
        "at": instant(line.at),
        "change": None if line.change is None else str(line.change),
        "evidence": evidence,
        "format": FORMAT,
        "id": str(line.id),
    }
    after = {
        "personal": dict(line.personal),
        "reason": line.reason,
        "seq": seq,
        "subject": {"id": line.subject.id, "kind": line.subject.kind},
        "tenant": str(line.tenant),
    }
    # "payload" sorts between the two halves; it is canonical text already and is not read again.
    return f'{_dumps(before)[:-1]},"payload":{line.payload},{_dumps(after)[1:]}'.encode()


def chain_hash(prev_hash: bytes, canonical_bytes: bytes) -> bytes:
    """The hash of a line: SHA-256 over the previous hash and the canonical bytes."""
    return hashlib.sha256(prev_hash + canonical_bytes).digest()


def seal(head: Head, lines: Sequence[Line]) -> tuple[Sealed, ...]:
    """Chain lines onto a head, in the order given."""
    sealed: list[Sealed] = []
    seq, previous = head.seq, head.hash
    for line in lines:
        seq += 1
        found = chain_hash(previous, canonical_line(line, seq))
        sealed.append(Sealed(line=line, seq=seq, prev_hash=previous, hash=found))
        previous = found
    return tuple(sealed)


def head_after(head: Head, sealed: Sequence[Sealed]) -> Head:
    """The head once these lines, which continue `head`, are in place."""
    return Head(seq=sealed[-1].seq, hash=sealed[-1].hash) if sealed else head


def first_break(head: Head, sealed: Sequence[Sealed]) -> int | None:
    """The seq of the first line that does not continue what stands before it, or None."""
    for item in sealed:
        content = chain_hash(item.prev_hash, canonical_line(item.line, item.seq))
        if item.seq != head.seq + 1 or item.prev_hash != head.hash or item.hash != content:
            return item.seq
        head = Head(seq=item.seq, hash=item.hash)
    return None


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """What is signed: a domain line, then tenant, seq, count, head, instant and key id, a line each."""
    fields = (
        "fairlead journal checkpoint v1",
        str(checkpoint.tenant),
        str(checkpoint.seq),
        str(checkpoint.count),
        checkpoint.head.hex(),
        instant(checkpoint.at),
        checkpoint.key_id,
    )
    return "".join(f"{text}\n" for text in fields).encode()


def key_id(public_key: bytes) -> str:
    """The name of an Ed25519 public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def personal_digest(salt: bytes, value: str) -> str:
    """The digest that stands in a line for a personal value: SHA-256(salt || UTF-8), hex."""
    return hashlib.sha256(salt + value.encode()).hexdigest()


def instant(at: datetime) -> str:
    """An instant as text: `2026-11-20T08:43:00.000000Z`, always UTC, always microseconds."""
    if at.tzinfo is None:
        raise NotCanonical(f"{at!r} has no time zone: expected an aware instant")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Json, where: str) -> object:
    match value:
        case None | bool() | int():
            return value
        case str():
            return _text(value, where)
        case UUID():
            return str(value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return instant(value)
        case Mapping():
            return {_text(key, where): _plain(item, f"{where}.{key}") for key, item in value.items()}
        case bytes() | bytearray():  # sequences of integers to Python, but to nobody else
            raise NotCanonical(f"{where}: bytes have no canonical text, give them as hex")
        case Sequence():
            return [_plain(item, f"{where}[{position}]") for position, item in enumerate(value)]
        case _:  # a caller without types
            raise NotCanonical(f"{where}: {type(value).__name__} has no canonical text")


def _text(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as cause:
        raise NotCanonical(f"{where}: {text!r} holds half a surrogate pair") from cause
    if "\x00" in text:
        raise NotCanonical(f"{where}: {text!r} holds a NUL")
    return text
