"""Rules on lines as people read them: in a plan and in lists, with the reasons where something is not possible."""

from pathlib import Path
from typing import Any

from .fake import PLAN, Server, run

LISTED = {
    "account": "allows", "connector": "supersim", "lines": 3, "possible": True, "because": "", "kind": "allow",
    "plmns": [f"262-{n:02}" for n in range(9)], "notes": ["the order is not kept"], "standing": {"set": 2, "under way": 1},
}  # fmt: skip
NONE = LISTED | {"account": "none", "possible": False, "because": "the carrier keeps no list", "plmns": [], "notes": []}
RULE: dict[str, Any] = {
    "account": "fast", "lines": 9, "judged": 8, "crossed": 2, "stale": 1, "unknown": 0, "cannot": 0, "cannot_because": "",
    "action": "set_speed", "action_because": "", "waits_because": "the carrier charges for it",
    "lines_by_state": {"held": 1, "not_done": 1},
}  # fmt: skip
LATE = RULE | {
    "account": "late", "judged": 0, "crossed": 0, "stale": 0, "cannot": 9, "cannot_because": "its usage lags 48 h",
    "action": None, "action_because": "not possible at this carrier", "waits_because": "", "lines_by_state": {},
}  # fmt: skip
NAMED = {"name": "r", "revision": 2, "judged_at": "2026-03-02T08:00:00Z", "age_s": 60, "oldest": None}


def page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": [NAMED | one for one in items], "next": None, "complete": True}


def test_a_plan_tells_account_by_account(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: x")
    summary = PLAN["summary"] | {
        "steering": {"cheap": [LISTED, NONE], "nobody": []},
        "usage_rules": {"r": [RULE, LATE]},
    }
    plan = PLAN | {"summary": summary}
    ran = run(Server().on("POST /v1/plans", (201, plan)), tmp_path, "plan", "-f", str(tmp_path / "a.yaml"))
    flat = " ".join(ran.out.split())
    assert "allows 3 lines allow 262-00, 262-01, 262-02, 262-03, 262-04, 262-05 … 9 in all" in flat
    assert "the order is not kept" in flat
    assert "none: the carrier keeps no list" in flat
    assert "Steering/nobody, at each account: it matches no line" in flat
    assert "2 beyond it by data that is fresh; set speed, after a person agreed: the carrier charges for it" in flat
    assert "1 with data too old" in flat
    assert "tells only: not possible at this carrier" in flat
    assert "9 cannot be judged: its usage lags 48 h" in flat


def test_lists_say_how_lines_stand(tmp_path: Path) -> None:
    server = Server().on("GET /v1/steering", page(LISTED, NONE)).on("GET /v1/usage-rules", page(RULE, LATE))
    steering = " ".join(run(server, tmp_path, "get", "steering").out.split())
    assert "set 2, under way 1" in steering
    rules = " ".join(run(server, tmp_path, "get", "usage-rules").out.split())
    assert "held 1, not done 1" in rules
    assert "late 9 0 0" in rules
