"""get outages, report availability, and what groups are promised: what is sent, what is shown, what is refused."""

import csv
import io
import json
from pathlib import Path

import pytest

from .fake import Server, run

STRATUM = {
    "kind": "core", "name": "north", "state": "out", "blamed": True, "expected": 24, "missing": 6, "strayed": 18, "away": 0,
    "rate": 1.0, "usual_rate": 0.0205, "opens_at": 0.3705, "since": "2026-03-01T12:00:00Z",
}  # fmt: skip
PART = {
    "name": "=meters", "availability": 0.999996, "objective": 0.999, "met": True, "expected_minutes": 1_000_000,
    "missing_minutes": 4, "elsewhere_minutes": 300, "allowed_minutes": 1_000, "heard_every_s": 900,
}  # fmt: skip
PAGE = {
    "items": [PART], "next": None, "group_by": "group", "since": "2026-02-01T00:00:00Z", "until": "2026-03-01T00:00:00Z",
    "measured_from": "2026-02-10T00:00:00Z", "measured_to": "2026-02-28T23:55:00Z", "measured_share": 0.9876,
}  # fmt: skip
KEPT = {
    "group": "meters", "objective": 0.9995, "heard_every_s": 21_600, "version": 3, "updated_at": "2026-03-01T12:00:00Z",
    "updated_by": "Nora North",
}  # fmt: skip


def test_strata_are_shown_against_what_is_usual(tmp_path: Path) -> None:
    server = Server().on("GET /v1/outages", {"items": [STRATUM], "next": None, "at": None, "age_s": 1, "buckets": 3})
    ran = run(server, tmp_path, "get", "outages")
    assert ran.code == 0
    for said in ("north", "out", "100.0 %", "2.0 %", "18"):
        assert said in ran.out


def test_availability_is_never_rounded_up(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/availability", PAGE), tmp_path, "report", "availability", "--by", "group")
    for said in ("99.999 %", "99.900 %", "98.7 % of the time"):
        assert said in ran.out
    assert "100.0" not in ran.out


def test_a_window_may_be_an_age_and_the_servers_clock_counts(tmp_path: Path) -> None:
    server = Server().on("GET /v1/availability", PAGE).on("GET /v1/clock", {"now": "2026-03-01T12:00:00+00:00"})
    assert run(server, tmp_path, "report", "availability", "--from", "7d", "--to", "2026-03-01").code == 0
    asked = server.asked[-1].url.params
    assert (asked["from"], asked["to"]) == ("2026-02-22T12:00:00+00:00", "2026-03-01T00:00:00+00:00")


def test_a_spreadsheet_gets_exact_shares_and_no_formula(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/availability", PAGE), tmp_path, "report", "availability", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(ran.out))
    assert (row["name"], row["availability"], row["missing_minutes"]) == ("'=meters", "0.999996", "4")


@pytest.mark.parametrize(("known", "version"), [([KEPT], '"3"'), ([], '"0"')])
def test_a_promise_replaces_the_one_that_was_read(known: list, version: str, tmp_path: Path) -> None:
    server = Server().on("GET /v1/objectives", {"items": known, "next": None})
    server.on("PUT /v1/objectives/meters", KEPT)
    ran = run(server, tmp_path, "objective", "set", "meters", "--percent", "99.95", "--heard-every", "6h", "--json")
    assert ran.code == 0
    assert server.asked[-1].headers["If-Match"] == version
    assert server.sent() == {"objective": 0.9995, "heard_every_s": 21_600}
    assert json.loads(ran.out) == KEPT


def test_a_percentage_that_is_none_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    server = Server()
    ran = run(server, tmp_path, "objective", "set", "meters", "--percent", "often")
    assert ran.code == 2
    assert "99.95" in ran.err
    assert not server.asked
