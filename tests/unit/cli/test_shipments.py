"""`fairlead shipment`: what is sent, what is said with what to do, and how it exits."""

import json
from pathlib import Path

from .fake import Server, problem, run

DRAFT = {
    "id": "ship_1", "country": "BR", "sku": "TRK-1", "leaves_on": "2027-03-01", "arrives_on": "2027-04-10",
    "route": "by sea", "note": "order 4711", "state": "draft", "author": "usr_1", "devices": 2,
    "created_at": "2027-02-01T08:00:00Z", "checked_at": None, "digest": None, "override": None, "change": None,
    "change_state": None, "left_at": None, "settled_at": None, "arrived": 0, "elsewhere": 0, "overdue": False,
}  # fmt: skip
REASON = {
    "level": "refused", "code": "roaming-prohibited", "says": "BR prohibits permanent roaming [for SIMs of DE]",
    "do": "Send SIMs that are at home in BR", "about": "br-permanent-roaming", "stops": True, "override": "compliance",
    "rule": "br-permanent-roaming", "sources": ["a source"], "as_of": "2026-01-01",
}  # fmt: skip
LINE = {
    "line": 1, "devices": 2, "sku": "TRK-1", "life": "manufactured", "imei": True, "credential": True,
    "sims": [{"account": "meridian", "home": "DE", "used": True, "enabled": True, "state": "inventory", "esim": False,
              "multi_imsi": False, "stateless": False}], "reasons": [REASON],
}  # fmt: skip
REFUSED = DRAFT | {
    "state": "refused", "checked_at": "2027-02-01T08:01:00Z", "reasons": [], "lines": [LINE],
    "activation": {"devices": 2, "left_out": {"active": 1}, "blocked": []}, "notice": "Not legal advice.",
}  # fmt: skip
READY = REFUSED | {"state": "ready", "lines": [LINE | {"reasons": []}]}
LEFT = READY | {
    "state": "left", "left_at": "2027-03-01T08:00:00Z", "change": "chg_1", "change_state": "running", "arrived": 1,
    "elsewhere": 1, "overdue": True,
}  # fmt: skip


def test_names_from_a_file_and_words_are_sent_as_they_are(tmp_path: Path) -> None:
    box = tmp_path / "box.txt"
    box.write_text("sn-1\n\n  sn-2 \n", encoding="utf-8")
    server = Server().on("POST /v1/shipments", DRAFT)
    given = ("br", "trk-1", "--from", str(box), "--leaves", "2027-03-01", "--arrives", "2027-04-10", "--sku", "TRK-1")
    ran = run(server, tmp_path, "shipment", "create", *given, "--note", "order 4711")
    assert ran.code == 0, ran.err
    assert server.sent() == {
        "country": "BR", "devices": ["trk-1", "sn-1", "sn-2"], "leaves_on": "2027-03-01", "arrives_on": "2027-04-10",
        "sku": "TRK-1", "route": "", "note": "order 4711",
    }  # fmt: skip
    assert "fairlead shipment check ship_1" in ran.out
    for words in ((), ("trk-1", "--match", "true"), ("--from", str(tmp_path / "none"))):
        assert run(server, tmp_path, "shipment", "create", "BR", *words, "--leaves", "2027-03-01").code == 2


def test_a_refusal_says_what_to_do_and_exits_one(tmp_path: Path) -> None:
    server = Server().on("POST /v1/shipments/ship_1/check", REFUSED)
    ran = run(server, tmp_path, "shipment", "check", "ship_1")
    assert ran.code == 1
    for said in ("refused", "[for SIMs of DE]", "do: Send SIMs that are at home in BR", "a source, 2026-01-01",
                 "meridian (DE)", "Leaving activates 2; left out: 1 active", "Not legal advice."):  # fmt: skip
        assert said in ran.out, said
    as_json = run(server, tmp_path, "shipment", "check", "ship_1", "--json")
    assert (as_json.code, as_json.json) == (1, REFUSED)
    server.on("POST /v1/shipments", DRAFT)
    made = run(server, tmp_path, "shipment", "create", "BR", "trk-1", "--leaves", "2027-03-01", "--check")
    assert made.code == 1


def test_what_is_ready_exits_nought_and_leaves_only_when_somebody_agrees(tmp_path: Path) -> None:
    server = Server().on("POST /v1/shipments/ship_1/check", READY).on("GET /v1/shipments/ship_1", READY)
    ready = run(server, tmp_path, "shipment", "check", "ship_1")
    assert (ready.code, "nothing to say" in ready.out, "fairlead shipment leave ship_1" in ready.out) == (0, True, True)
    assert run(server, tmp_path, "shipment", "leave", "ship_1").code == 2  # nobody is here to agree
    server.on("POST /v1/shipments/ship_1/leave", LEFT)
    gone = run(server, tmp_path, "shipment", "leave", "ship_1", "--yes", "--reason", "picked up")
    assert (gone.code, server.sent()) == (0, {"reason": "picked up", "approvals": 0})
    assert "fairlead change watch chg_1" in gone.out


def test_what_moved_since_the_check_exits_four(tmp_path: Path) -> None:
    moved = problem(409, "shipment-drifted", "Facts moved since the check", code="drifted", differences={"reasons": []})
    server = Server().on("GET /v1/shipments/ship_1", READY).on("POST /v1/shipments/ship_1/leave", moved)
    ran = run(server, tmp_path, "shipment", "leave", "ship_1", "--yes")
    assert (ran.code, "Facts moved since the check" in ran.err) == (4, True)


def test_where_they_were_seen(tmp_path: Path) -> None:
    device = {"id": "dev_1", "name": "trk-1", "serial": None, "line": 1, "whereabouts": "elsewhere", "country": "GR",
              "seen_at": "2027-04-01T08:00:00Z"}  # fmt: skip
    server = (
        Server().on("GET /v1/shipments/ship_1", LEFT)
        .on("GET /v1/shipments", {"items": [LEFT], "next": None})
        .on("GET /v1/shipments/ship_1/devices", {"items": [device], "next": None})
    )  # fmt: skip
    shown = run(server, tmp_path, "shipment", "show", "ship_1")
    assert "1 of 2 were seen in BR, 1 only elsewhere, and the day of arrival is over." in " ".join(shown.out.split())
    assert "ship_1" in run(server, tmp_path, "get", "shipments", "--state", "left").out
    assert dict(server.asked[-1].url.params)["state"] == "left"
    assert "GR" in run(server, tmp_path, "shipment", "devices", "ship_1", "--where", "elsewhere").out
    assert dict(server.asked[-1].url.params)["whereabouts"] == "elsewhere"


def test_settings_change_what_was_said_and_keep_the_rest(tmp_path: Path) -> None:
    kept = {"strict": False, "network_years": 5, "patience_days": 30, "version": 1}
    server = Server().on("GET /v1/shipments/settings", kept).on("PUT /v1/shipments/settings", kept | {"strict": True})
    ran = run(server, tmp_path, "shipment", "settings", "--strict")
    assert (ran.code, server.sent()) == (0, {"strict": True, "network_years": 5, "patience_days": 30})
    assert "stops a shipment" in ran.out
    assert len(server.asked) == 2
    run(server, tmp_path, "shipment", "settings")
    assert len(server.asked) == 3


def test_verbs_and_certificates(tmp_path: Path) -> None:
    row = {"sku": "TRK-1", "country": "BR", "topic": "certification", "number": "01234", "valid_until": "2027-12-31",
           "days_left": 300, "source": None, "valid_from": None, "as_of": None, "version": 1}  # fmt: skip
    server = (
        Server().on("POST /v1/shipments/ship_1/cancel", DRAFT | {"state": "cancelled"})
        .on("POST /v1/shipments/ship_1/override", READY)
        .on("GET /v1/certificates", {"items": [row], "next": None})
    )  # fmt: skip
    assert "cancelled" in run(server, tmp_path, "shipment", "cancel", "ship_1", "--reason", "withdrawn").out
    assert run(server, tmp_path, "shipment", "override", "ship_1").code == 2  # without a reason
    assert run(server, tmp_path, "shipment", "override", "ship_1", "--reason", "permit 9").code == 0
    assert json.loads(server.asked[-1].content) == {"reason": "permit 9"}
    assert "01234" in run(server, tmp_path, "get", "certificates", "--country", "br").out
    assert dict(server.asked[-1].url.params)["country"] == "BR"
