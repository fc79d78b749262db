"""Makes journal lines, seals them, and hands them out.

`entry` builds a line with its personal digests and evidence root; whoever writes something passes
entries to the store function that writes it, so line and deed share a transaction. One `Journal`
a process runs the sealer: within a second a tenant's waiting lines are chained in one batch and a
checkpoint over the new head is signed with a key that never enters the database. Several
processes may run it; a lock in the store lets one seal a tenant at a time, and every sealer does
the same thing, so it does not matter which.

Readers come through here too, because reading personal values and taking exports is itself
something that happened.
"""

import asyncio
import hashlib
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from fairlead.engine.mint import uuid7
from fairlead.engine.ports.events import Events, Silence
from fairlead.engine.ports.journal import Cursor, Exported, Filter, JournalPort, Kept, PublicKey
from fairlead.engine.signing import SigningKeys
from fairlead.engine.verifying import Broken, Fault, Verdict, Verification, Verified
from fairlead.model import journal_export, merkle
from fairlead.model.ids import ChangeId, TenantId
from fairlead.model.journal import (
    Action,
    Checkpoint,
    Entry,
    Evidence,
    Head,
    Json,
    Line,
    PersonalValue,
    Subject,
    canonical,
    checkpoint_bytes,
    personal_digest,
)

log = structlog.get_logger(__name__)

SEAL_BATCH: Final = 10_000  # lines a transaction
SEAL_EVERY_S: Final = 0.5  # so that a line is sealed within a second
SEAL_AGAIN_S: Final = 3.0
SEAL_ALL_EVERY_S: Final = 60.0
SEALED_WITHIN_S: Final = 30.0
PAGE_LIMIT: Final = 1_000
_SALT_BYTES: Final = 16


class NothingThere(LookupError):
    """An export from a seq that the journal has not reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, and who answers for it."""

    address: str
    person: UUID


# Set by a door for the length of one request, and followed by the work that the request starts. Beside
# the clock it is the one thing that every line has and no caller in between has any business with.
ORIGIN: Final[ContextVar[Origin | None]] = ContextVar("origin", default=None)
_SOMEBODY: Final = ("usr_", "tok_")  # policies and the system come from nowhere


def entry(
    *,
    tenant: TenantId,
    at: datetime,
    actor: str,
    action: Action,
    subject: Subject,
    change: ChangeId | None = None,
    reason: str = "",
    payload: Mapping[str, Json] | None = None,
    personal: Mapping[str, str] | None = None,
    person: UUID | None = None,
    evidence: Sequence[Mapping[str, Json]] | None = None,
    keep_evidence: bool = True,
) -> Entry:
    """A line, ready to be written with what it tells about.

    `personal` maps what a value is (`email`, `address`) to the value: the line gets a salted digest,
    the value goes to the erasable side, filed under `person`. `evidence` is a batch of device
    evidence: the line gets its Merkle root and count, and the leaves are kept beside it unless
    `keep_evidence` is False (they lie elsewhere already). What a person or token does also says where
    from, as far as the door knows: the address is one more personal value. Raises `NotCanonical`.
    """
    values = [_salted(kind, value, person) for kind, value in (personal or {}).items()]
    origin = ORIGIN.get()
    if origin is not None and actor.startswith(_SOMEBODY) and "address" not in (personal or {}):
        values.append(_salted("address", origin.address, origin.person))
    leaves = None if evidence is None else tuple(canonical(piece) for piece in evidence)
    line = Line(
        id=uuid7(at),
        tenant=tenant,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        change=change,
        reason=reason,
        payload=canonical(payload or {}),
        personal={value.kind: value.digest for value in values},
        evidence=None if leaves is None else _rooted(leaves),
    )
    return Entry(line=line, personal=tuple(values), leaves=leaves if keep_evidence else None)


class Journal:
    """The sealer, and the way to read what is sealed."""

    def __init__(
        self, store: JournalPort, keys: SigningKeys, *, clock: Callable[[], datetime], events: Events | None = None
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._events: Events = events or Silence()
        self._nudged = asyncio.Event()
        self._prepared: datetime | None = None
        self._awake: dict[TenantId, float] = {}  # until when (monotonic) a tenant is looked at without a hint
        self._all_at = -math.inf  # when everybody was looked at last

    async def append(self, tenant: TenantId, entries: Sequence[Entry]) -> None:
        """Write lines that tell of nothing else in the database."""
        await self._store.append(tenant, entries)
        self.nudge()

    def nudge(self) -> None:
        """There may be lines to seal."""
        self._nudged.set()

    async def run(self) -> None:
        """Seal tenants' lines until cancelled. Trouble with one tenant never stops the others.

        Whoever appends a line leaves a hint; all tenants are looked at now and then, so that a lost one only delays.
        """
        while True:
            self._nudged.clear()
            try:
                await self.seal_some()
            except Exception:
                log.exception("journal: sealing failed, trying again")
            try:
                async with asyncio.timeout(SEAL_EVERY_S):
                    await self._nudged.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(SEAL_EVERY_S / 5)  # lines that come together are sealed together

    async def seal_some(self) -> int:
        """Seal what waits at tenants that got lines lately, and at all of them once a minute."""
        now = time.monotonic()
        if now - self._all_at >= SEAL_ALL_EVERY_S:
            total = await self.seal_all()
            self._all_at = now
            return total
        await self._prepare()
        # For a while, not once: another sealer may hold the tenant just now, and not have seen the newest line.
        self._awake |= dict.fromkeys(await self._store.waiting(self._clock()), now + SEAL_AGAIN_S)
        self._awake = {tenant: until for tenant, until in self._awake.items() if until > now}
        return await self._seal_each(self._awake)

    async def seal_all(self) -> int:
        """Seal what waits, tenant by tenant; returns how many lines."""
        await self._prepare()
        return await self._seal_each(await self._store.tenants())

    async def _seal_each(self, tenants: Iterable[TenantId]) -> int:
        total = 0
        for tenant in tuple(tenants):
            try:
                total += await self.seal(tenant)
            except Exception:
                log.exception("journal: tenant cannot be sealed", tenant=str(tenant))
                self._awake[tenant] = time.monotonic() + SEAL_AGAIN_S  # its hint is gone: try again soon
        return total

    async def seal(self, tenant: TenantId) -> int:
        """Seal one tenant's waiting lines; returns how many, 0 also when another sealer is at it."""
        key, sign = self._signer()
        total = 0
        while True:
            done = await self._store.seal(tenant, at=self._clock(), limit=SEAL_BATCH, sign=sign, key=key)
            total += done
            if done:
                self._events.tell(tenant, "journal", count=done)
            if done < SEAL_BATCH:
                return total

    async def rotate_key(self, *, actor: str, reason: str) -> str:
        """Replace the signing key: the old one signs a line that introduces the new one. Returns the new key id."""
        following, before = self._keys.prepare_next(), self._keys.current.key_id
        payload: dict[str, Json] = {
            "from": before, "to": following.key_id, "public_key": following.public_key.hex(),
        }  # fmt: skip
        for tenant in await self._store.tenants():
            line = entry(
                tenant=tenant, at=self._clock(), actor=actor, action=Action.KEY_ROTATED,
                subject=Subject(kind="key", id=following.key_id), reason=reason, payload=payload,
            )  # fmt: skip
            await self._append_sealed(tenant, line)
        self._keys.take_next()
        return following.key_id

    async def page(self, tenant: TenantId, which: Filter, *, below: Cursor | None, limit: int) -> Sequence[Kept]:
        """Lines newest first, at most `PAGE_LIMIT`."""
        return await self._store.page(tenant, which, below=below, limit=min(limit, PAGE_LIMIT))

    async def head(self, tenant: TenantId) -> int:
        """The number of the newest sealed line; 0 before the first."""
        return (await self._store.head(tenant)).seq

    async def after(self, tenant: TenantId, seq: int, *, limit: int) -> Sequence[Kept]:
        """Sealed lines after a number, oldest first."""
        return await self._store.after(tenant, seq, limit=min(limit, PAGE_LIMIT))

    async def checkpoints(self, tenant: TenantId, *, below: int | None = None, limit: int = 50) -> Sequence[Checkpoint]:
        """Signed checkpoints, newest first."""
        return await self._store.checkpoints(tenant, below=below, limit=min(limit, PAGE_LIMIT))

    async def keys(self, tenant: TenantId) -> Sequence[PublicKey]:
        """Public keys that signed this tenant's checkpoints, and the one that will sign the next."""
        await self._store.add_key(tenant, self._public())
        return await self._store.keys(tenant)

    async def reveal(
        self, tenant: TenantId, digests: Sequence[str], *, actor: str, reason: str
    ) -> Mapping[str, tuple[str, str]]:
        """Personal values behind digests, as (kind, value); erased ones are absent. Leaves an access line."""
        access = entry(
            tenant=tenant, at=self._clock(), actor=actor, action=Action.ACCESS_READ,
            subject=Subject(kind="journal", id="personal"), reason=reason, payload={"digests": list(digests)},
        )  # fmt: skip
        found = await self._store.reveal(tenant, digests, entry=access)
        self.nudge()
        return found

    async def erase(self, tenant: TenantId, person: UUID, *, actor: str, reason: str) -> int:
        """Erase a person's values from the journal's side table; the chain stays as it is. Returns how many."""
        at = self._clock()

        def told(gone: int) -> Entry:
            return entry(
                tenant=tenant, at=at, actor=actor, action=Action.PERSONAL_ERASED,
                subject=Subject(kind="person", id=str(person)), reason=reason, payload={"values": gone},
            )  # fmt: skip

        gone = await self._store.erase(tenant, person=person, entry=told)
        self.nudge()
        return gone

    async def export(
        self, tenant: TenantId, *, actor: str, reason: str = "", first_seq: int = 1, evidence: bool = True
    ) -> AsyncIterator[bytes]:
        """The records of an export, as bytes (docs/journal.md); raises `NothingThere` before the first.

        The export itself is journaled first, and is its own last line at the earliest: all lines up
        to it are sealed, so that a fresh checkpoint proves the tail.
        """
        told = entry(
            tenant=tenant, at=self._clock(), actor=actor, action=Action.EXPORT_MADE,
            subject=Subject(kind="journal", id=str(tenant)), reason=reason, payload={"first_seq": first_seq},
        )  # fmt: skip
        await self._append_sealed(tenant, told)
        newest = await self._newest(tenant)
        head = newest.seq if newest else 0
        prev_hash = await self._store.hash_at(tenant, first_seq - 1)
        if first_seq > head or prev_hash is None:
            raise NothingThere(f"the journal ends at seq {head}, an export from {first_seq} has no lines")
        return self._records(tenant, first_seq, head, prev_hash, evidence=evidence)

    async def _records(
        self, tenant: TenantId, first_seq: int, last_seq: int, prev_hash: bytes, *, evidence: bool
    ) -> AsyncIterator[bytes]:
        keys = {key.key_id: key.public_key for key in await self.keys(tenant)}
        digest = hashlib.sha256()
        header = journal_export.header(tenant=tenant, first_seq=first_seq, prev_hash=prev_hash, keys=keys)
        digest.update(header)
        yield header
        async for batch in self._store.export(tenant, first_seq=first_seq, last_seq=last_seq, evidence=evidence):
            chunk = b"".join(record for exported in batch for record in _records_of(exported))
            digest.update(chunk)
            yield chunk
        at, key = self._clock(), self._keys.current
        signed = journal_export.end_bytes(
            tenant=tenant, last_seq=last_seq, digest=digest.digest(), at=at, key_id=key.key_id
        )
        yield journal_export.end(
            last_seq=last_seq, digest=digest.digest(), at=at, key_id=key.key_id, signature=key.sign(signed)
        )

    async def verify(
        self,
        tenant: TenantId,
        *,
        actor: str,
        reason: str = "",
        progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    ) -> Verified:
        """Verify the whole journal as it is kept here, evidence and checkpoints included; leaves an access line."""
        told = entry(
            tenant=tenant, at=self._clock(), actor=actor, action=Action.ACCESS_READ,
            subject=Subject(kind="journal", id="chain"), reason=reason, payload={"purpose": "verify"},
        )  # fmt: skip
        await self._store.append(tenant, [told])
        await self.seal(tenant)
        named = {key.key_id: key.public_key for key in await self._store.keys(tenant)}
        walk = Verification(trusted=self._keys.public, known=named)
        end = await self._store.head(tenant)
        try:
            async for batch in self._store.export(tenant, first_seq=1, last_seq=end.seq, evidence=True):
                await asyncio.to_thread(walk.take, batch)
                progress(walk.head.seq, end.seq)
            return walk.conclude(end=end, newest=await self._signed_until(tenant, end))
        except Broken as broken:
            return walk.found(Verdict.TAMPERED, f"tampered {broken}", broken.fault)
        except ValueError:  # JSON of a line that is none any more
            fault = Fault(seq=walk.head.seq + 1, what=f"a line after seq {walk.head.seq} cannot be read")
            return walk.found(Verdict.TAMPERED, f"tampered at seq {fault.seq}: {fault.what}", fault)

    async def _signed_until(self, tenant: TenantId, end: Head) -> Checkpoint | None:
        """The newest checkpoint, unless the sealer has gone on since `end` was read."""
        newest = await self._newest(tenant)
        again = await self._store.head(tenant)
        return newest if newest is None or again.seq == end.seq or newest.seq > again.seq else None

    async def _append_sealed(self, tenant: TenantId, told: Entry) -> None:
        """Write a line and see it sealed, by us or by the sealer that holds the tenant now."""
        await self._store.append(tenant, [told])
        async with asyncio.timeout(SEALED_WITHIN_S):
            while True:
                await self.seal(tenant)
                if await self._store.seq_of(tenant, told.line) is not None:
                    return
                await asyncio.sleep(SEAL_EVERY_S / 10)

    async def _newest(self, tenant: TenantId) -> Checkpoint | None:
        found = await self._store.checkpoints(tenant, below=None, limit=1)
        return found[0] if found else None

    async def _prepare(self) -> None:
        now = self._clock()
        if self._prepared is None or abs((now - self._prepared).days) >= 1:
            await self._store.prepare(now)
            self._prepared = now

    def _public(self) -> PublicKey:
        key = self._keys.current
        return PublicKey(key_id=key.key_id, public_key=key.public_key, since=key.since)

    def _signer(self) -> tuple[PublicKey, Callable[[Checkpoint], Checkpoint]]:
        key = self._keys.current

        def sign(unsigned: Checkpoint) -> Checkpoint:
            named = replace(unsigned, key_id=key.key_id)
            return replace(named, signature=key.sign(checkpoint_bytes(named)))

        return self._public(), sign


def _records_of(exported: Exported) -> list[bytes]:
    records = [journal_export.line(exported.sealed)]
    if exported.leaves is not None:
        records.append(journal_export.evidence(exported.sealed.seq, exported.leaves))
    records += [journal_export.checkpoint(signed) for signed in exported.checkpoints]
    return records


def _salted(kind: str, value: str, person: UUID | None) -> PersonalValue:
    salt = secrets.token_bytes(_SALT_BYTES)
    return PersonalValue(digest=personal_digest(salt, value), salt=salt, kind=kind, value=value, person=person)


def _rooted(leaves: Sequence[str]) -> Evidence:
    return Evidence(root=merkle.root([leaf.encode() for leaf in leaves]), count=len(leaves))
