"""The journal against PostgreSQL: frozen lines, one chain a tenant, exports that verify, erasure that leaves them so."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from fairlead.engine.journal import Journal, NothingThere, entry
from fairlead.engine.ports.journal import Cursor, Filter
from fairlead.engine.private_file import FileOpenToOthers
from fairlead.engine.signing import SigningKeys
from fairlead.model.ids import ChangeId, TenantId
from fairlead.model.journal import Action, Entry, Subject
from fairlead.store.database import Database, Dsns
from fairlead.store.journal import JournalStore, append
from fairlead_cli.verify import Report, Verdict, verify

NOW = datetime(2026, 11, 20, 8, 43, tzinfo=UTC)


_SEALED_INSERT = (
    "insert into journal (tenant, at, id, seq, prev_hash, hash, actor, action, subject_kind, subject_id, reason, payload, personal) "
    "select id, now(), gen_random_uuid(), 9, '', '', 'a', 'a', 'a', 'a', '', '{}', '{}' from tenant"
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> SigningKeys:
    return SigningKeys(tmp_path / "data", clock=clock)


@pytest_asyncio.fixture(loop_scope="session")
async def store(database: Database) -> AsyncIterator[JournalStore]:
    made = JournalStore(database)
    await made.prepare(NOW)
    yield made


@pytest.fixture
def journal(store: JournalStore, keys: SigningKeys, clock: Clock) -> Journal:
    return Journal(store, keys, clock=clock)


def told(tenant: TenantId, number: int, **more: object) -> Entry:
    values = {
        "tenant": tenant, "at": NOW + timedelta(milliseconds=number), "actor": "usr_1", "action": Action.CHANGE_STARTED,
        "subject": Subject(kind="change", id=f"chg_{number}"), "payload": {"number": number},
    } | more  # fmt: skip
    return entry(**values)  # type: ignore[arg-type]


async def exported(journal: Journal, tenant: TenantId, **options: object) -> list[bytes]:
    chunks = [chunk async for chunk in await journal.export(tenant, actor="usr_1", **options)]  # type: ignore[arg-type]
    return b"".join(chunks).splitlines(keepends=True)


async def checked(journal: Journal, keys: SigningKeys, tenant: TenantId, **options: object) -> Report:
    return verify(await exported(journal, tenant, **options), keys=[keys.current.public_key])


async def test_lines_are_chained_in_order_and_the_export_verifies(
    journal: Journal, keys: SigningKeys, tenant: TenantId
) -> None:
    await journal.append(tenant, [told(tenant, n) for n in (3, 1, 2)])
    assert await journal.seal(tenant) == 3
    assert await journal.seal(tenant) == 0
    await journal.append(tenant, [told(tenant, 4)])
    records = await exported(journal, tenant)
    lines = [json.loads(r)["line"] for r in records if b'"record":"line"' in r]
    assert [line["payload"].get("number") for line in lines] == [1, 2, 3, 4, None]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines[-1]["action"] == "export.made"
    report = verify(records, keys=[keys.current.public_key])
    assert (report.verdict, report.lines, report.proven_seq) == (Verdict.OK, 5, 5), report.detail


async def test_an_export_across_batches_and_seals_verifies(
    journal: Journal, keys: SigningKeys, store: JournalStore, tenant: TenantId
) -> None:
    for start in range(0, 4_500, 1_500):
        await store.append(tenant, [told(tenant, start + n) for n in range(1_500)])
        await journal.seal(tenant)
    report = await checked(journal, keys, tenant)
    assert (report.verdict, report.lines) == (Verdict.OK, 4_501), report.detail
    part = await checked(journal, keys, tenant, first_seq=4_000)
    assert (part.verdict, part.lines) == (Verdict.OK, 503), part.detail
    with pytest.raises(NothingThere):
        await journal.export(tenant, actor="usr_1", first_seq=9_999)


async def test_two_sealers_at_once_make_one_chain(
    journal: Journal, keys: SigningKeys, store: JournalStore, tenant: TenantId
) -> None:
    other = Journal(store, keys, clock=lambda: NOW)

    async def write(start: int) -> None:
        for n in range(start, start + 20):
            await store.append(tenant, [told(tenant, n)])

    async def keep_sealing(sealer: Journal) -> None:
        for _ in range(20):
            await sealer.seal(tenant)
            await asyncio.sleep(0)

    await asyncio.gather(write(0), write(100), keep_sealing(journal), keep_sealing(other))
    await journal.seal(tenant)
    report = await checked(journal, keys, tenant)
    assert (report.verdict, report.lines) == (Verdict.OK, 41), report.detail


async def test_the_running_sealer_needs_no_more_than_a_second(
    journal: Journal, store: JournalStore, tenant: TenantId
) -> None:
    running = asyncio.create_task(journal.run())
    try:
        line = told(tenant, 1)
        started = asyncio.get_running_loop().time()
        await store.append(tenant, [line])  # by another process: no nudge
        async with asyncio.timeout(5):
            while await store.seq_of(tenant, line.line) is None:  # noqa: ASYNC110 - another transaction tells nobody
                await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - started < 1.5
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_line_goes_with_the_transaction_it_tells_about(
    database: Database, journal: Journal, tenant: TenantId
) -> None:
    async def fail_after_the_line() -> None:
        async with database.tenant(tenant) as conn:
            await append(conn, [told(tenant, 1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_the_line()
    assert await journal.seal(tenant) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update journal set seq = seq + 1",
        "update journal set hash = '\\x00'",
        "update journal set reason = 'other'",
        "delete from journal",
        _SEALED_INSERT,
        "delete from journal_checkpoint",
        "update journal_checkpoint set seq = 7",
        "select * from journal_rest",
    ],
)
async def test_the_application_cannot_change_what_is_sealed(
    statement: str, database: Database, journal: Journal, keys: SigningKeys, tenant: TenantId
) -> None:
    await journal.append(tenant, [told(tenant, 1)])
    await journal.seal(tenant)
    try:
        async with database.tenant(tenant) as conn:
            changed = (await conn.execute(statement.encode())).rowcount
    except psycopg.Error:
        changed = 0
    assert changed == 0
    assert (await checked(journal, keys, tenant)).verdict is Verdict.OK


async def test_even_the_owner_meets_the_trigger(database_dsns: Dsns, journal: Journal, tenant: TenantId) -> None:
    await journal.append(tenant, [told(tenant, 1)])
    await journal.seal(tenant)
    assert database_dsns.owner
    async with await psycopg.AsyncConnection.connect(database_dsns.owner) as conn:
        await conn.execute("select set_config('app.tenant', %s, true)", (str(tenant),))
        with pytest.raises(psycopg.errors.RaiseException, match="is sealed"):
            await conn.execute("update journal set reason = 'other'")


async def test_what_a_superuser_changes_shows(
    pg_dsn: str, database_dsns: Dsns, journal: Journal, keys: SigningKeys, tenant: TenantId
) -> None:
    await journal.append(tenant, [told(tenant, n) for n in range(1, 6)])
    await journal.seal(tenant)
    name = psycopg.conninfo.conninfo_to_dict(database_dsns.app)["dbname"]
    async with await psycopg.AsyncConnection.connect(
        psycopg.conninfo.make_conninfo(pg_dsn, dbname=name), autocommit=True
    ) as conn:
        await conn.execute("alter table journal disable trigger user")
        await conn.execute("update journal set reason = 'nothing happened' where seq = 3")
    report = await checked(journal, keys, tenant)
    assert (report.verdict, report.bad_seq) == (Verdict.TAMPERED, 3)


async def test_another_tenant_sees_nothing(
    database: Database, store: JournalStore, journal: Journal, tenant: TenantId
) -> None:
    other = TenantId(UUID("018f0000-0000-7000-8000-000000000002"))
    async with database.nameless() as conn:
        await conn.execute("select create_tenant(%s, %s, %s)", (other, "other", NOW))
    await journal.append(tenant, [told(tenant, 1, personal={"email": "ada@example.com"})])
    await journal.append(other, [told(other, 2)])
    assert await journal.seal_all() == 2
    assert [kept.line.tenant for kept in await store.page(other, Filter(), below=None, limit=10)] == [other]
    assert (await store.head(other)).seq == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await store.append(other, [told(tenant, 3)])


async def test_pages_newest_first_with_filters(store: JournalStore, journal: Journal, tenant: TenantId) -> None:
    change = ChangeId(UUID(int=5))
    await store.append(tenant, [told(tenant, n, change=change if n % 2 else None) for n in range(10)])
    await store.append(
        tenant, [told(tenant, 20, action=Action.PLAN_MADE, actor="usr_2", subject=Subject(kind="plan", id="p"))]
    )
    await journal.seal(tenant)
    first = await store.page(tenant, Filter(), below=None, limit=4)
    assert [kept.seq for kept in first] == [11, 10, 9, 8]
    last = first[-1].line
    second = await store.page(tenant, Filter(), below=Cursor(at=last.at, id=last.id), limit=4)
    assert [kept.seq for kept in second] == [7, 6, 5, 4]

    async def count(which: Filter) -> int:
        return len(await store.page(tenant, which, below=None, limit=100))

    assert await count(Filter(action="plan.made")) == 1
    assert await count(Filter(actor="usr_1")) == 10
    assert await count(Filter(change=change)) == 5
    assert await count(Filter(subject_kind="change", subject_id="chg_3")) == 1
    assert await count(Filter(since=NOW + timedelta(milliseconds=5), until=NOW + timedelta(milliseconds=8))) == 3
    assert await count(Filter(action="no.such")) == 0


async def test_personal_values_are_read_with_a_trace_and_erased_without_breaking_the_chain(
    journal: Journal, store: JournalStore, keys: SigningKeys, tenant: TenantId
) -> None:
    person = UUID(int=77)
    await journal.append(
        tenant,
        [
            told(tenant, 1, personal={"email": "ada@example.com", "address": "192.0.2.7"}, person=person),
            told(tenant, 2, personal={"name": "Grace"}),
        ],
    )
    await journal.seal(tenant)
    kept = await store.page(tenant, Filter(), below=None, limit=10)
    digests = [digest for item in kept for digest in item.line.personal.values()]
    assert b"ada@" not in b"".join(await exported(journal, tenant))
    values = await journal.reveal(tenant, digests, actor="usr_9", reason="an enquiry")
    assert sorted(values.values()) == [("address", "192.0.2.7"), ("email", "ada@example.com"), ("name", "Grace")]
    assert len(await store.page(tenant, Filter(action="access.read", actor="usr_9"), below=None, limit=10)) == 1
    assert await journal.erase(tenant, person, actor="usr_9", reason="asked to be forgotten") == 2
    assert list((await journal.reveal(tenant, digests, actor="usr_9", reason="")).values()) == [("name", "Grace")]
    assert (await checked(journal, keys, tenant)).verdict is Verdict.OK


async def test_evidence_is_exported_and_verified(journal: Journal, keys: SigningKeys, tenant: TenantId) -> None:
    pieces = [{"device": f"dev_{n}", "outcome": "verified"} for n in range(1_000)]
    await journal.append(tenant, [told(tenant, 1, action=Action.OPERATION_BATCH, evidence=pieces)])
    records = await exported(journal, tenant)
    assert sum(b'"record":"evidence"' in r for r in records) == 1
    assert verify(records, keys=[keys.current.public_key]).verdict is Verdict.OK
    assert not any(b'"record":"evidence"' in r for r in await exported(journal, tenant, evidence=False))
    forged = [r.replace(b"dev_500", b"dev_501") if b'"record":"evidence"' in r else r for r in records]
    assert verify(forged, keys=[keys.current.public_key]).verdict is Verdict.TAMPERED


async def test_after_a_rotation_the_old_key_vouches_for_the_new_one(
    journal: Journal, keys: SigningKeys, tenant: TenantId, clock: Clock
) -> None:
    old = keys.current
    await journal.append(tenant, [told(tenant, 1)])
    await journal.seal(tenant)
    clock.now += timedelta(days=365)
    following = await journal.rotate_key(actor="usr_1", reason="yearly")
    assert keys.current.key_id == following != old.key_id
    await journal.append(tenant, [told(tenant, 2)])
    records = await exported(journal, tenant)
    for pinned in (old.public_key, keys.current.public_key):
        assert verify(records, keys=[pinned]).verdict is Verdict.OK
    assert [key.key_id for key in await journal.keys(tenant)] == [old.key_id, following]


async def test_lines_of_a_month_nobody_prepared_are_kept(
    journal: Journal, keys: SigningKeys, tenant: TenantId, clock: Clock
) -> None:
    far = NOW + timedelta(days=900)
    await journal.append(tenant, [told(tenant, 1, at=far)])
    await journal.append(tenant, [told(tenant, 1, at=NOW - timedelta(days=900))])
    clock.now = far
    assert await journal.seal_all() == 2
    assert (await checked(journal, keys, tenant)).verdict is Verdict.OK


def test_the_private_key_is_private(keys: SigningKeys, tmp_path: Path, clock: Clock) -> None:
    key = keys.current
    file = tmp_path / "data" / "journal.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "private" not in repr(key)
    assert key.public_key.hex() in (tmp_path / "data" / "journal-public-keys.txt").read_text()
    assert SigningKeys(tmp_path / "data", clock=clock).current.key_id == key.key_id
    file.chmod(0o644)
    with pytest.raises(FileOpenToOthers):
        _ = SigningKeys(tmp_path / "data", clock=clock).current


async def test_hot_readings_walk_indexes(
    database: Database, database_dsns: Dsns, store: JournalStore, journal: Journal, tenant: TenantId
) -> None:
    from fairlead.store.statements import load

    lines = [
        told(tenant, n, change=ChangeId(UUID(int=n % 50 + 1)), actor=f"usr_{n % 20}", action=list(Action)[n % 40])
        for n in range(6_000)
    ]
    await store.append(tenant, lines)
    await journal.seal(tenant)
    assert database_dsns.owner
    async with await psycopg.AsyncConnection.connect(database_dsns.owner, autocommit=True) as conn:
        await conn.execute("vacuum analyze journal")
        await conn.execute("analyze journal_checkpoint")
    statements = load("journal")
    values = {
        "tenant": tenant, "limit": 100, "first": 10, "last": 50, "at": NOW, "id": UUID(int=1), "seq": 7, "below": 40,
        "action": "plan.made", "actor": "usr_1", "subject_kind": "change", "subject_id": "chg_9",
        "change": UUID(int=4), "below_at": NOW, "below_id": UUID(int=1), "since": NOW, "until": NOW + timedelta(hours=1),
    }  # fmt: skip
    page = statements["page"]
    queries = {name: statements[name] for name in ("waiting", "export", "seq_of", "hash_at", "head")}
    queries |= {
        f"page {' '.join(names)}": page.format(conditions=" ".join(statements[f"page_{name}"] for name in names))
        for names in (
            ("action",),
            ("actor",),
            ("subject_kind", "subject_id"),
            ("change",),
            ("below",),
            ("since", "until"),
            (),
        )
    }
    async with database.tenant(tenant) as conn:
        for name, text in queries.items():
            plan = await (await conn.execute(f"explain {text}".encode(), values)).fetchall()
            whole = "\n".join(row[0] for row in plan)
            assert "Seq Scan on journal_202611" not in whole, f"{name}\n{whole}"
            assert "Index" in whole, f"{name}\n{whole}"
