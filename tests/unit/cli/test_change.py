"""change: the picture of strata and stages, watching, and every verb."""

import itertools
import json
from pathlib import Path

import httpx
import pytest

from .fake import Server, change, problem, run


def test_show_draws_strata_by_stages_and_answers_the_four_questions(tmp_path: Path) -> None:
    server = Server().on("GET /v1/changes/chg_1", change("running", verified=6, running=2, waiting=0))
    ran = run(server, tmp_path, "change", "show", "chg_1")
    flat = " ".join(ran.out.split())
    for said in (
        "BR meridian ✓ 4 ▶ 4", "6/8 2 running", "TR meridian ↩ 3 ·", "3 barred", "at most 10% failed",
        "rolled-back TR meridian, 50 %: failed=3", "Was it delivered? 8 of 9 steps",
        "Did the device or carrier acknowledge? 7 of 9", "Did an independent fact confirm? 6 of 9",
        "Can it be rolled back? 5 moves, by stage, country",
    ):  # fmt: skip
        assert said in flat, said
    assert max(len(line) for line in ran.out.splitlines()) <= 100
    assert "████████████░░░░" in ran.out, "six of eight"


def watched(*states: dict[str, object]) -> Server:
    following = itertools.chain(states, itertools.repeat(states[-1]))
    return Server().on("GET /v1/changes/chg_1", lambda _: next(following))


def test_watch_follows_until_it_stands(tmp_path: Path) -> None:
    server = watched(change("running", running=8), change("running", running=8), change("standing", verified=8))
    ran = run(server, tmp_path, "change", "watch", "chg_1")
    assert ran.code == 0
    assert ran.out.count("running: running 8") == 1, "each state of things is said once"
    assert "standing: verified 8" in ran.out
    assert len(server.asked) == 3


def test_watch_ends_with_1_when_it_was_aborted(tmp_path: Path) -> None:
    ran = run(watched(change("running"), change("aborted", undone=8)), tmp_path, "change", "watch", "chg_1")
    assert ran.code == 1
    assert "chg_1 was aborted" in ran.err


def test_watch_gives_programs_one_document_or_a_line_a_look(tmp_path: Path) -> None:
    states = (change("running", running=8), change("standing", verified=8))
    assert run(watched(*states), tmp_path, "change", "watch", "chg_1", "--json").json["state"] == "standing"
    lines = run(watched(*states), tmp_path, "change", "watch", "chg_1", "--jsonl").out.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["running", "standing"]


def test_watch_outlives_a_server_that_is_away_for_a_while(tmp_path: Path) -> None:
    looks = itertools.count()

    def now_and_then(_: httpx.Request) -> httpx.Response:
        if next(looks) < 5:
            return httpx.Response(503, json={"title": "away", "status": 503})
        return httpx.Response(200, json=change("standing", verified=8))

    assert run(now_and_then, tmp_path, "change", "watch", "chg_1").code == 0
    gone = run(lambda _: httpx.Response(503, json={"title": "away"}), tmp_path, "change", "watch", "chg_1")
    assert gone.code == 5


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (["approve", "chg_1", "--note", "seen"], "approve", {"verdict": "approve", "note": "seen"}),
        (["refuse", "chg_1"], "approve", {"verdict": "refuse", "note": ""}),
        (["pause", "chg_1"], "pause", None),
        (["resume", "chg_1"], "resume", None),
        (["stop", "chg_1", "--reason", "apn", "--yes"], "stop", {"reason": "apn"}),
    ],
)
def test_verbs(tmp_path: Path, words: list[str], path: str, body: object) -> None:
    server = (
        Server()
        .on("GET /v1/changes/chg_1", change("running"))
        .on(f"POST /v1/changes/chg_1/{path}", {"id": "chg_1", "state": "paused", "approvals_needed": 0})
    )
    ran = run(server, tmp_path, "change", *words)
    assert ran.code == 0
    assert "chg_1 is paused" in ran.out
    content = server.asked[-1].content
    assert (json.loads(content) if content else None) == body


def test_nobody_approves_their_own(tmp_path: Path) -> None:
    refused = problem(409, "change-own_change", "Somebody else must decide", code="own_change", differences={})
    ran = run(Server().on("POST /v1/changes/chg_1/approve", refused), tmp_path, "change", "approve", "chg_1")
    assert ran.code == 4
    assert "another person" in ran.err


def test_rollback_selects_counts_and_asks_first(tmp_path: Path) -> None:
    path = "POST /v1/changes/chg_1/rollback"
    server = Server().on(path, {"devices": 7, "verified": 6, "left": 1, "preview": True})
    words = ("change", "rollback", "chg_1", "--country", "br", "--stage", "2", "--match", 'sku == "x"', "--device",
             "trk-1", "--wave", "0", "--reason", "tariff")  # fmt: skip
    asked = run(server, tmp_path, *words)
    assert asked.code == 2, "there is nobody to agree"
    assert "7 devices (6 of them verified; 1 belong to later Changes and stay)" in " ".join(asked.err.split())
    assert [r["preview"] for r in map(server.sent, range(len(server.asked)))] == [True]
    assert run(server, tmp_path, *words, "--yes", "--json").code == 0
    assert server.sent() == {
        "match": 'sku == "x"', "countries": ["BR"], "devices": ["trk-1"], "wave": 0, "stage": 1, "reason": "tariff",
    }  # fmt: skip


def test_a_preview_only_counts(tmp_path: Path) -> None:
    server = Server().on("POST /v1/changes/chg_1/rollback", {"devices": 7, "verified": 6, "left": 0, "preview": True})
    ran = run(server, tmp_path, "change", "rollback", "chg_1", "--preview", "--reason", "x", "--yes")
    assert "7 devices would go back" in ran.out
    assert len(server.asked) == 1
    assert server.sent()["preview"] is True


def test_a_rollback_needs_a_reason_and_something_to_take_back(tmp_path: Path) -> None:
    assert run(Server(), tmp_path, "change", "rollback", "chg_1").code == 2
    server = Server().on("POST /v1/changes/chg_1/rollback", {"devices": 0, "verified": 0, "left": 0, "preview": True})
    assert run(server, tmp_path, "change", "rollback", "chg_1", "--reason", "x").code == 1


def test_settling_says_what_became_of_it_and_how_it_is_known(tmp_path: Path) -> None:
    server = Server().on("POST /v1/operations/op_1/settle", {"id": "op_1", "state": "failed"})
    ran = run(server, tmp_path, "change", "settle", "op_1", "--not-applied", "--reason", "no such order")
    assert ran.code == 0, ran.err
    assert "op_1 is failed, settled by a person" in ran.out
    assert server.sent() == {"outcome": "not_applied", "reason": "no such order"}
    assert run(server, tmp_path, "change", "settle", "op_1", "--applied", "--reason", "seen", "--json").code == 0
    assert server.sent() == {"outcome": "applied", "reason": "seen"}


def test_settling_needs_an_outcome_and_a_reason(tmp_path: Path) -> None:
    assert run(Server(), tmp_path, "change", "settle", "op_1", "--reason", "seen").code == 2
    assert run(Server(), tmp_path, "change", "settle", "op_1", "--applied").code == 2
    told = problem(409, "change-wrong_state", "The operation is verified", code="wrong_state", differences={})
    server = Server().on("POST /v1/operations/op_1/settle", told)
    ran = run(server, tmp_path, "change", "settle", "op_1", "--applied", "--reason", "seen")
    assert ran.code == 4


def test_a_change_shows_what_people_took_back(tmp_path: Path) -> None:
    told = change("standing", verified=8, undone=2)
    told["story"]["taken_back"] = 2
    shown = run(Server().on("GET /v1/changes/chg_1", told), tmp_path, "change", "show", "chg_1")
    assert "2 taken back by a person" in shown.out
