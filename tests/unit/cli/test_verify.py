"""The independent verifier against exports made by the server's encoding: whatever is changed shows."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.model import journal, journal_export, merkle
from fairlead.model.ids import TenantId
from fairlead.model.journal import Action, Checkpoint, Evidence, Head, Line, Subject
from fairlead_cli.verify import Verdict, main, verify

TENANT = TenantId(UUID("0192f000-0000-7000-8000-000000000001"))
AT = datetime(2026, 11, 20, 8, 43, tzinfo=UTC)
FIRST = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SECOND = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
LEAVES = [f'{{"device":"dev_{n}","state":"verified"}}' for n in range(5)]


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def a_line(number: int, *, leaves: list[str] | None = None, introduces: bytes | None = None) -> Line:
    root = Evidence(root=merkle.root([leaf.encode() for leaf in leaves]), count=len(leaves)) if leaves else None
    payload = {"number": number} | ({"public_key": introduces.hex()} if introduces else {})
    return Line(
        id=UUID(int=number), tenant=TENANT, at=AT, actor="usr_1", subject=Subject(kind="change", id=f"chg_{number}"),
        action=Action.KEY_ROTATED if introduces else Action.OPERATION_BATCH if leaves else Action.CHANGE_STARTED,
        reason="because é", payload=journal.canonical(payload), evidence=root,
    )  # fmt: skip


def a_checkpoint(sealed: journal.Sealed, key: Ed25519PrivateKey) -> bytes:
    unsigned = Checkpoint(
        tenant=TENANT, seq=sealed.seq, head=sealed.hash, count=sealed.seq, at=AT, key_id=journal.key_id(public(key))
    )
    signature = key.sign(journal.checkpoint_bytes(unsigned))
    return journal_export.checkpoint(
        Checkpoint(
            tenant=TENANT,
            seq=unsigned.seq,
            head=unsigned.head,
            count=unsigned.count,
            at=AT,
            key_id=unsigned.key_id,
            signature=signature,
        )
    )


def an_end(records: list[bytes], last_seq: int, key: Ed25519PrivateKey) -> bytes:
    import hashlib

    digest, key_id = hashlib.sha256(b"".join(records)).digest(), journal.key_id(public(key))
    signed = journal_export.end_bytes(tenant=TENANT, last_seq=last_seq, digest=digest, at=AT, key_id=key_id)
    return journal_export.end(last_seq=last_seq, digest=digest, at=AT, key_id=key_id, signature=key.sign(signed))


def export(*, count: int = 6, key: Ed25519PrivateKey = FIRST) -> list[bytes]:
    """A header, lines with a checkpoint at 3 and at the last, evidence at 2, an end."""
    sealed = journal.seal(Head(), [a_line(n, leaves=LEAVES if n == 2 else None) for n in range(1, count + 1)])
    records = [
        journal_export.header(
            tenant=TENANT, first_seq=1, prev_hash=bytes(32), keys={journal.key_id(public(key)): public(key)}
        )
    ]
    for item in sealed:
        records.append(journal_export.line(item))
        if item.seq == 2:
            records.append(journal_export.evidence(2, LEAVES))
        if item.seq in {3, count}:
            records.append(a_checkpoint(item, key))
    return [*records, an_end(records, count, key)]


GOOD = export()
KEYS = [public(FIRST)]


def test_a_whole_export_is_ok() -> None:
    report = verify(GOOD, keys=KEYS)
    assert report.verdict is Verdict.OK
    assert (report.lines, report.last_seq, report.proven_seq, report.warnings) == (6, 6, 6, ())


def test_an_unpinned_key_is_believed_with_a_warning() -> None:
    report = verify(GOOD)
    assert report.verdict is Verdict.OK
    assert public(FIRST).hex() in report.warnings[0]


def test_a_journal_rewritten_and_signed_by_a_stranger_fails_against_the_pinned_key() -> None:
    forged = export(key=STRANGER)
    assert verify(forged).verdict is Verdict.OK  # which is why the key is to be pinned
    assert verify(forged, keys=KEYS).verdict is Verdict.TAMPERED


@settings(max_examples=400)
@given(st.integers(0, len(b"".join(GOOD)) * 8 - 1), st.booleans())
def test_every_single_bit_shows(bit: int, pinned: bool) -> None:
    data = bytearray(b"".join(GOOD))
    data[bit // 8] ^= 1 << (bit % 8)
    report = verify(bytes(data).splitlines(keepends=True), keys=KEYS if pinned else ())
    assert report.verdict is not Verdict.OK


@given(st.integers(0, len(GOOD) - 1))
def test_every_removed_record_shows(position: int) -> None:
    assert verify(GOOD[:position] + GOOD[position + 1 :], keys=KEYS).verdict is not Verdict.OK


@given(st.integers(0, len(GOOD) - 1), st.integers(0, len(GOOD) - 1))
def test_every_swap_and_every_repeat_shows(one: int, other: int) -> None:
    swapped = GOOD.copy()
    swapped[one], swapped[other] = swapped[other], swapped[one]
    assert (verify(swapped, keys=KEYS).verdict is Verdict.OK) == (one == other)
    assert verify([*GOOD[:one], GOOD[one], *GOOD[one:]], keys=KEYS).verdict is not Verdict.OK


@given(st.integers(0, len(b"".join(GOOD)) - 1))
def test_every_truncation_shows(size: int) -> None:
    assert verify(b"".join(GOOD)[:size].splitlines(keepends=True), keys=KEYS).verdict is not Verdict.OK


def test_the_place_is_named() -> None:
    records = GOOD.copy()
    position = next(i for i, r in enumerate(GOOD) if b'"seq":4,' in r and b'"record":"line"' in r)
    records[position] = GOOD[position].replace("é".encode(), b"e")
    report = verify(records, keys=KEYS)
    assert (report.verdict, report.bad_seq) == (Verdict.TAMPERED, 4)
    assert "content" in report.detail


def test_a_chain_rewritten_from_the_middle_fails_at_the_next_checkpoint() -> None:
    sealed = journal.seal(Head(), [a_line(n) for n in (1, 2, 33, 4, 5, 6)])
    records = [GOOD[0]]
    records += [journal_export.line(item) for item in sealed]
    records += [r for r in GOOD if b'"record":"checkpoint"' in r][1:] + GOOD[-1:]
    report = verify(records, keys=KEYS)
    assert report.verdict is Verdict.TAMPERED
    assert "count or head" in report.detail


def test_without_the_newest_checkpoint_the_tail_is_not_proven() -> None:
    newest = max(i for i, r in enumerate(GOOD) if b'"record":"checkpoint"' in r)
    report = verify(GOOD[:newest] + GOOD[newest + 1 :], keys=KEYS)
    assert report.verdict is Verdict.TAIL_NOT_PROVEN
    assert (report.last_seq, report.proven_seq) == (6, 3)


def test_lines_after_the_newest_checkpoint_are_not_proven() -> None:
    records = GOOD[:1] + [r for r in GOOD if b'"record":"line"' in r]
    assert verify(records, keys=KEYS).verdict is Verdict.TAIL_NOT_PROVEN
    assert verify(GOOD[:-1], keys=KEYS).verdict is Verdict.TAIL_NOT_PROVEN
    assert verify([]).verdict is Verdict.TAIL_NOT_PROVEN


def test_wrong_evidence_shows() -> None:
    records = [r.replace(b"verified", b"refused!") if b'"record":"evidence"' in r else r for r in GOOD]
    report = verify(records, keys=KEYS)
    assert (report.verdict, report.bad_seq) == (Verdict.TAMPERED, 2)


def test_evidence_dropped_by_age_still_verifies() -> None:
    records = [r for r in GOOD[:-1] if b'"record":"evidence"' not in r]
    assert verify([*records, an_end(records, 6, FIRST)], keys=KEYS).verdict is Verdict.OK


@pytest.mark.parametrize(("introduce", "verdict"), [(True, Verdict.OK), (False, Verdict.TAMPERED)])
def test_a_new_key_counts_when_the_pinned_one_introduced_it(introduce: bool, verdict: Verdict) -> None:
    sealed = journal.seal(
        Head(), [a_line(1), a_line(2, introduces=public(SECOND)) if introduce else a_line(2), a_line(3)]
    )
    keys = {journal.key_id(public(k)): public(k) for k in (FIRST, SECOND)}
    records = [journal_export.header(tenant=TENANT, first_seq=1, prev_hash=bytes(32), keys=keys)]
    records += [journal_export.line(sealed[0]), journal_export.line(sealed[1]), a_checkpoint(sealed[1], FIRST)]
    records += [journal_export.line(sealed[2]), a_checkpoint(sealed[2], SECOND)]
    records.append(an_end(records, 3, SECOND))
    assert verify(records, keys=KEYS).verdict is verdict


def test_a_part_of_the_journal_verifies_from_where_it_starts() -> None:
    sealed = journal.seal(Head(), [a_line(n) for n in range(1, 5)])
    records = [
        journal_export.header(
            tenant=TENANT, first_seq=3, prev_hash=sealed[1].hash, keys={journal.key_id(KEYS[0]): KEYS[0]}
        )
    ]
    records += [journal_export.line(sealed[2]), journal_export.line(sealed[3]), a_checkpoint(sealed[3], FIRST)]
    records.append(an_end(records, 4, FIRST))
    assert verify(records, keys=KEYS).verdict is Verdict.OK


def test_a_deeply_nested_record_is_refused_not_fatal() -> None:
    nested = b"[" * 200_000 + b"]" * 200_000 + b"\n"
    assert verify([GOOD[0], nested], keys=KEYS).verdict is Verdict.TAMPERED


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b"".join(GOOD))
    assert main([str(file), "--key", KEYS[0].hex()]) == 0
    assert capsys.readouterr().out.startswith("ok: 6 lines")
    (tmp_path / "key").write_text(KEYS[0].hex() + "\n")
    assert main([str(file), "--key", str(tmp_path / "key"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "OK"
    file.write_bytes(b"".join(GOOD[:-2]))
    assert main([str(file)]) == 2
    file.write_bytes(b"".join(GOOD[:2] + GOOD[3:]))
    assert main([str(file)]) == 1
    assert main([str(tmp_path / "missing")]) == 3
    assert main([str(file), "--key", "nonsense"]) == 3


def test_the_verifier_stands_alone(tmp_path: Path) -> None:
    """It runs from one copied file, with nothing of the server to import."""
    import fairlead_cli.verify as module

    copy = tmp_path / "verify.py"
    copy.write_bytes(Path(module.__file__ or "").read_bytes())
    (tmp_path / "journal.jsonl").write_bytes(b"".join(GOOD))
    script = "import runpy, sys; sys.modules['fairlead'] = None; sys.modules['fairlead_cli'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", script, str(copy), "journal.jsonl"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "ok"), done.stderr


def test_the_example_in_the_documentation_verifies() -> None:
    text = (Path(__file__).parents[3] / "docs" / "journal.md").read_text(encoding="utf-8")
    example = text.partition("```jsonl\n")[2].partition("```")[0].encode().splitlines(keepends=True)
    report = verify(example, keys=KEYS)
    assert (report.verdict, report.lines, report.key_id) == (Verdict.OK, 2, journal.key_id(KEYS[0])), report.detail
    assert any(b'"record":"evidence"' in record for record in example)
