"""bulk: the preview always first, what is sent, the question, the watching, and steering."""

import itertools
from pathlib import Path
from typing import Any

import httpx
import pytest

from .fake import Server, problem, run

ICCIDS = ("8988211000000000014", "8988211000000000022")


def account(name: str, **more: Any) -> dict[str, Any]:
    return {
        "account": name, "connector": "soracom", "lines": 6, "able": 5, "already": 1, "unable": 0, "denied": {},
        "supported": True, "because": "",
        "mode": "sync", "typical_s": 1.0, "longest_s": 60.0, "reversible": True, "billable": None,
        "traffic_after": "none", "needs": [], "lines_a_call": 10_000, "shared_limit": "", "experimental": False,
        "swept_at": None,
    } | more  # fmt: skip


BY_HAND = account(
    "poczta", lines=2, able=0, already=0, unable=2, supported=False, connector="none",
    because="the account has no interface: its lines are changed by hand",
)  # fmt: skip


def seen(*accounts: dict[str, Any], **more: Any) -> dict[str, Any]:
    able = [one for one in accounts if one["supported"]]
    return {
        "lines": sum(one["lines"] for one in accounts), "able": sum(one["able"] for one in accounts),
        "already": sum(one["already"] for one in able),
        "unable": sum(one["lines"] for one in accounts if not one["supported"]), "missing": [], "missing_count": 0,
        "approval": "", "accounts": list(accounts),
    } | more  # fmt: skip


def bulk(state: str = "running", verb: str = "suspend", **counts: int) -> dict[str, Any]:
    still = {"pending", "dispatched", "delivered", "acknowledged", "unknown"}
    return {
        "id": "bulk_1", "verb": verb, "arguments": {}, "selected": {"carrier": "global-sim"}, "reason": "the season",
        "state": state, "author": "usr_1", "approver": None, "undo_of": None, "lines": sum(counts.values()),
        "settled": sum(n for word, n in counts.items() if word not in still), "by_state": counts,
        "created_at": "2026-03-02T08:00:00Z", "started_at": None, "settled_at": None,
    }  # fmt: skip


def stage(preview: dict[str, Any], made: dict[str, Any] | None = None) -> Server:
    return Server().on("POST /v1/bulk/preview", preview).on("POST /v1/bulk", (201, made or bulk(pending=6)))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_preview_has_a_row_an_account_and_says_what_no_column_can(tmp_path: Path) -> None:
    job = account(
        "slow-net", mode="job", typical_s=3600, billable=True, reversible=False, traffic_after="possible",
        needs=["allow_termination"], because="only plans that offer it", shared_limit="group", experimental=True,
        lines_a_call=1,
    )  # fmt: skip
    server = stage(seen(account("global-sim"), job, BY_HAND, approval="nothing takes suspend back at slow-net"))
    ran = run(server, tmp_path, "bulk", "suspend", "--carrier", "global-sim", "--dry-run")
    assert ran.code == 0
    for said in (
        "global-sim 6 5 1 0 at once 1s not said yes none 10,000",
        "slow-net 6 5 1 0 by a job 1h yes no possible 1",
        "poczta 2 0 – 2 – – – – – –",
        "poczta cannot: the account has no interface: its lines are changed by hand",
        "slow-net only so: only plans that offer it", "slow-net needs first: allow_termination",
        "keeps this limit for a whole group", "experimental connector",
        "Another person must agree: nothing takes suspend back at slow-net.", "Nothing was asked.",
    ):  # fmt: skip
        assert said in flat(ran.out), said
    assert max(len(line) for line in ran.out.splitlines()) <= 100
    assert [request.url.path for request in server.asked] == ["/v1/bulk/preview"]


def saves(lines: int, priced: int, **amounts: dict[str, str]) -> dict[str, Any]:
    none: dict[str, Any] = {"monthly": {}, "monthly_unknown": {}, "monthly_goes_on": {}}
    return {"lines": lines, "priced_lines": priced, **none, **amounts}


def test_the_preview_says_what_is_saved_and_keeps_apart_what_nobody_knows(tmp_path: Path) -> None:
    stops = account("stops", billable=False, saves=saves(5, 5, monthly={"EUR": "3.20"}))
    silent = account("silent", saves=saves(5, 3, monthly_unknown={"USD": "2.50"}))
    slow = account("slow", billable=True, longest_s=900.0, saves=saves(5, 5, monthly_goes_on={"USD": "4.00"}))
    every = saves(15, 13, monthly={"EUR": "3.20"}, monthly_unknown={"USD": "2.50"}, monthly_goes_on={"USD": "4.00"})
    ran = run(stage(seen(stops, silent, slow, saves=every)), tmp_path, "bulk", "suspend", "--carrier", "x", "--dry-run")
    for said in (
        "FEE AFTER", "stops 6 5 1 0 at once 1s no yes", "stops saves 3.20 EUR a month: it stops billing",
        "silent may save up to 2.50 USD a month, or nothing: it does not say whether it goes on billing",
        "silent saves an unknown amount for 2 lines: no price of the plan is known", "slow may take up to 15m a line",
        "slow goes on billing, if less: how much of 4.00 USD a month is saved is unknown",
        "Saves 3.20 EUR a month for certain. Unknown: 2.50 USD where the carrier does not say",
        "; 4.00 USD where a fee goes on; 2 lines without a known price.",
    ):  # fmt: skip
        assert said in flat(ran.out), said


def test_without_any_price_what_it_saves_is_called_unknown(tmp_path: Path) -> None:
    one = account("x", saves=saves(5, 0))
    ran = run(stage(seen(one, saves=saves(5, 0))), tmp_path, "bulk", "suspend", "--carrier", "x", "--dry-run")
    assert "What it saves is unknown: no price is known" in flat(ran.out)
    on = run(stage(seen(account("x"))), tmp_path, "bulk", "activate", "--carrier", "x", "--dry-run")
    assert "CHARGED" in on.out
    assert "aves" not in on.out


@pytest.mark.parametrize(
    ("words", "verb", "arguments", "lines"),
    [
        (["suspend", "--carrier", "x", "--state", "active", "--country", "pl"], "suspend", {},
         {"carrier": "x", "state": "active", "country": "PL"}),
        (["activate", *ICCIDS], "activate", {}, {"iccids": list(ICCIDS)}),
        (["set-plan", "--plan", "plan-US", "--on-plan", "old"], "set_plan", {"plan": "plan-US"}, {"plan": "old"}),
        (["set-speed", "--speed", "s1.slow", "--carrier", "x"], "set_speed", {"speed": "s1.slow"}, {"carrier": "x"}),
        (["set-limit", "--bytes", "500MB", "--carrier", "x"], "set_limit", {"bytes": 500_000_000}, {"carrier": "x"}),
        (["set-limit", "--bytes", "1.5GiB", "--carrier", "x"], "set_limit", {"bytes": 1_610_612_736}, {"carrier": "x"}),
        (["set-limit", "--bytes", "none", "--carrier", "x"], "set_limit", {"bytes": None}, {"carrier": "x"}),
        (["set-group", "--group", "none", "--carrier", "x"], "set_group", {"group": None}, {"carrier": "x"}),
        (["set-imei-lock", "--imei", "352099001761481", ICCIDS[0]], "set_imei_lock", {"imei": "352099001761481"},
         {"iccids": [ICCIDS[0]]}),
        (["set-network-policy", "--allow", "262-02,262-01", "--allow", "232-03", "--country", "DE"],
         "set_network_policy", {"kind": "allow", "plmns": ["262-02", "262-01", "232-03"]}, {"country": "DE"}),
        (["set-network-policy", "--block", "none", "--country", "DE"], "set_network_policy",
         {"kind": "block", "plmns": []}, {"country": "DE"}),
        (["send-sms", "--text", "wake up", "--connectivity", "offline"], "send_sms", {"text": "wake up"},
         {"connectivity": "offline"}),
        (["reset-connection", "--remote", "changeable", "--form-factor", "MFF2", "--technology", "euicc"],
         "reset_connection", {}, {"remote": "changeable", "form_factor": "MFF2", "technology": "euicc"}),
        (["allow-termination", "--carrier", "x"], "allow_termination", {}, {"carrier": "x"}),
        (["terminate", "--carrier", "x"], "terminate", {}, {"carrier": "x"}),
        (["standby", "--carrier", "x"], "standby", {}, {"carrier": "x"}),
        (["deactivate", "--carrier", "x"], "deactivate", {}, {"carrier": "x"}),
        (["suspend", "--where", 'sku == "meter" && silent_days >= 30'], "suspend", {},
         {"where": 'sku == "meter" && silent_days >= 30'}),
    ],
)  # fmt: skip
def test_every_verb_sends_its_arguments_and_what_the_preview_counted(
    tmp_path: Path, words: list[str], verb: str, arguments: dict[str, Any], lines: dict[str, Any]
) -> None:
    server = stage(seen(account("global-sim")))
    ran = run(server, tmp_path, "bulk", *words, "--reason", "why", "--yes")
    assert ran.code == 0, ran.err
    asked = {"verb": verb, "arguments": arguments, "lines": lines}
    assert server.sent(0) == asked
    assert server.sent(1) == asked | {"reason": "why", "expect": 6}
    assert server.asked[1].headers["idempotency-key"]
    assert "bulk_1 is running" in ran.out


def test_lines_come_from_a_file_or_from_input_and_bad_ones_are_told_by_line(tmp_path: Path) -> None:
    file = tmp_path / "iccids.txt"
    file.write_text("\ufeff" + "\r\n".join(ICCIDS) + "\n\n", encoding="utf-8")
    words = ("bulk", "suspend", "--reason", "why", "--yes", "--from")
    for source, given in ((str(file), ""), ("-", "\n".join(ICCIDS))):
        server = stage(seen(account("global-sim")))
        assert run(server, tmp_path, *words, source, given=given).code == 0
        assert server.sent()["lines"] == {"iccids": list(ICCIDS)}
    file.write_text(f"iccid\n{ICCIDS[0]}\n", encoding="utf-8")
    ran = run(Server(), tmp_path, *words, str(file))
    assert ran.code == 2
    assert "iccids.txt:1" in flat(ran.err)
    assert "an ICCID of 18 to 20 digits" in flat(ran.err)
    assert run(Server(), tmp_path, *words, str(tmp_path / "none.txt")).code == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["suspend", "--reason", "x"], "Say which lines"),
        (["suspend", ICCIDS[0], "--carrier", "x", "--reason", "x"], "Say which lines"),
        (["suspend", "12", "--reason", "x"], "That is no ICCID"),
        (["suspend", "--carrier", "x"], "Say why"),
        (["set-limit", "--bytes", "much", "--carrier", "x", "--reason", "x"], "--bytes cannot be read"),
        (["set-limit", "--bytes", "0.5b", "--carrier", "x", "--reason", "x"], "--bytes cannot be read"),
        (["set-network-policy", "--carrier", "x", "--reason", "x"], "Say which networks"),
        (["set-network-policy", "--allow", "1", "--block", "2", "--carrier", "x", "--reason", "x"], "networks"),
        (["set-plan", "--carrier", "x", "--reason", "x"], "--plan"),
    ],
)
def test_usage_is_2_and_nobody_is_asked(tmp_path: Path, words: list[str], says: str) -> None:
    server = Server()
    ran = run(server, tmp_path, "bulk", *words)
    assert (ran.code, server.asked) == (2, []), ran.err
    assert says in flat(ran.err)


def test_it_asks_with_numbers_and_nobody_there_is_no_agreement(tmp_path: Path) -> None:
    final = account("global-sim", reversible=False)
    server = stage(seen(final, BY_HAND, approval="nothing takes terminate back at global-sim"))
    ran = run(server, tmp_path, "bulk", "terminate", "--carrier", "global-sim", "--reason", "scrapped")
    assert ran.code == 2
    question = flat(ran.err)
    assert "Terminate 5 lines (1 already so, 2 cannot be asked)?" in question
    assert "Nothing takes it back at global-sim. It then waits until another person agrees." in question
    assert len(server.asked) == 1


def test_where_nothing_can_be_asked_nothing_is_started(tmp_path: Path) -> None:
    words = ("bulk", "suspend", "--carrier", "x", "--reason", "x", "--yes")
    so = run(stage(seen(account("x", able=0, already=6))), tmp_path, *words)
    assert (so.code, "Every line is so already" in so.out) == (0, True)
    cannot = run(stage(seen(BY_HAND)), tmp_path, *words)
    assert (cannot.code, "No line can be asked" in cannot.err) == (1, True)
    server = stage(seen(account("x"), missing=[ICCIDS[0]], missing_count=1))
    missing = run(server, tmp_path, *words)
    assert (missing.code, len(server.asked)) == (1, 1)
    assert f"1 ICCID of no line of yours, such as {ICCIDS[0]}" in flat(missing.out)


def test_lines_that_moved_since_the_preview_are_4_and_say_what_next(tmp_path: Path) -> None:
    moved = problem(409, "change-drifted", "The bulk action has other lines now", code="drifted", differences={})
    server = Server().on("POST /v1/bulk/preview", seen(account("x"))).on("POST /v1/bulk", moved)
    ran = run(server, tmp_path, "bulk", "suspend", "--carrier", "x", "--reason", "x", "--yes")
    assert ran.code == 4
    assert "the preview is counted anew" in ran.err
    assert "fairlead plan" not in ran.err


def test_what_waits_for_another_person_is_not_waited_for(tmp_path: Path) -> None:
    server = stage(seen(account("x"), approval="charged"), bulk("waiting", pending=6))
    ran = run(server, tmp_path, "bulk", "send-sms", "--text", "x", "--carrier", "x", "--reason", "x", "--yes", "--wait")
    assert ran.code == 0
    assert "bulk_1 is waiting" in ran.out
    assert "Somebody else: fairlead bulk approve bulk_1" in ran.out


def watched(*states: dict[str, Any]) -> Server:
    following = itertools.chain(states, itertools.repeat(states[-1]))
    return stage(seen(account("x"))).on("GET /v1/bulk/bulk_1", lambda _: next(following))


WAIT = ("bulk", "suspend", "--carrier", "x", "--reason", "x", "--yes", "--wait")


def test_waiting_ends_with_it_and_the_code_says_whether_it_came_true(tmp_path: Path) -> None:
    going, done = bulk(pending=4, verified=2), bulk("done", verified=6)
    ran = run(watched(going, going, done), tmp_path, *WAIT)
    assert ran.code == 0
    assert "bulk_1 is done: 6 verified." in ran.out
    assert "fairlead bulk undo bulk_1" in ran.out
    ran = run(watched(going, bulk("done", verified=5, refused=1)), tmp_path, *WAIT)
    assert ran.code == 1
    assert "did not come true on every line" in ran.err
    assert "5 of 6 lines verified" in ran.err
    ran = run(watched(bulk("cancelled", superseded=4, verified=2)), tmp_path, "bulk", "watch", "bulk_1")
    assert (ran.code, "bulk_1 was cancelled" in ran.err) == (1, True)


def test_programs_get_one_document_or_a_line_a_look(tmp_path: Path) -> None:
    states = (bulk(pending=6), bulk(pending=6), bulk("done", verified=6))
    assert run(watched(*states), tmp_path, *WAIT, "--json").json["state"] == "done"
    lines = run(watched(*states), tmp_path, *WAIT, "--jsonl").out.splitlines()
    assert len(lines) == 2
    assert run(stage(seen(account("x"))), tmp_path, *WAIT[:-2], "--dry-run", "--json").json["able"] == 5
    assert run(stage(seen(account("x"))), tmp_path, *WAIT[:-1], "--json").json["id"] == "bulk_1"


def test_ctrl_c_leaves_it_running_and_says_how_to_come_back(tmp_path: Path) -> None:
    looks = itertools.count()

    def look(_: httpx.Request) -> dict[str, Any]:
        if next(looks) == 2:
            raise KeyboardInterrupt
        return bulk(pending=4, verified=2)

    server = stage(seen(account("x"))).on("GET /v1/bulk/bulk_1", look)
    ran = run(server, tmp_path, *WAIT)
    assert ran.code == 1, "nobody knows yet whether it came true"
    assert "It goes on without you (2 of 6 lines settled). Come back: fairlead bulk watch bulk_1" in flat(ran.err)
    assert {request.method for request in server.asked[2:]} == {"GET"}, "nothing was cancelled"


def test_watching_outlives_a_server_that_is_away_for_a_while(tmp_path: Path) -> None:
    looks = itertools.count()
    away = (503, {"title": "away"})
    server = Server().on("GET /v1/bulk/bulk_1", lambda _: away if next(looks) < 5 else bulk("done", verified=1))
    assert run(server, tmp_path, "bulk", "watch", "bulk_1").code == 0
    assert run(Server().on("GET /v1/bulk/bulk_1", away), tmp_path, "bulk", "watch", "bulk_1").code == 5


def test_list_and_show(tmp_path: Path) -> None:
    server = Server().on("GET /v1/bulk", {"items": [bulk("paused", pending=4, verified=2)], "next": None})
    ran = run(server, tmp_path, "bulk", "list")
    assert "bulk_1 suspend paused 2 of 6" in flat(ran.out)
    server = Server().on("GET /v1/bulk/bulk_1", bulk("paused", verb="set_plan", pending=4, verified=2))
    ran = run(server, tmp_path, "bulk", "show", "bulk_1")
    assert "bulk_1 set-plan paused" in flat(ran.out)
    assert "2 of 6 lines settled: 2 verified, 4 pending" in flat(ran.out)
    assert "fairlead bulk resume bulk_1" in ran.out


def test_lines_show_reason_and_the_carriers_own_answer_or_go_to_a_file(tmp_path: Path) -> None:
    line = {
        "operation": "op_1", "iccid": ICCIDS[0], "account": "x", "device": None, "verb": "suspend", "state": "refused",
        "reason": "provider_rule", "before": {"state": "active"},
        "said": {"status": 400, "code": "SEM0004", "said": "Not allowed"}, "settled_at": None,
    }  # fmt: skip
    server = Server().on("GET /v1/bulk/bulk_1/lines", {"items": [line], "next": None})
    ran = run(server, tmp_path, "bulk", "lines", "bulk_1", "--state", "refused")
    assert f"{ICCIDS[0]} x – refused provider rule active 400 SEM0004 Not allowed" in flat(ran.out)
    assert server.asked[0].url.params["state"] == "refused"
    text = b"iccid,state\r\n" + ICCIDS[0].encode() + b",refused\r\n"
    target = tmp_path / "result.csv"
    ran = run(lambda _: httpx.Response(200, content=text), tmp_path, "bulk", "lines", "bulk_1", "--csv", str(target))
    assert (ran.code, target.read_bytes()) == (0, text)
    assert run(Server(), tmp_path, "bulk", "lines", "b", "--csv", str(target), "--state", "failed").code == 2


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["pause"], "pause"), (["resume"], "resume"), (["approve"], "approve"), (["cancel", "--yes"], "cancel"),
        (["undo", "--yes"], "undo"),
    ],
)  # fmt: skip
def test_steering(tmp_path: Path, words: list[str], path: str) -> None:
    server = Server().on(f"POST /v1/bulk/bulk_1/{path}", bulk("running", pending=6))
    verb, *more = words
    ran = run(server, tmp_path, "bulk", verb, "bulk_1", "--reason", "because", *more)
    assert ran.code == 0, ran.err
    assert server.sent() == {"reason": "because"}
    assert "bulk_1 is running" in ran.out
    assert run(server, tmp_path, "bulk", verb, "bulk_1", *more, "--json").json["id"] == "bulk_1"


@pytest.mark.parametrize(("verb", "says"), [("cancel", "4 lines will not be asked"), ("undo", "Up to 2 lines go back")])
def test_what_ends_or_takes_back_asks_first(tmp_path: Path, verb: str, says: str) -> None:
    server = Server().on("GET /v1/bulk/bulk_1", bulk(pending=4, verified=2))
    ran = run(server, tmp_path, "bulk", verb, "bulk_1")
    assert ran.code == 2
    assert says in flat(ran.err)
    assert len(server.asked) == 1


def test_nobody_agrees_with_their_own(tmp_path: Path) -> None:
    own = problem(
        409, "change-own_change", "The bulk action waits for another person", code="own_change", differences={}
    )
    ran = run(Server().on("POST /v1/bulk/bulk_1/approve", own), tmp_path, "bulk", "approve", "bulk_1")
    assert ran.code == 4
    assert "fairlead bulk approve" in ran.err
