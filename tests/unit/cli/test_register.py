"""carrier register, report baseline, and mappings of imports: what is sent, what is shown, what is refused."""

import csv
import io
import json
from pathlib import Path

from .fake import Server, run

ENTRY = {
    "account": "meridian", "carrier": "Meridian Roam", "kind": "reseller", "upstream": None, "breakout": ["DE"],
    "local_imsis": [], "plans": None, "fees": [{"name": "activation", "amount": "1.5", "currency": "EUR", "per": "SIM"}],
    "contacts": None, "notes": None, "source": None, "as_of": None, "countries_covered": 2,
    "contracts": [{"number": "C-1", "starts_on": None, "ends_on": "2026-05-31", "notice_days": 60, "committed_sims": None,
                   "commitment": None, "state": "notice_due", "days_left": 90, "notice_by": "2026-04-01"}],
    "unanswered": ["upstream", "plans", "contacts"], "version": 4, "updated_at": None, "updated_by": None, "age_s": None,
}  # fmt: skip
REPORT = {
    "at": "2026-03-02T08:00:00Z", "silent_days": 14, "notice_days": 90, "notice": "Not legal advice.",
    "sections": [{
        "key": "silent_sims", "title": "SIMs billed but silent", "more": 0, "note": "How it is judged.",
        "figures": [{"name": "active and silent", "value": None, "unit": "SIMs", "unknown": 3, "of": 4, "unknown_percent": 75,
                     "source": "files", "as_of": None, "age_s": None}],
        "findings": [{"code": "silent", "says": "=1 SIM is silent", "members": 1, "unit": "SIMs", "facts": {}, "unpriced": 1,
                      "monthly": {"EUR": "28.500000001"}, "link": {"screen": "connectivity", "query": "a=b",
                      "api": "/v1/subscriptions?a=b", "exact": True}}],
    }],
}  # fmt: skip


def test_a_record_is_shown_with_what_nobody_asked(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/carriers/meridian/register", ENTRY), tmp_path, "carrier", "register", "meridian")
    assert ran.code == 0
    for said in ("reseller", "activation 1.5 EUR per SIM", "in 90 days", "notice must be given by 2026-04-01",
                 "nobody asked yet: upstream, plans, contacts"):  # fmt: skip
        assert said in ran.out


def test_a_record_is_replaced_at_the_version_that_was_read(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("kind: reseller\nas_of: 2026-02-01\ncontracts:\n- {number: C-1, ends_on: 2026-05-31}\n")
    server = Server().on("GET /v1/carriers/meridian/register", ENTRY).on("PUT /v1/carriers/meridian/register", ENTRY)
    assert run(server, tmp_path, "carrier", "register", "meridian", "-f", str(file)).code == 0
    assert server.asked[-1].headers["If-Match"] == '"4"'
    assert server.sent() == {
        "kind": "reseller", "as_of": "2026-02-01", "contracts": [{"number": "C-1", "ends_on": "2026-05-31"}],
    }  # fmt: skip
    file.write_text("- a list")
    assert run(server, tmp_path, "carrier", "register", "meridian", "-f", str(file)).code == 2


def test_the_baseline_says_not_known_and_never_zero(tmp_path: Path) -> None:
    server = Server().on("GET /v1/reports/baseline", REPORT)
    ran = run(server, tmp_path, "report", "baseline", "--silent-days", "14")
    assert dict(server.asked[0].url.params) == {"silent_days": "14", "notice_days": "90"}
    for said in ("active and silent: not known", "unknown for 3 of 4", "28.50 EUR a month", "1 without a price"):
        assert said in ran.out
    for words in (("--format", "json"), ("--json",)):
        assert json.loads(run(server, tmp_path, "report", "baseline", *words).out) == REPORT


def test_the_baseline_as_rows_holds_no_formula(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/reports/baseline", REPORT), tmp_path, "report", "baseline", "--format", "csv")
    figure, finding = csv.DictReader(io.StringIO(ran.out))
    assert (figure["row"], figure["value"], figure["unknown"]) == ("figure", "", "3")
    assert (finding["says"], finding["monthly"]) == ("'=1 SIM is silent", "28.500000001 EUR")
    assert finding["list"] == "/v1/subscriptions?a=b"


def test_contracts_come_by_the_soonest_notice(tmp_path: Path) -> None:
    later = ENTRY | {
        "account": "sabia",
        "contracts": [ENTRY["contracts"][0] | {"number": "S", "notice_by": "2026-03-05"}],
    }
    ran = run(Server().on("GET /v1/register", [ENTRY, later]), tmp_path, "get", "contracts", "--json")
    assert [one["account"] for one in ran.json["items"]] == ["sabia", "meridian"]


def test_a_mapping_is_kept_once_and_used_by_its_source(tmp_path: Path) -> None:
    file, mapping = tmp_path / "sims.csv", tmp_path / "b.yaml"
    file.write_text("SIM-Nummer\n1\n")
    mapping.write_text("# ours\nsource: borealis  # theirs\nfiles: {}\n")
    report = {"kind": "sims", "applied": True, "rows": 0, "bad_rows": 0, "created": 0, "changed": 0, "unchanged": 0,
              "devices_touched": 0, "ignored_columns": [], "sha256": "", "faults": []}  # fmt: skip
    path = "/v1/imports/mappings/borealis"
    server = Server().on("GET /v1/imports/mappings", []).on(f"PUT {path}", {}).on("POST /v1/imports", report)
    assert run(server, tmp_path, "import", "sims", str(file), "--mapping", str(mapping)).code == 0
    assert [f"{one.method} {one.url.path}" for one in server.asked] == [
        "GET /v1/imports/mappings", f"PUT {path}", "POST /v1/imports",
    ]  # fmt: skip
    assert server.asked[-1].url.params["source"] == "borealis"
    kept = {"source": "borealis", "text": mapping.read_text(), "version": 3}
    server = Server().on("GET /v1/imports/mappings", [kept]).on("POST /v1/imports", report)
    assert run(server, tmp_path, "import", "sims", str(file), "--mapping", str(mapping)).code == 0
    assert [one.method for one in server.asked] == ["GET", "POST"], "the same is not kept again"
    server = Server().on("GET /v1/imports/mappings", [kept | {"text": "other"}]).on(f"PUT {path}", {})
    run(server.on("POST /v1/imports", report), tmp_path, "import", "sims", str(file), "--mapping", str(mapping))
    assert server.asked[1].headers["If-Match"] == '"3"'
    mapping.write_text("files: {}\n")
    assert run(server, tmp_path, "import", "sims", str(file), "--mapping", str(mapping)).code == 2
    both = run(server, tmp_path, "import", "sims", str(file), "--mapping", str(mapping), "--source", "borealis")
    assert both.code == 2
