"""What is refused at the door: each with a typed problem that names the field, and nothing changed."""

import asyncio
import json

import pytest

from fairlead.connectors.soracom.connector import MANIFEST
from fairlead.engine.carriers import Carriers
from fairlead.wiring.house import CONNECTORS

CSV = {"content-type": "text/csv"}
GOOD_IMEI = "490154203237518"


async def nothing_there(api) -> bool:
    async with api.database.tenant(api.tenant) as conn:
        row = await (
            await conn.execute(
                "select (select count(*) from device) + (select count(*) from journal) + (select count(*) from dirty)"
            )
        ).fetchone()
    return row[0] == 0


def problem(response, status, kind):
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body = response.json()
    assert body["type"] == f"/problems/{kind}", body
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def test_without_a_known_token_nothing_answers(api):
    for token in (None, "nobody", "owner-of-nothing"):
        refused = await api.client(token).get("/v1/devices")
        problem(refused, 401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    basic = await api.client(None).get("/v1/devices", headers={"authorization": "Basic b3duZXI6"})
    problem(basic, 401, "unauthenticated")


async def test_a_browser_session_must_show_that_a_page_of_ours_writes(api):
    client = api.client(None)
    client.cookies.set("fairlead_session", "owner")
    assert (await client.get("/v1/devices")).status_code == 200
    problem(await client.post("/v1/carriers", json={"name": "a", "carrier": "A"}), 401, "unauthenticated")
    assert (
        await client.post("/v1/carriers", json={"name": "a", "carrier": "A"}, headers={"x-csrf-token": "csrf"})
    ).status_code == 201


async def test_a_role_without_the_permission_is_told_which_one_is_missing(api):
    body = problem(
        await api.client("finance").post("/v1/imports?kind=devices", content="name\na\n", headers=CSV), 403, "forbidden"
    )
    assert "imports.apply" in body["detail"]
    assert await nothing_there(api)


async def test_unknown_paths_methods_and_media_are_problems(api):
    owner = api.client()
    problem(await owner.get("/v1/nothing"), 404, "not-found")
    problem(await owner.delete("/v1/devices"), 405, "method-not-allowed")
    problem(
        await owner.post("/v1/imports?kind=devices", content="{}", headers={"content-type": "application/json"}),
        415,
        "not-csv",
    )
    problem(await owner.get("/v1/devices/no-such-device"), 404, "unknown-device")
    problem(await owner.get("/v1/devices?q=" + "x" * 9000), 414, "uri-too-long")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"country": "Brazil"}, "country"),
        ({"state": "lost"}, "state"),
        ({"breach_before": "2026-01-01T00:00:00"}, "breach_before"),
        ({"breach_before": "soon"}, "breach_before"),
        ({"cursor": "garbage"}, "cursor"),
        ({"cursor": "WzEsMl0"}, "cursor"),
        ({"cursor": "WzAsIngiLCJ5Il0"}, "cursor"),
        ({"cursor": "WzAsbnVsbCwieSJd"}, "cursor"),
        ({"q": "two words"}, "q"),
        ({"q": "é"}, "q"),
    ],
)
async def test_a_bad_parameter_is_named(api, params, field):
    body = problem(await api.client().get("/v1/devices", params=params), 422, "invalid")
    assert field in [error["pointer"] for error in body["errors"]]
    assert all(error["expected"] for error in body["errors"])


@pytest.mark.parametrize(
    ("path", "cursor"),
    [
        ("/v1/changes", "WyJ4Il0"),  # ["x"]
        ("/v1/changes", "WzFd"),  # [1]
        ("/v1/plans", "WyJ4Il0"),
        ("/v1/operations", "WyJ4Il0"),
        ("/v1/changes/chg_06e1x3c0000000000000000000/moves", "WyJ4IiwxXQ"),  # ["x",1]
        (
            "/v1/changes/chg_06e1x3c0000000000000000000/moves",
            "WyIwMWEwNWI4ZS03NTNlLTc2YTgtOWJiOS1hODBkNzFiYWZmYzUiLDk5OTk5OTk5OTldCg",  # a wave too far
        ),
    ],
)
async def test_a_cursor_that_is_no_id_is_named(api, path, cursor):
    body = problem(await api.client().get(path, params={"cursor": cursor}), 422, "invalid")
    assert [error["pointer"] for error in body["errors"]] == ["cursor"]


async def test_json_is_bounded_in_size_depth_and_strict(api):
    owner = api.client()

    async def post(content: bytes):
        return await owner.post("/v1/carriers", content=content, headers={"content-type": "application/json"})

    deep = b'{"name":"a","carrier":"A","config":{"x":' + b"[" * 40 + b"]" * 40 + b"}}"
    problem(await post(deep), 400, "json-too-deep")
    brackets_in_text = json.dumps({"name": "b", "carrier": "[[[[" * 30, "config": {"x": '\\"[[[[[['}}).encode()
    assert (await post(brackets_in_text)).status_code == 201
    problem(await post(b'{"name":"a","carrier":"A","config":{"x":NaN}}'), 400, "malformed-json")
    problem(await post(b'{"name":"a","name":"b","carrier":"A"}'), 400, "malformed-json")
    problem(await post(b'{"name":'), 400, "malformed-json")
    problem(await post(b'{"name":"\xff"}'), 400, "malformed-json")
    problem(await post(b'{"name":"' + b"x" * (1 << 20) + b'"}'), 413, "too-large")
    body = problem(await post(b'{"name":"Not A Label","carrier":"A","colour":1}'), 422, "invalid")
    assert {error["pointer"] for error in body["errors"]} == {"/name", "/colour"}
    body = problem(await post(b'{"name":"c","carrier":"A","connector":"nobody"}'), 422, "invalid")
    assert body["errors"][0]["pointer"] == "/connector"
    body = problem(await post(b'{"name":"c","carrier":"A","home_country":"XX"}'), 422, "invalid")
    assert body["errors"][0]["pointer"] == "/home_country"


async def test_a_length_that_lies_is_refused(api):
    async def body():
        for _ in range(9):
            yield b"x" * (1 << 20)

    problem(await api.client().post("/v1/imports?kind=devices", content=body(), headers=CSV), 413, "too-large")
    assert await nothing_there(api)


def identity(number: int, name: str = "") -> str:
    from fairlead.model.identifiers import luhn_digit

    bare = f"35{number:012d}"
    return f"{name or f'trk-{number:05d}'},{bare}{luhn_digit(bare)}"


async def test_three_bad_rows_in_ten_thousand_change_nothing_and_are_all_named(api):
    rows = [identity(n) for n in range(10_000)]
    rows[99] = "trk-00099,490154203237519"  # wrong check digit
    rows[4_999] = "not a name," + identity(4_999).partition(",")[2]
    rows[9_999] = identity(1, "trk-09999")  # somebody else's IMEI
    body = "name,imei\n" + "\n".join(rows) + "\n"
    refused = problem(await api.client().post("/v1/imports?kind=devices", content=body, headers=CSV), 422, "bad-rows")
    assert [(e["line"], e["column"], e["value"]) for e in refused["errors"]] == [
        (101, "imei", "490154203237519"),
        (5_001, "name", "not a name"),
        (10_001, "imei", identity(1).partition(",")[2]),
    ]
    assert refused["bad_rows"] == 3
    assert refused["rows"] == 10_000
    assert await nothing_there(api)
    part = await api.client().post("/v1/imports?kind=devices&partial=true", content=body, headers=CSV)
    assert part.status_code == 200
    assert (part.json()["created"], part.json()["bad_rows"]) == (9_997, 3)


@pytest.mark.parametrize(
    ("content", "line", "column", "expected"),
    [
        (b"", 1, None, "header"),
        (b"nmae,imei\na,b\n", 1, "nmae", "did you mean name?"),
        (b"name,name\na,b\n", 1, "name", "once"),
        (b"name,imei\na\n", 2, None, "as in the header"),
        (b"name,imei\na,1,2\n", 2, None, "as in the header"),
        (b'name,sku\na,"open\nb,c\n', 2, None, "closed quotes"),
        (b'name,sku\na,"two\n"\nb,c\nbad name,d\n', 5, "name", "letters"),
        (b"name,sku\na,\xff\xfe\n", 1, None, "UTF-8"),
        (b"\xff\xfen\x00", 1, None, "UTF-8"),
        (b"PK\x03\x04....", 1, None, "CSV"),
        (b"name,imei\na,4.90154E+14\n", 2, "imei", "spreadsheet"),
        (b"name,eid\na,89049032123451234512345678901234\n", 2, "eid", "modulo 97"),
        (b"name,home_country\na,Brazil\n", 2, "home_country", "ISO 3166"),
        (b"name,state\na,lost\n", 2, "state", "one of"),
        (b"name,mac\na,02:00\n", 2, "mac", "MAC"),
        (b"name,sku\na,x\x00y\n", 2, "sku", "NUL"),
        (b"name,sku\na,x\na,y\n", 3, "name", "line 2"),
        (b"sku\nx\n", 2, "name", "at least one of"),
    ],
)
async def test_a_bad_file_names_line_column_and_what_was_expected(api, content, line, column, expected):
    refused = await api.client().post("/v1/imports?kind=devices", content=content, headers=CSV)
    assert refused.status_code == 422, refused.text
    fault = refused.json()["errors"][0]
    assert (fault.get("line"), fault.get("column")) == (line, column)
    assert expected in fault["expected"]
    assert await nothing_there(api)


async def test_sims_of_unknown_accounts_and_devices_are_refused(api):
    owner = api.client()
    body = "iccid,account,device\n8944500102198304826,nobody,\n"
    refused = await owner.post("/v1/imports?kind=sims", content=body, headers=CSV)
    assert refused.json()["errors"][0]["column"] == "account"
    await owner.post("/v1/carriers", json={"name": "one", "carrier": "One", "iccid_digits": 19})
    refused = await owner.post(
        "/v1/imports?kind=sims&account=one", content="iccid,device\n8944500102198304826,ghost\n", headers=CSV
    )
    assert [(e["column"], e["value"]) for e in refused.json()["errors"]] == [("device", "ghost")]
    refused = await owner.post("/v1/imports?kind=sims&account=one", content="iccid\n8944500102198304827\n", headers=CSV)
    assert "Luhn" in refused.json()["errors"][0]["expected"]


async def test_contradicting_places_are_refused(api):
    owner = api.client()
    await owner.post("/v1/imports?kind=devices", content="name\na\n", headers=CSV)
    for row, column in (
        ("a,BR,262-02,2026-01-01,2026-01-02", "country"),
        ("a,,,2026-01-01,2026-01-02", "country"),
        ("a,BR,,2026-01-02,2026-01-01", "last"),
        ("a,BR,,,2026-01-01", "first"),
        ("a,BR,,2031-01-01,2031-01-02", "first"),
        ("b,BR,,2026-01-01,2026-01-02", "device"),
    ):
        refused = await owner.post(
            "/v1/imports?kind=presence", content=f"device,country,plmn,first,last\n{row}\n", headers=CSV
        )
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["column"] == column, row
    async with api.database.tenant(api.tenant) as conn:
        assert (await (await conn.execute("select count(*) from presence")).fetchone())[0] == 0


async def test_foreign_files_are_read_through_a_mapping(api):
    owner = api.client()
    content = "\ufeffDevice ID;Serial No;IMEI Number;Colour\r\ntrk-1;A 1;490154203237518;red\r\n".encode()
    where = {"kind": "devices", "map": ["name:Device ID,serial:serial no", "imei:IMEI Number"]}
    done = await owner.post("/v1/imports", params=where, content=content, headers=CSV)
    assert done.status_code == 200, done.text
    assert done.json()["ignored_columns"] == ["Colour"]
    assert (await owner.get("/v1/devices/trk-1")).json()["serial"] == "A 1"
    wrong = await owner.post(
        "/v1/imports", params={"kind": "devices", "map": "name:Device"}, content=content, headers=CSV
    )
    assert "a column of the file" in wrong.json()["errors"][0]["expected"]
    wrong = await owner.post(
        "/v1/imports", params={"kind": "devices", "map": "colour:Colour"}, content=content, headers=CSV
    )
    assert "one of our columns" in wrong.json()["errors"][0]["expected"]


async def ended(client, started) -> dict:
    async with asyncio.timeout(30):
        while True:
            job = (await client.get(started.headers["location"])).json()
            if job["state"] != "running":
                return job
            await asyncio.sleep(0.02)


async def test_a_large_file_becomes_a_job(api):
    owner = api.client()
    body = "name,imei\n" + "\n".join(identity(n) for n in range(3_000)) + "\n"
    started = await owner.post("/v1/imports?kind=devices", content=body, headers=CSV | {"prefer": "respond-async"})
    assert started.status_code == 202
    assert started.headers["location"] == f"/v1/jobs/{started.json()['id']}"
    job = await ended(owner, started)
    assert job["state"] == "done", job
    assert job["result"]["created"] == 3_000
    assert job["done"] == 3_000
    bad = await owner.post(
        "/v1/imports?kind=devices", content=body + "bad name,1\n", headers=CSV | {"prefer": "respond-async"}
    )
    job = await ended(owner, bad)
    assert job["state"] == "failed"
    assert job["result"]["faults"][0]["line"] == 3_002
    assert len((await owner.get("/v1/jobs")).json()["items"]) == 2


async def test_a_repeated_request_is_answered_once(api):
    owner = api.client()
    key = {"idempotency-key": "one"}
    account = {"name": "one", "carrier": "One"}
    first = await owner.post("/v1/carriers", json=account, headers=key)
    again = await owner.post("/v1/carriers", json=account, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotent-replay"] == "true"
    problem(await owner.post("/v1/carriers", json=account | {"carrier": "Two"}, headers=key), 422, "key-reused")
    problem(await owner.post("/v1/carriers", json=account), 409, "name-taken")
    other = await api.client("operator").post("/v1/carriers", json={"name": "x", "carrier": "X"}, headers=key)
    assert other.status_code in {201, 403}  # another caller's key is another key
    problem(await owner.post("/v1/carriers", json=account, headers={"idempotency-key": "no spaces"}), 422, "invalid")
    problem(await owner.post("/v1/devices/x/credential", headers=key), 400, "not-repeatable")
    refused = await owner.post(
        "/v1/carriers", json={"name": "bad label!", "carrier": "X"}, headers={"idempotency-key": "two"}
    )
    assert refused.status_code == 422
    repeated = await owner.post(
        "/v1/carriers", json={"name": "bad label!", "carrier": "X"}, headers={"idempotency-key": "two"}
    )
    assert repeated.json() == refused.json()


async def test_two_at_once_with_one_key_do_the_work_once(api):
    owner = api.client()
    sent = [
        owner.post("/v1/carriers", json={"name": "one", "carrier": "One"}, headers={"idempotency-key": "k"})
        for _ in range(8)
    ]
    statuses = sorted(response.status_code for response in await asyncio.gather(*sent))
    assert set(statuses) <= {201, 409}
    assert len((await owner.get("/v1/carriers")).json()) == 1


async def test_a_carrier_credential_goes_in_and_never_comes_out(api):
    owner = api.client()
    made = await owner.post("/v1/carriers", json={"name": "one", "carrier": "One", "credential": {"key": "hunter2"}})
    assert made.status_code == 422  # no connector, no credential
    assert "hunter2" not in made.text
    fields = {name: f"hunter2-{name}" for name in MANIFEST.auth_fields}
    body = {"name": "one", "carrier": "One", "connector": MANIFEST.id, "credential": fields}
    missing = await owner.post("/v1/carriers", json=body | {"credential": {}})
    assert missing.json()["errors"][0]["pointer"] == "/credential"
    made = await owner.post("/v1/carriers", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["has_credential"] is True
    changed = await owner.patch(
        "/v1/carriers/one", json={"credential": fields, "staleness_s": 60}, headers={"if-match": made.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    assert "hunter2" not in made.text + changed.text + (await owner.get("/v1/carriers")).text
    async with api.database.tenant(api.tenant) as conn:
        account, sealed = await (await conn.execute("select id, credential from account")).fetchone()
        lines = await (await conn.execute("select payload from journal")).fetchall()
        kept = await (await conn.execute("select string_agg(body::text, '') from idempotency")).fetchone()
    assert b"hunter2" not in bytes(sealed)
    assert "hunter2" not in str(lines) + str(kept)
    opened = await api.services.of(Carriers).credential(api.tenant, account)
    assert {name: secret.reveal() for name, secret in opened.fields.items()} == fields


async def test_answers_carry_their_guards(api):
    answer = await api.client().get("/v1/clock")
    assert answer.json()["lab"] is True
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_the_clock_is_set_in_the_lab_by_those_who_may(api):
    problem(await api.client("auditor").put("/v1/clock", json={"rate": 60}), 403, "forbidden")
    problem(await api.client().put("/v1/clock", json={"rate": 0}), 422, "invalid")
    assert (await api.client().put("/v1/clock", json={"rate": 60})).json()["rate"] == 60
    async with api.database.tenant(api.tenant) as conn:
        lines = await (await conn.execute("select payload from journal where action = 'clock.changed'")).fetchall()
    assert [json.loads(line[0]) for line in lines] == [{"from": "1", "to": "60"}]
    assert (await api.client(None).get("/v1/clock")).json()["rate"] == 60


async def test_trouble_inside_is_not_told(api):
    async def fall(*_args, **_kwargs):
        raise RuntimeError("the password is hunter2")

    from fairlead.engine.fleet import Fleet

    fleet = api.services.of(Fleet)
    fleet.counts = fall
    body = problem(await api.client().get("/v1/counts"), 500, "internal")
    assert "hunter2" not in json.dumps(body)


async def test_health_is_told_to_those_who_ask(api):
    anybody = api.client(None)
    assert (await anybody.get("/healthz")).json()["ok"] is True
    assert (await anybody.get("/readyz")).status_code == 200
    await anybody.get("/v1/devices")
    figures = await anybody.get("/metrics")
    assert figures.status_code == 200
    assert 'fairlead_http_requests_total{method="GET",route="/v1/devices",status="401"}' in figures.text


MAPPING = {
    "folder": "eseye",
    "inventory": {"glob": "*.csv", "columns": {"iccid": "Card", "state": "Status"}, "states": {"Live": "active"}},
}


async def test_a_carriers_file_mapping_is_read_before_the_account_is_saved(api):
    owner = api.client()
    account = {"name": "eseye-eu", "carrier": "Eseye", "connector": "file"}
    for files, said in (
        (None, "files: missing"),
        (MAPPING | {"inventroy": {}}, "inventroy"),
        (MAPPING | {"folder": "../other"}, "files.folder"),
    ):
        refused = await owner.post("/v1/carriers", json=account | {"config": {"files": files} if files else {}})
        fault = problem(refused, 422, "invalid")["errors"][0]
        assert fault["pointer"] == "/config"
        assert said in fault["expected"]
    made = await owner.post("/v1/carriers", json=account | {"config": {"files": MAPPING}})
    assert made.status_code == 201, made.text
    match = {"if-match": made.headers["etag"]}
    broken = await owner.patch("/v1/carriers/eseye-eu", json={"config": {"files": {}}}, headers=match)
    assert "files" in problem(broken, 422, "invalid")["errors"][0]["expected"]


async def test_leave_to_write_is_given_by_name_and_journalled_both_ways(api):
    owner = api.client()
    account = {"name": "eseye-eu", "carrier": "Eseye", "connector": "file", "config": {"files": MAPPING}}
    odd = await owner.post("/v1/carriers", json=account | {"config": account["config"] | {"writes": True}})
    assert "allowed" in problem(odd, 422, "invalid")["errors"][0]["expected"]
    made = await owner.post("/v1/carriers", json=account)
    assert made.status_code == 201, made.text
    etag = made.headers["etag"]
    for config in (
        account["config"] | {"writes": "allowed"},
        account["config"] | {"writes": "allowed", "x": 1},
        account["config"],
    ):
        changed = await owner.patch("/v1/carriers/eseye-eu", json={"config": config}, headers={"if-match": etag})
        assert changed.status_code == 200, changed.text
        etag = changed.headers["etag"]
    async with api.database.tenant(api.tenant) as conn:
        lines = await (await conn.execute("select payload from journal")).fetchall()
    said = [json.loads(line[0]) for line in lines]
    assert sorted(one["writes"] for one in said if "writes" in one) == ["allowed", "withdrawn"]


async def test_connectors_say_how_far_they_are_proved(api):
    known = {one["id"]: one["tier"] for one in (await api.client().get("/v1/connectors")).json()}
    assert set(known) == set(CONNECTORS)
    assert set(known.values()) <= {"none", "bronze", "silver", "gold", "platinum"}
