"""plan and apply: what a person sees, what is sent, when nothing moves."""

from pathlib import Path

import pytest

from .fake import NOTHING, PLAN, Server, change, problem, run


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    place = tmp_path / "policies"
    (place / "deep").mkdir(parents=True)
    (place / "b.yaml").write_text("kind: Policy # b")
    (place / "deep" / "a.yml").write_text("kind: Policy # a")
    (place / "notes.txt").write_text("not a policy")
    return place


def test_a_plan_shows_radius_law_cost_and_steps(tmp_path: Path, policies: Path) -> None:
    ran = run(Server().on("POST /v1/plans", (201, PLAN)), tmp_path, "plan", "-f", str(policies))
    assert ran.code == 0
    flat = " ".join(ran.out.split())
    for said in (
        "+ create Policy/brazil-local@1", "no driver yet", "unchanged Policy/old", "13 concerned, 12 would move",
        "BR 9, TR 4", "8 in breach now, 1 within 30 days (not legal advice)",
        "8.80 EUR (priced 61 %; the other 5 devices: unknown)", "-9.20 EUR against today",
        "blocked 1 device in BR: the device has no profile of sabia (no_profile)",
        "12 devices (BR 8, TR 4) meridian → sabia", "carrier: activate (target)", "the carrier's own record read back",
        "15m", "exact: suspend", "shadow: write network, config", "a session on the new network", "6h",
        "the old SIM stays active and billed", "says nothing about 3 devices", "2 devices under way in chg_other",
        "brazil-local and old on config/dns", "fairlead apply --plan plan_1",
    ):  # fmt: skip
        assert said in flat, said
    assert max(len(line) for line in ran.out.splitlines()) <= 100


def test_yaml_files_of_a_directory_are_sent_with_their_names(tmp_path: Path, policies: Path) -> None:
    server = Server().on("POST /v1/plans", (201, PLAN))
    run(server, tmp_path, "plan", "-f", str(policies), "--remove", "old", "--remove", "Strategy/tiered")
    sent = server.sent()
    assert [(Path(f["name"]).name, f["text"]) for f in sent["files"]] == [
        ("b.yaml", "kind: Policy # b"),
        ("a.yml", "kind: Policy # a"),
    ]
    assert sent["removals"] == [{"kind": "Policy", "name": "old"}, {"kind": "Strategy", "name": "tiered"}]


def test_standard_input_is_a_file_too(tmp_path: Path) -> None:
    server = Server().on("POST /v1/plans", (201, PLAN))
    run(server, tmp_path, "plan", "-f", "-", given="kind: Policy")
    assert server.sent()["files"] == [{"name": "standard input", "text": "kind: Policy"}]


@pytest.mark.parametrize(("answer", "code"), [(PLAN, 2), (NOTHING, 0)])
def test_detailed_exit_codes_say_whether_something_would_change(
    tmp_path: Path, policies: Path, answer: object, code: int
) -> None:
    server = Server().on("POST /v1/plans", (201, answer))
    assert run(server, tmp_path, "plan", "-f", str(policies), "--detailed-exitcode").code == code
    assert run(server, tmp_path, "plan", "-f", str(policies)).code == 0


def test_faults_of_files_are_shown_with_file_line_and_column(tmp_path: Path, policies: Path) -> None:
    fault = {
        "file": "b.yaml",
        "line": 6,
        "column": 10,
        "path": "spec.match",
        "value": "contry",
        "expected": "`country`?",
    }
    refused = problem(422, "resources-refused", "The resources are refused", errors=[], faults=[fault])
    ran = run(Server().on("POST /v1/plans", refused), tmp_path, "plan", "-f", str(policies))
    assert ran.code == 1
    assert all(word in ran.err for word in ("b.yaml:6:10", "spec.match", "contry", "`country`?"))


def test_nothing_to_read_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(Server(), tmp_path, "plan", "-f", str(tmp_path / "empty")).code == 2
    assert run(Server(), tmp_path, "plan", "-f", str(tmp_path / "gone")).code == 2
    assert run(Server(), tmp_path, "apply", "--plan", "plan_1", "-f", str(tmp_path)).code == 2


def applying() -> Server:
    return (
        Server()
        .on("GET /v1/plans/plan_1", PLAN)
        .on("POST /v1/plans/plan_1/apply", (201, {"id": "chg_1", "title": "t", "state": "running"}))
        .on("GET /v1/changes/chg_1", change("running", verified=1))
    )


def test_apply_sends_only_what_was_said(tmp_path: Path) -> None:
    server = applying()
    ran = run(
        server, tmp_path, "apply", "--plan", "plan_1", "--stages", "5, 25,100%", "--max-failed", "0.2", "--gate-wait",
        "2h", "--hold-out", "10", "--approvals", "1", "--on-failure", "pause", "--require-proof", "--reason", "why",
        "--yes", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    post = next(r for r in server.asked if r.method == "POST")
    assert "Idempotency-Key" in post.headers
    assert server.sent(1) == {
        "rollout": {
            "stages": [5, 25, 100], "on_failure": "pause", "hold_out": 10, "approvals": 1,
            "gate": {"max_failed": 0.2, "wait_s": 7200, "accept_acknowledged": False},
        },
        "title": "", "reason": "why", "emergency": False,
    }  # fmt: skip
    assert ran.json["id"] == "chg_1"
    bare = applying()
    run(bare, tmp_path, "apply", "--plan", "plan_1", "--yes")
    assert bare.sent(1)["rollout"] == {}


def test_nothing_is_applied_where_nobody_can_agree(tmp_path: Path) -> None:
    server = applying()
    ran = run(server, tmp_path, "apply", "--plan", "plan_1")
    assert ran.code == 2
    assert "12 devices move in 2 countries; 1 device blocked" in " ".join(ran.err.split())
    assert [r.method for r in server.asked] == ["GET"]


def test_a_dry_run_and_an_empty_plan_apply_nothing(tmp_path: Path, policies: Path) -> None:
    server = applying().on("POST /v1/plans", (201, NOTHING))
    assert run(server, tmp_path, "apply", "--plan", "plan_1", "--dry-run", "--yes").code == 0
    assert run(server, tmp_path, "apply", "-f", str(policies), "--yes").code == 0
    assert not any(r.url.path.endswith("/apply") for r in server.asked)


def test_drift_is_4_with_the_differences(tmp_path: Path) -> None:
    moved = {"planned": 13, "now": 12, "gone": 1, "come": 0, "altered": 0, "examples": ["dev_1"]}
    refused = problem(409, "change-drifted", "The fleet moved under the plan", code="drifted", differences=moved)
    server = applying().on("POST /v1/plans/plan_1/apply", refused)
    ran = run(server, tmp_path, "apply", "--plan", "plan_1", "--yes")
    assert ran.code == 4
    assert "gone: 1" in ran.err
    assert "dev_1" in ran.err
    assert "new plan" in ran.err


@pytest.mark.parametrize("text", ["5,x", "", "five"])
def test_stages_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    server = applying()
    ran = run(server, tmp_path, "apply", "--plan", "plan_1", f"--stages={text or ','}", "--yes")
    assert ran.code == 2
    assert server.asked == []
