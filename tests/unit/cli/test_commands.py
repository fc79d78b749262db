"""import, get, why, explain, journal, login, token, carrier, device and clock."""

import json
from pathlib import Path

import httpx
import pytest

from fairlead.model import lifecycle
from fairlead_cli import explaining, settings

from .fake import Server, problem, run

REPORT = {
    "kind": "devices", "applied": True, "rows": 3, "bad_rows": 1, "created": 2, "changed": 0, "unchanged": 0,
    "devices_touched": 2, "ignored_columns": ["Colour"], "sha256": "0" * 64,
    "faults": [{"line": 3, "column": "imei", "value": "123", "expected": "15 digits"}],
}  # fmt: skip


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "fleet.csv"
    file.write_text("name,imei\na,490154203237518\n")
    return file


def test_import_sends_the_file_itself_and_the_mapping(tmp_path: Path, csv: Path) -> None:
    server = Server().on("POST /v1/imports", REPORT)
    ran = run(server, tmp_path, "import", "devices", str(csv), "--map", "imei:IMEI", "--map", "name:Tag", "--partial")
    request = server.asked[0]
    assert request.content == csv.read_bytes()
    assert request.headers["Content-Type"] == "text/csv"
    assert request.url.params.get_list("map") == ["imei:IMEI", "name:Tag"]
    assert dict(request.url.params) | {"map": ""} == {
        "kind": "devices",
        "partial": "true",
        "map": "",
        "name": "fleet.csv",
    }
    assert all(word in ran.out for word in ("2 new", "1 row left out", "imei", "123", "15 digits", "Colour"))


def test_bad_rows_are_told_by_line_and_exit_1(tmp_path: Path, csv: Path) -> None:
    refused = problem(422, "bad-rows", "Rows of the file are bad; nothing was applied", errors=REPORT["faults"])
    ran = run(Server().on("POST /v1/imports", refused), tmp_path, "import", "devices", str(csv))
    assert ran.code == 1
    assert "line 3, imei" in ran.err
    assert "--partial" in ran.err


def test_a_large_file_is_a_job_that_is_waited_for(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"name\n" + b"a" * (1 << 20))
    job = {"id": "job_1", "kind": "import devices", "state": "running", "done": 0, "total": None, "result": None}
    looks = iter([job, job | {"done": 2}, job | {"state": "done", "result": REPORT}])
    server = Server().on("POST /v1/imports", (202, job)).on("GET /v1/jobs/job_1", lambda _: next(looks))
    ran = run(server, tmp_path, "import", "devices", str(large), "--json")
    assert server.asked[0].headers["Prefer"] == "respond-async"
    assert (ran.code, ran.json["created"]) == (0, 2)


def test_a_job_that_failed_shows_its_bad_rows(tmp_path: Path, csv: Path) -> None:
    job = {"id": "job_1", "kind": "import devices", "state": "failed", "done": 3, "total": 3, "attention": "1 row is bad",
           "result": {"faults": REPORT["faults"]}}  # fmt: skip
    server = Server().on("POST /v1/imports", (202, job | {"state": "running"})).on("GET /v1/jobs/job_1", job)
    ran = run(server, tmp_path, "import", "devices", str(csv))
    assert ran.code == 1
    assert all(word in ran.err for word in ("1 row is bad", "line 3", "15 digits"))


def test_there_must_be_a_file(tmp_path: Path) -> None:
    assert run(Server(), tmp_path, "import", "devices", str(tmp_path / "none.csv")).code == 2


DEVICE = {
    "id": "dev_1", "name": "trk-1", "serial": None, "imei": "490154203237518", "eid": None, "mac": None, "sku": "TRK",
    "region": None, "group": "trucks", "batch": None, "tags": [], "state": "active", "has_secret": True,
    "facts": {"country": "BR", "plmn": "724-05", "carrier": "meridian", "law_stance": "prohibited", "days_used": 41,
              "law_confidence": "high", "breach_at": None, "roaming": True, "connectivity": "online", "contact_age_s": 90},
    "cards": [], "profiles": [], "subscriptions": [], "facets": [], "sessions": [], "presence": [],
    "clocks": [{"rule": "br-permanent-roaming", "topic": "permanent_roaming", "days_used": 41, "days_left": 0,
                "breach_at": "2026-01-21T00:00:00Z", "started_at": None}],
}  # fmt: skip
WHY = {
    "device": "dev_1", "class": 3, "held_out": False,
    "in_force": [{"policy": "brazil-local", "revision": 2, "priority": 200, "match": 'country == "BR"',
                  "until": 'country != "BR"', "reason": "the law"}],
    "values": {"config": {"document": {"report_interval_s": 900}, "reasons": {"/report_interval_s": [
        {"policy": "brazil-local", "revision": 2, "priority": 200, "reason": "the law", "value": 900, "removed": False},
        {"policy": "global", "revision": 1, "priority": 10, "reason": "", "value": 300, "removed": False}]}}},
    "facets": [{"facet": "config", "desired": {"report_interval_s": 900}, "verified": {"report_interval_s": 300},
                "reported": None, "generation": 2, "offered_generation": 2, "observed_generation": 1, "in_sync": False}],
    "exceptions": [{"policy": "turkiye", "why": "barred by a rollback", "change": "chg_9", "since": "2026-03-02T08:00:00Z"}],
    "moves": [],
}  # fmt: skip


def test_why_shows_who_holds_each_value_and_what_it_overrode(tmp_path: Path) -> None:
    server = Server().on("GET /v1/devices/trk-1/why", WHY).on("GET /v1/devices/trk-1", DEVICE)
    flat = " ".join(run(server, tmp_path, "why", "trk-1").out.split())
    for said in (
        'brazil-local@2 priority 200 since it holds that country == "BR"', 'until country != "BR"',
        "turkiye: barred by a rollback in chg_9", "config not in sync desired 2, offered 2, observed 1",
        "/report_interval_s = 900 brazil-local@2", "over 300 of global@1, priority 10", 'verified {"report_interval_s": 300}',
        "BR: prohibited, high confidence (not legal advice)", "br-permanent-roaming",
    ):  # fmt: skip
        assert said in flat, said
    assert run(server, tmp_path, "why", "trk-1", "--json").json == WHY


def test_get_device_shows_it_whole(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/devices/trk-1", DEVICE), tmp_path, "get", "device", "trk-1")
    flat = " ".join(ran.out.split())
    assert "place BR 724-05" in flat
    assert "41" in ran.out
    assert "serial" not in ran.out, "what is absent is left out"


def test_clocks_are_asked_for_by_the_house_clock(tmp_path: Path) -> None:
    server = (
        Server()
        .on("GET /v1/clock", {"now": "2026-03-02T08:00:00+00:00"})
        .on("GET /v1/devices", {"items": [DEVICE], "next": None})
    )
    run(server, tmp_path, "get", "clocks", "--within", "30d")
    assert server.asked[-1].url.params["breach_before"] == "2026-04-01T08:00:00+00:00"
    assert run(server, tmp_path, "get", "clocks", "--within", "soon").code == 2


def test_forecast_adds_up_weeks_and_prints_its_assumption(tmp_path: Path) -> None:
    weeks = [{"week": "2026-03-09", "country": c, "devices": n} for c, n in (("TR", 3), ("BR", 1))]
    body = {"now": "2026-03-02T08:00:00Z", "until": "2026-06-01T08:00:00Z", "assumption": "all stay", "total": 4,
            "weeks": weeks, "notice": "Not legal advice."}  # fmt: skip
    ran = run(Server().on("GET /v1/forecast", body), tmp_path, "get", "forecast")
    assert all(
        word in ran.out for word in ("4 devices", "TR 3, BR 1", "████████████████", "all stay", "Not legal advice")
    )


def test_states_are_the_servers_own_tables() -> None:
    tables = {"change": lifecycle.CHANGE, "batch": lifecycle.BATCH, "move": lifecycle.MOVE,
              "operation": lifecycle.OPERATION, "bulk": lifecycle.BULK, "shipment": lifecycle.SHIPMENT,
              "device": lifecycle.DEVICE, "finding": lifecycle.FINDING, "hold": lifecycle.HOLD}  # fmt: skip
    for noun, table in tables.items():
        said = {lifecycle.name(state): {lifecycle.name(s) for s in following} for state, following in table.items()}
        assert {state: set(following) for state, following in explaining.STATES[noun].items()} == said, (
            f"{noun}: bring STATES in fairlead_cli/explaining.py up to date"
        )


def test_an_expression_is_checked_by_the_server_and_its_facts_named(tmp_path: Path) -> None:
    fact = {
        "context": "device",
        "type": "int",
        "unit": "days",
        "doc": "left",
        "source": "",
        "freshness": "",
        "values": [],
    }
    facts = [fact | {"name": name} for name in ("country", "roaming", 'clock("permanent-roaming").days_left')]
    server = (
        Server().on("GET /v1/facts", facts).on("POST /v1/policies/check", {"ok": True, "resources": [], "errors": []})
    )
    text = "country == 'roaming' && clock('permanent-roaming').days_left <= 3"
    found = run(server, tmp_path, "explain", "expression", text, "--json").json
    assert [one["name"] for one in found["facts"]] == ["country", 'clock("permanent-roaming").days_left']
    assert "match: 'country == ''roaming''" in server.sent(0)["files"][0]["text"]
    bad = {"ok": False, "resources": [], "errors": [{"value": "contry", "expected": "did you mean `country`?"}]}
    ran = run(Server().on("POST /v1/policies/check", bad), tmp_path, "explain", "expression", "contry")
    assert ran.code == 1
    assert "did you mean `country`?" in ran.err


def test_an_unknown_fact_is_3_with_its_neighbours(tmp_path: Path) -> None:
    ran = run(Server().on("GET /v1/facts", [{"name": "days_used"}]), tmp_path, "explain", "facts", "days_use")
    assert ran.code == 3
    assert "days_used" in ran.err


def test_verify_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_text("{}\n")
    ran = run(Server(), tmp_path, "journal", "verify", str(file), "--json")
    assert (ran.code, ran.json["verdict"]) == (1, "tampered")
    assert run(Server(), tmp_path, "journal", "verify").code == 2
    assert run(Server(), tmp_path, "journal", "verify", str(tmp_path / "none")).code == 3
    assert run(Server(), tmp_path, "journal", "verify", str(file), "--key", "xyz").code == 2


def test_an_export_goes_to_a_file(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=iter([b"line 1\nli", b"ne 2\n"]))

    file = tmp_path / "out.jsonl"
    assert run(answer, tmp_path, "journal", "export", "-o", str(file), "--json").json["bytes"] == 14
    assert file.read_bytes() == b"line 1\nline 2\n"


WHO = {"principal": "usr_1", "name": "Ada", "roles": ["owner"], "departments": [], "csrf": "c5rf", "permissions": []}


def test_login_redeems_the_code_and_keeps_a_token(tmp_path: Path) -> None:
    def setup(request: httpx.Request) -> tuple[int, object]:
        assert "Authorization" not in request.headers
        return 201, WHO

    server = Server().on("POST /v1/setup", setup).on("POST /v1/session/token", (201, {"token": "flt_new"}))
    words = ("login", "--setup-code", "flc_1", "--name", "Ada", "--email", "ada@x.example", "--password-stdin")
    ran = run(server, tmp_path, *words, given="pass word\n")
    assert ran.code == 0
    assert server.sent(0) == {"code": "flc_1", "name": "Ada", "email": "ada@x.example", "password": "pass word"}
    assert server.asked[1].headers["X-CSRF-Token"] == "c5rf"
    assert (server.sent(1)["expires_at"], set(server.sent(1))) == (None, {"name", "expires_at"})
    kept = settings.resolve(url=None, token=None, env={"HOME": str(tmp_path)})
    assert (kept.url, kept.token) == ("http://server.test", "flt_new")
    assert "flt_new" not in ran.out + ran.err
    assert "pass word" not in ran.out + ran.err


def test_logout_gives_the_token_back_and_forgets_it(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    settings.keep(home, "http://other.test", "flt_other")
    settings.keep(home, "http://server.test", "flt_kept")
    server = Server().on("DELETE /v1/session/token", (204, None))
    assert run(server, tmp_path, "logout").code == 0
    assert server.asked[0].headers["Authorization"].startswith("Bearer flt_")
    assert settings.resolve(url="http://server.test", token=None, env=home).token is None
    assert settings.resolve(url="http://other.test", token=None, env=home).token == "flt_other"


def test_login_needs_to_know_who(tmp_path: Path) -> None:
    assert run(Server(), tmp_path, "login").code == 2
    words = ("login", "--tenant", "home", "--email", "a@x.example", "--password-stdin")
    assert run(Server(), tmp_path, *words, given="\n").code == 2
    refused = Server().on("POST /v1/session", problem(401, "sign-in-refused", "Not signed in"))
    assert run(refused, tmp_path, *words, given="wrong\n").code == 6
    assert not settings.file_of({"HOME": str(tmp_path)}).exists()


def test_secrets_of_carriers_do_not_come_by_the_command_line(tmp_path: Path) -> None:
    words = ("carrier", "add", "sabia", "--carrier", "Sabiá", "--connector", "soracom", "--config", "base_url=http://x")
    server = Server().on("POST /v1/carriers", (201, {"name": "sabia", "carrier": "Sabiá", "connector": "soracom"}))
    refused = run(server, tmp_path, *words, "--credential", "auth_key=hunter2")
    assert refused.code == 2
    assert "does not belong on the command line" in refused.err
    assert "hunter2" not in refused.err
    assert server.asked == []
    (tmp_path / "key").write_text("from a file\n")
    ran = run(
        server, tmp_path, *words, "--credential", f"auth_key=@{tmp_path / 'key'}", "--credential", "auth_key_id=env:ID",
        ID="from the environment",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert server.sent()["credential"] == {"auth_key": "from a file", "auth_key_id": "from the environment"}
    assert server.sent()["config"] == {"base_url": "http://x"}


@pytest.mark.parametrize(("failure", "code"), [(None, 0), ("no route", 1)])
def test_carrier_check_finds_what_fails(tmp_path: Path, failure: str | None, code: int) -> None:
    account = {"name": "sabia", "carrier": "Sabiá", "connector": "soracom", "has_credential": True, "config": {},
               "failing_since": failure and "2026-03-02T08:00:00Z", "failure": failure, "staleness_s": 60,
               "swept_at": "2026-03-02T08:00:00Z"}  # fmt: skip
    ran = run(Server().on("GET /v1/carriers/sabia", account), tmp_path, "carrier", "check", "sabia")
    assert ran.code == code
    assert (failure or "nothing is wrong") in ran.out


@pytest.mark.parametrize(
    ("wait", "comes", "asked", "code"),
    [("5s", 3, 3, 0), ("2s", 9, 3, 1), ("5s", None, 2, 1)],  # it comes in time; it does not; it fails meanwhile
)
def test_carrier_check_waits_for_the_first_complete_reading(
    tmp_path: Path, wait: str, comes: int | None, asked: int, code: int
) -> None:
    account = {"name": "sabia", "carrier": "Sabiá", "connector": "soracom", "has_credential": True, "config": {},
               "failing_since": None, "failure": None, "staleness_s": 60, "swept_at": None}  # fmt: skip

    def answer(_: httpx.Request) -> dict[str, object]:
        if comes is None and len(server.asked) > 1:
            return account | {"failing_since": "2026-03-02T08:00:00Z", "failure": "no route"}
        ready = comes is not None and len(server.asked) >= comes
        return account | {"swept_at": "2026-03-02T08:00:00Z" if ready else None}

    server = Server().on("GET /v1/carriers/sabia", answer)
    assert run(server, tmp_path, "carrier", "check", "sabia", "--wait", wait).code == code
    assert len(server.asked) == asked
    assert run(server, tmp_path, "carrier", "check", "sabia", "--wait", "soon").code == 2


def test_usage_is_imported_like_everything_else(tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    file.write_text("iccid,start,total\n", encoding="utf-8")
    server = Server()
    run(server, tmp_path, "import", "usage", str(file))
    assert server.asked[-1].url.params["kind"] == "usage"


def test_carriers_say_until_when_they_are_left_in_peace_and_why(tmp_path: Path) -> None:
    paused = {"name": "sabia", "carrier": "Sabiá", "connector": "soracom", "paused_until": "2026-03-02T08:00:40Z",
              "paused_because": "rate_limited"}  # fmt: skip
    calm = paused | {"name": "calm", "paused_until": None, "paused_because": None}
    server = Server().on("GET /v1/carriers", [paused, calm])
    said = " ".join(run(server, tmp_path, "get", "carriers").out.split())
    assert said.count("until 2026-03-02 08:00Z: rate limited") == 1


def test_connectors_say_what_an_account_of_each_is_asked_for(tmp_path: Path) -> None:
    soracom = {"id": "soracom", "name": "Soracom Air", "experimental": False, "tier": "bronze", "base_url": "https://x",
               "credential_fields": ["auth_key_id", "auth_key"], "credential_optional": [], "required_settings": []}  # fmt: skip
    thing = soracom | {"id": "thingspace", "name": "ThingSpace", "experimental": True, "credential_fields": ["app_key"],
                       "required_settings": ["account_name"]}  # fmt: skip
    said = " ".join(run(Server().on("GET /v1/connectors", [soracom, thing]), tmp_path, "get", "connectors").out.split())
    assert "soracom Soracom Air bronze auth_key_id, auth_key –" in said
    assert "thingspace ThingSpace (experimental) bronze app_key account_name" in said


def test_secrets_of_devices_are_a_line_each_or_revoked(tmp_path: Path) -> None:
    server = Server()
    for name in ("a", "b"):
        made = {"username": f"home/{name}", "client_id": f"home/{name}", "password": "p"}
        server.on(f"POST /v1/devices/{name}/credential", (201, made)).on(
            f"DELETE /v1/devices/{name}/credential", (204, None)
        )
    lines = run(server, tmp_path, "device", "credential", "a", "b", "--jsonl").out.splitlines()
    assert [json.loads(line)["username"] for line in lines] == ["home/a", "home/b"]
    assert "can no longer sign in" in run(server, tmp_path, "device", "credential", "a", "--revoke").out


def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    made = {"id": "tok_1", "token": "flt_once", "roles": ["auditor"], "name": "export"}
    server = Server().on("POST /v1/tokens", (201, made)).on("DELETE /v1/tokens/tok_1", (204, None))
    ran = run(server, tmp_path, "token", "create", "export", "--role", "auditor", "--lasts", "30d")
    assert ran.out == "flt_once\n", "nothing but the token, so that it can be piped"
    assert server.sent()["expires_at"] is not None
    assert run(server, tmp_path, "token", "revoke", "tok_1", "--json").json == {"id": "tok_1", "revoked": True}


def test_a_person_is_made_and_invited_in_one_go(tmp_path: Path) -> None:
    made = {"id": "usr_2", "name": "Grace", "roles": ["approver"], "version": 3}
    server = (
        Server()
        .on("POST /v1/principals", (201, made))
        .on("POST /v1/principals/usr_2/invitation", (201, {"code": "flc_x"}))
        .on("GET /v1/principals/usr_2", made)
        .on("DELETE /v1/principals/usr_2", (204, None))
    )
    ran = run(server, tmp_path, "person", "add", "Grace", "--email", "g@x.example", "--role", "approver")
    assert "fairlead login --url http://server.test --setup-code flc_x" in ran.out
    assert server.sent(0)["roles"] == ["approver"]
    assert run(server, tmp_path, "person", "remove", "usr_2").code == 2, "there is nobody to agree"
    assert run(server, tmp_path, "person", "remove", "usr_2", "--yes").code == 0
    assert server.asked[-1].headers["If-Match"] == '"3"'


def test_an_edit_sends_what_was_said_and_the_version_it_was_made_from(tmp_path: Path) -> None:
    server = Server().on("GET /v1/devices/trk-1", DEVICE | {"version": 7})
    server.on("PATCH /v1/devices/trk-1", DEVICE | {"version": 8, "group": "cars", "sku": None})
    ran = run(server, tmp_path, "device", "edit", "trk-1", "--group", "cars", "--sku", "")
    assert server.sent() == {"group": "cars", "sku": None}
    assert server.asked[-1].headers["If-Match"] == '"7"'
    assert "trucks → cars" in ran.out
    assert run(server, tmp_path, "device", "edit", "trk-1").code == 2
    moved = Server().on("GET /v1/devices/trk-1", DEVICE | {"version": 7})
    moved.on("PATCH /v1/devices/trk-1", problem(412, "moved-on", "This device was edited meanwhile"))
    assert run(moved, tmp_path, "device", "edit", "trk-1", "--group", "cars").code == 4


def test_bars_are_lifted_by_hand(tmp_path: Path) -> None:
    server = Server().on("POST /v1/policies/Policy/brazil-local/lift-bars", {"lifted": 2})
    assert "2 bars lifted" in run(server, tmp_path, "device", "unbar", "brazil-local", "a", "b").out
    assert server.sent() == {"devices": ["a", "b"]}


def test_the_clock_says_when_its_rate_is_held(tmp_path: Path) -> None:
    clock = {"now": "2026-03-02T08:00:00Z", "rate": 60.0, "wanted": 3600.0, "epoch": None, "lab": True}
    ran = run(Server().on("PUT /v1/clock", clock), tmp_path, "clock", "set", "3600")
    assert "at rate 60 (3600 was asked for" in ran.out


@pytest.mark.parametrize(("verdict", "code"), [("ok", 0), ("tampered", 1), ("tail_not_proven", 2)])
def test_the_server_is_asked_to_look_at_its_journal_itself(tmp_path: Path, verdict: str, code: int) -> None:
    found = {"verdict": verdict, "detail": f"{verdict}: 4 lines", "note": "no proof", "lines": 4}
    server = Server().on("POST /v1/journal/verify", found)
    ran = run(server, tmp_path, "journal", "verify", "--by-server")
    assert (ran.code, f"{verdict}: 4 lines" in ran.out, "no proof" in ran.err) == (code, True, True)
    job = {"id": "job_1", "kind": "verify journal", "state": "running", "done": 0, "total": 9, "result": None}
    server = Server().on("POST /v1/journal/verify", (202, job))
    server.on("GET /v1/jobs/job_1", job | {"state": "done", "result": found})
    ran = run(server, tmp_path, "journal", "verify", "--by-server", "--json")
    assert (ran.code, ran.json) == (code, found)
    assert run(Server(), tmp_path, "journal", "verify", "--by-server", "--server").code == 2


def test_a_timeline_says_what_happened_and_where_older_things_are(tmp_path: Path) -> None:
    story = {
        "items": [{
            "id": "op_1:sent", "at": "2026-03-01T12:00:00Z", "kind": "config", "title": "Offered config, generation 3",
            "source": "fairlead", "detail": {}, "change": "chg_1", "policies": ["often@2"], "operation": "op_1",
            "cause": "move:chg_1:0",
        }],
        "next": "2026-03-01T12:00:00Z", "left_out": ["people"],
    }  # fmt: skip
    server = Server().on("GET /v1/devices/trk-1/timeline", story)
    ran = run(server, tmp_path, "get", "device", "trk-1", "--timeline", "--kinds", "config", "--limit", "900")
    assert dict(server.asked[0].url.params) == {"kinds": "config", "limit": "500"}
    assert all(word in ran.out for word in ("Offered config, generation 3", "--before 2026-03-01T12:00:00Z", "people"))


def test_layers_say_what_is_missing_and_what_to_expect(tmp_path: Path) -> None:
    found = {
        "device": "dev_1", "source": "An article", "source_date": "2026-11-20",
        "layers": [{
            "name": "Bootstrap identity", "task": "Trust", "present": "no", "failure": "Nobody can say whose it is",
            "objects": [{"name": "serial", "present": "no", "value": None, "why": "the inventory has none"}],
        }],
    }  # fmt: skip
    ran = run(Server().on("GET /v1/devices/trk-1/layers", found), tmp_path, "get", "device", "trk-1", "--layers")
    assert all(w in ran.out for w in ("Bootstrap identity", "serial", "the inventory has none", "Nobody can say"))


def test_a_count_says_when_it_is_only_a_lower_bound(tmp_path: Path) -> None:
    found = {
        "devices": 8_192,
        "exact": False,
        "age_s": 0,
        "how": "at_least",
        "by": {"sku": [{"value": None, "devices": 8_192}]},
    }
    server = Server().on("GET /v1/devices/facets", found)
    ran = run(server, tmp_path, "get", "devices", "--country", "br", "--by", "sku")
    assert dict(server.asked[0].url.params) == {"country": "BR", "by": "sku"}
    assert "at least 8,192 devices" in ran.out
    assert "unknown 8,192" in ran.out
    counted = {"devices": 7, "exact": True, "age_s": 60, "how": "counted"}
    assert (
        "7 devices, counted 1m ago"
        in run(Server().on("GET /v1/devices/count", counted), tmp_path, "get", "devices", "--count").out
    )
    assert run(Server(), tmp_path, "get", "devices", "--count", "--q", "8944").code == 2


def test_home_says_what_is_not_known(tmp_path: Path) -> None:
    fine = {
        "state": "ok",
        "sentence": "Nothing that we know of.",
        "age_s": 12,
        "headline": {"value": 0, "unit": "things"},
    }
    page = dict.fromkeys(("online", "broken", "illegal_soon", "changing", "ready_to_scale"), fine)
    page["ready_to_scale"] = fine | {"state": "not_built", "sentence": "Not built yet.", "age_s": None}
    page["cost"] = fine | {"sentence": "Monthly fees.", "headline": {"value": "125.5", "unit": "EUR"}}
    server = Server().on("GET /v1/home", page)
    out = " ".join(run(server, tmp_path, "home").out.split())
    assert "Who is online? ok Nothing that we know of. 12s" in out
    assert "125.5 EUR. Monthly fees." in out
    assert "not built Not built yet. –" in out
    assert run(server, tmp_path, "home", "--json").json == page


ESEYE = {"name": "eseye-eu", "carrier": "Eseye", "connector": "file", "has_credential": False, "version": 4,
         "config": {"files": {"folder": "eseye"}, "old": 1}, "failing_since": None, "failure": None,
         "staleness_s": 60, "swept_at": "2026-03-02T08:00:00Z"}  # fmt: skip


def test_a_carriers_settings_come_from_a_yaml_file(tmp_path: Path) -> None:
    file = tmp_path / "eseye.yaml"
    file.write_text('files:\n  folder: eseye\n  inventory: {states: {"Off": deactivated, On: active}}\nwrites: x\n')
    server = Server().on("POST /v1/carriers", (201, ESEYE))
    words = ("carrier", "add", "eseye-eu", "--carrier", "Eseye", "--connector", "file", "--config-file")
    ran = run(server, tmp_path, *words, str(file), "--config", "writes=allowed")
    assert ran.code == 0, ran.err
    states = {"Off": "deactivated", "On": "active"}  # words of theirs, not truth values
    assert server.sent()["config"] == {
        "files": {"folder": "eseye", "inventory": {"states": states}},
        "writes": "allowed",
    }
    for text in ("files: [", "- a list", "at: 2026-03-01"):
        file.write_text(text)
        ran = run(Server(), tmp_path, *words, str(file))
        assert ran.code == 2
        assert "eseye.yaml" in ran.err


def test_a_carriers_settings_are_edited_by_name(tmp_path: Path) -> None:
    server = Server().on("GET /v1/carriers/eseye-eu", ESEYE).on("PATCH /v1/carriers/eseye-eu", ESEYE | {"version": 5})
    ran = run(server, tmp_path, "carrier", "edit", "eseye-eu", "--config", "writes=allowed", "--config", "old=")
    assert ran.code == 0, ran.err
    assert server.sent() == {"config": {"files": {"folder": "eseye"}, "writes": "allowed"}}
    assert server.asked[-1].headers["If-Match"] == '"4"'
    assert run(server, tmp_path, "carrier", "edit", "eseye-eu").code == 2


@pytest.mark.parametrize(("fields", "code"), [([], 0), (["key"], 1)])
def test_only_a_connector_that_asks_for_a_credential_misses_one(tmp_path: Path, fields: list[str], code: int) -> None:
    server = Server().on("GET /v1/carriers/eseye-eu", ESEYE)
    server.on("GET /v1/connectors", [{"id": "file", "credential_fields": fields}])
    assert run(server, tmp_path, "carrier", "check", "eseye-eu").code == code


def test_a_carriers_address_is_made_shown_and_taken_away(tmp_path: Path) -> None:
    url = "https://fairlead.example/v1/hooks/flh_abc"
    server = Server().on("POST /v1/carriers/sabia/hook", {"url": url, "replaced": True})
    server.on("DELETE /v1/carriers/sabia/hook", (204, None))
    made = run(server, tmp_path, "carrier", "hook", "sabia")
    assert made.code == 0
    assert url in made.out
    assert "the address before it has ended" in made.out + made.err
    assert json.loads(run(server, tmp_path, "carrier", "hook", "sabia", "--json").out)["url"] == url
    gone = run(server, tmp_path, "carrier", "hook", "sabia", "--remove")
    assert (gone.code, server.asked[-1].method) == (0, "DELETE")


def test_carrier_check_tells_of_the_webhook(tmp_path: Path) -> None:
    hook = {"made_at": "2026-03-01T12:00:00Z", "heard_at": None, "heard": 0, "repeated": 0, "refused": 7}
    account = {
        "name": "sabia", "carrier": "Sabiá", "connector": "none", "has_credential": False, "swept_at": None,
        "failing_since": None, "staleness_s": 0, "config": {}, "paused_until": None, "hook": hook,
    }  # fmt: skip
    ran = run(Server().on("GET /v1/carriers/sabia", account), tmp_path, "carrier", "check", "sabia")
    assert "nothing heard yet, 0 events, 7 refused" in ran.out
