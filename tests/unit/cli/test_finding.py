"""findings on the command line: the list, one of them whole, counts, acknowledge and close."""

from pathlib import Path
from typing import Any

from .fake import Server, problem, run

COUNTS = {
    "open": 2, "acknowledged": 1, "by_severity": {"critical": 1, "info": 2}, "by_kind": {"carrier-outage": 3},
    "open_by_severity": {"info": 2},
}  # fmt: skip


def finding(**more: Any) -> dict[str, Any]:
    return {
        "id": "fnd_1", "kind": "carrier-outage", "about": "devices of one carrier account fail together",
        "severity": "critical", "subject": {"kind": "account", "id": "meridian", "name": "Meridian"},
        "key": "account:meridian", "title": "90 devices at meridian fail together",
        "evidence": {"failing": {"value": 90, "unit": "devices", "at": "2026-03-02T08:00:00Z"},
                     "networks": {"value": ["724-05", "724-10"], "unit": "", "at": None}},
        "score": 0.75, "state": "open", "opened_at": "2026-03-02T08:00:00Z", "last_seen_at": "2026-03-02T08:05:00Z",
        "sightings": 2, "acknowledged": None, "closed": None,
    } | more  # fmt: skip


def test_the_list_leaves_out_what_is_closed_unless_asked(tmp_path: Path) -> None:
    server = Server().on("GET /v1/findings", {"items": [finding()], "next": None, "complete": True})
    ran = run(server, tmp_path, "get", "findings", "--severity", "critical", "--subject", "account:meridian")
    asked = dict(server.asked[0].url.params)
    assert {"state": "live", "severity": "critical", "subject_kind": "account", "subject_id": "meridian"}.items() <= (
        asked.items()
    )
    assert all(word in ran.out for word in ("fnd_1", "critical", "account Meridian", "fail together"))
    run(server, tmp_path, "get", "findings", "--state", "any", "--subject", "device")
    assert "state" not in server.asked[1].url.params
    assert server.asked[1].url.params["subject_kind"] == "device"
    assert "subject_id" not in server.asked[1].url.params


def test_one_is_shown_with_its_evidence_and_what_to_do(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/findings/fnd_1", finding()), tmp_path, "get", "finding", "fnd_1")
    assert all(
        word in ran.out
        for word in ("90 devices at meridian", "failing", "724-05, 724-10", "devices", "fairlead finding close fnd_1")
    )
    ended = {"at": "2026-03-02T09:00:00Z", "by": "condition", "person": None, "reason": "seen no more"}
    server = Server().on("GET /v1/findings/fnd_1", finding(state="closed", closed=ended))
    ran = run(server, tmp_path, "get", "finding", "fnd_1")
    assert "by its condition: seen no more" in ran.out
    assert "fairlead finding" not in ran.out


def test_counts_are_of_all_and_take_no_filter(tmp_path: Path) -> None:
    server = Server().on("GET /v1/findings/counts", COUNTS)
    ran = run(server, tmp_path, "get", "findings", "--count")
    assert all(word in ran.out for word in ("2 open findings", "1 acknowledged", "critical 1", "carrier-outage 3"))
    assert run(server, tmp_path, "get", "findings", "--count", "--kind", "shipment").code == 2


def test_it_is_acknowledged_and_closed_with_a_reason(tmp_path: Path) -> None:
    known = {"at": "2026-03-02T09:00:00Z", "by": "usr_1", "reason": "told them"}
    server = Server().on("POST /v1/findings/fnd_1/acknowledge", finding(state="acknowledged", acknowledged=known))
    ran = run(server, tmp_path, "finding", "acknowledge", "fnd_1", "--reason", "told them")
    assert server.sent(0) == {"reason": "told them"}
    assert "by usr_1: told them" in ran.out
    assert run(server, tmp_path, "finding", "close", "fnd_1").code == 2, "a reason is asked for"
    refused = problem(
        409, "finding-wrong-state", "The finding is closed", detail="It cannot become closed: read it again."
    )
    ran = run(
        Server().on("POST /v1/findings/fnd_1/close", refused), tmp_path, "finding", "close", "fnd_1", "--reason", "x"
    )
    assert (ran.code, "The finding is closed" in ran.err) == (4, True)
