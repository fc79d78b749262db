"""`POST /v1/journal/verify`: the server finds what somebody changed behind its back, and says where."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from fairlead.edge.api import journal as door
from fairlead.engine.journal import Journal, entry
from fairlead.engine.ports.journal import Filter
from fairlead.engine.signing import SigningKeys
from fairlead.model.journal import Action, Subject
from fairlead.store.journal import JournalStore

from .conftest import NOW, Api


async def write(api: Api, lines: int = 3) -> None:
    """Lines, each sealed with a checkpoint of its own; the second carries evidence."""
    await api.journal._store.prepare(NOW)
    for n in range(lines):
        told = entry(
            tenant=api.tenant, at=NOW - timedelta(minutes=lines - n), actor="usr_1", action=Action.OPERATION_BATCH,
            subject=Subject(kind="change", id="chg_1"), payload={"n": n},
            evidence=[{"device": n}, {"device": n + 1}] if n == 1 else None,
        )  # fmt: skip
        await api.journal.append(api.tenant, [told])
        await api.journal.seal(api.tenant)


async def tamper(dsn: str, *statements: str) -> None:
    """As a superuser who knows what stands in the way."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
        await conn.execute("set session_replication_role = replica")
        for statement in statements:
            done = await conn.execute(statement)
            assert done.rowcount != 0, statement


@pytest.fixture
def superuser(pg_dsn: str, database_dsns) -> str:
    name = psycopg.conninfo.conninfo_to_dict(database_dsns.app)["dbname"]
    return psycopg.conninfo.make_conninfo(pg_dsn, dbname=str(name))


async def verified(api: Api, who: str = "auditor", **body: str) -> dict:
    answer = await api.client(who).post("/v1/journal/verify", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_whole_journal_is_ok_and_looking_left_a_line(api):
    await write(api)
    found = await verified(api, reason="quarterly")
    assert (found["verdict"], found["lines"], found["first_fault"]) == ("ok", 4, None)
    assert found["head"]["seq"] == found["checkpoint"]["seq"] == 4
    assert found["head"]["hash"] == found["checkpoint"]["head"]
    assert "elsewhere" in found["note"]
    (line,) = await api.journal.page(api.tenant, Filter(action="access.read"), below=None, limit=5)
    assert (line.line.subject.kind, line.line.reason) == ("journal", "quarterly")
    other = await api.client("owner~other").post("/v1/journal/verify", json={})
    assert other.json()["lines"] == 1  # its own look, and nothing of ours


@pytest.mark.parametrize(
    ("statements", "seq", "what"),
    [
        (["update journal set reason = 'nothing happened' where seq = 2"], 2, "its content does not give its hash"),
        (["delete from journal where seq = 2"], 2, "seq 2 should stand here, found 3"),
        (["update journal_evidence set leaves = '[\"{}\"]'"], 2, "the evidence beside it does not give the root in it"),
        (["update journal_evidence set leaves = '['"], 1, "a line after seq 0 cannot be read"),
        (["update journal_checkpoint set count = 7 where seq = 2"], 2, "signed other lines"),
        (["update journal_checkpoint set signature = sha256(signature) || sha256(signature) where seq = 3"], 3, "signature"),
        (["update journal_checkpoint set key_id = 'ffffffffffffffff' where seq = 3"], 3, "which nobody knows"),
        (
            ["delete from journal where seq = 3", "update journal_head h set seq = 2, hash = j.hash from journal j where j.seq = 2"],
            3, "the checkpoint here signed other lines",
        ),
    ],
)  # fmt: skip
async def test_what_was_changed_is_found_at_its_line(api, superuser, statements, seq, what):
    await write(api)
    await tamper(superuser, *statements)
    found = await verified(api)
    assert found["verdict"] == "tampered"
    assert found["first_fault"]["seq"] == seq
    assert what in found["first_fault"]["what"]
    assert f"tampered at seq {seq}" in found["detail"]


async def test_lines_that_nobody_signed_are_a_tail_not_proven(api, superuser):
    await write(api)
    told = await verified(api)
    await tamper(superuser, f"delete from journal_checkpoint where seq = {told['head']['seq']}")
    journal = api.journal

    async def not_now(_tenant: object) -> int:
        return 0

    journal.seal = not_now  # the sealer is away
    found = await verified(api)
    assert (found["verdict"], found["checkpoint"]["seq"], found["head"]["seq"]) == ("tail_not_proven", 3, 4)


async def test_a_chain_made_anew_by_somebody_without_our_key_is_found(api, superuser, tmp_path):
    await write(api)
    await tamper(
        superuser, "delete from journal_checkpoint", "delete from journal_head", "delete from journal_evidence",
        "update journal set seq = null, hash = null, prev_hash = null, evidence_root = null, evidence_count = null",
        "update journal set reason = 'nothing happened'",
    )  # fmt: skip
    forger = Journal(JournalStore(api.database), SigningKeys(tmp_path / "forged", clock=lambda: NOW), clock=lambda: NOW)
    await forger.seal(api.tenant)

    async def not_now(_tenant: object) -> int:
        return 0

    api.journal.seal = not_now
    found = await verified(api)
    assert found["verdict"] == "tampered"
    assert "which is not ours" in found["first_fault"]["what"]


async def test_a_rotated_key_is_trusted_through_the_line_that_introduced_it(api, tmp_path):
    await write(api)
    await api.journal.rotate_key(actor="usr_1", reason="yearly")
    await write(api)
    assert (await verified(api))["verdict"] == "ok"
    (tmp_path / "keys" / "journal-public-keys.txt").write_text("")  # the old key is known by nobody any more
    assert (await verified(api))["verdict"] == "ok"  # a newer checkpoint by the present key covers all


async def test_a_long_journal_is_a_job_with_progress(api, monkeypatch):
    monkeypatch.setattr(door, "AT_ONCE", 2)
    await write(api)
    answer = await api.client("owner").post("/v1/journal/verify", json={})
    assert answer.status_code == 202
    where = answer.headers["location"]
    async with asyncio.timeout(10):
        while (job := (await api.client("owner").get(where)).json())["state"] == "running":  # noqa: ASYNC110 - as a client would
            await asyncio.sleep(0.02)
    assert (job["state"], job["done"], job["total"]) == ("done", 4, 4)
    assert job["result"]["verdict"] == "ok"


async def test_only_readers_of_the_whole_journal_may(api):
    for who in ("technician", "vendor", "finance", "operator@north"):
        assert (await api.client(who).post("/v1/journal/verify", json={})).status_code == 403
