"""The door as its callers see it: import a fleet, list it, find it, edit it."""

import hashlib
from datetime import datetime, timedelta

from fairlead.store.moves import MoveStore

from .conftest import NOW

DEVICES = "name,serial,imei,sku,region,group,batch,tags,home_country\n"
CSV = {"content-type": "text/csv"}


def imei(number: int) -> str:
    from fairlead.model.identifiers import luhn_digit

    bare = f"35{number:012d}"
    return bare + luhn_digit(bare)


def iccid(number: int) -> str:
    from fairlead.model.identifiers import luhn_digit

    bare = f"8944{number:014d}"
    return bare + luhn_digit(bare)


def devices_csv(count: int) -> str:
    return DEVICES + "".join(
        f"trk-{n:05d},SN{n:05d},{imei(n)},sku-{n % 3},emea,{'north' if n % 2 else 'south'},b1,field demo,DE\n"
        for n in range(count)
    )


async def add_account(api, name="global-sim", **more):
    made = await api.client().post("/v1/carriers", json={"name": name, "carrier": "Northwind Mobile", **more})
    assert made.status_code == 201, made.text
    return made


async def test_a_fleet_is_imported_once_and_read_back(api):
    owner = api.client()
    first = await owner.post("/v1/imports?kind=devices", content=devices_csv(250), headers=CSV)
    assert first.status_code == 200, first.text
    assert (first.json()["created"], first.json()["unchanged"]) == (250, 0)
    again = await owner.post("/v1/imports?kind=devices", content=devices_csv(250), headers=CSV)
    assert (again.json()["created"], again.json()["changed"], again.json()["unchanged"]) == (0, 0, 250)

    seen, cursor = [], None
    while True:
        page = (await owner.get("/v1/devices", params={"limit": 100, **({"cursor": cursor} if cursor else {})})).json()
        seen += [device["name"] for device in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == [f"trk-{n:05d}" for n in range(250)]
    assert len(set(seen)) == 250

    north = (await owner.get("/v1/devices", params={"group": "north", "sku": "sku-1", "limit": 1000})).json()
    assert sorted(device["name"] for device in north["items"]) == [
        f"trk-{n:05d}" for n in range(250) if n % 2 and n % 3 == 1
    ]
    assert north["next"] is None

    counts = (await owner.get("/v1/counts")).json()
    assert counts["devices"] == 250
    assert {one["value"]: one["devices"] for one in counts["by"]["group"]} == {"north": 125, "south": 125}
    assert counts["age_s"] == 0
    async with api.database.tenant(api.tenant) as conn:
        lines = await (await conn.execute("select payload from journal where action = 'import.applied'")).fetchall()
        dirty = await (await conn.execute("select count(*) from dirty")).fetchone()
        claimed = await (await conn.execute("select device from lookup(3::smallint, %s)", (imei(7),))).fetchone()
    assert len(lines) == 1
    assert dirty[0] == 250
    assert claimed[0] is not None


async def test_a_device_is_found_by_any_of_its_names(api):
    owner = api.client()
    await add_account(api)
    await owner.post("/v1/imports?kind=devices", content=devices_csv(40), headers=CSV)
    sims = "iccid,imsi,device,account,plan,state\n" + "".join(
        f"{iccid(n)},26201{n:010d},trk-{n:05d},global-sim,iot-1,active\n" for n in range(40)
    )
    done = await owner.post("/v1/imports?kind=sims", content=sims, headers=CSV)
    assert done.status_code == 200, done.text
    assert done.json()["created"] == 40

    async def names(q, **more):
        page = (await owner.get("/v1/devices", params={"q": q, **more})).json()
        return [device["name"] for device in page["items"]]

    assert await names("trk-00007") == ["trk-00007"]
    assert await names("TRK-00007") == ["trk-00007"]
    assert await names("sn00007") == ["trk-00007"]
    assert await names(imei(7)) == ["trk-00007"]
    assert await names(iccid(7)) == ["trk-00007"]
    assert await names(f"26201{7:010d}") == ["trk-00007"]
    assert await names("trk-0000") == [f"trk-{n:05d}" for n in range(10)]
    assert await names("trk-0000", group="north") == [f"trk-{n:05d}" for n in range(1, 10, 2)]
    assert await names("nothing-like-it") == []

    pages, cursor = [], None
    while True:
        page = (
            await owner.get("/v1/devices", params={"q": "8944", "limit": 7, **({"cursor": cursor} if cursor else {})})
        ).json()
        pages += [device["name"] for device in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(pages) == [f"trk-{n:05d}" for n in range(40)]

    whole = (await owner.get("/v1/devices/trk-00007")).json()
    assert whole["profiles"][0]["iccid"] == iccid(7)
    assert whole["subscriptions"][0]["state"] == "active"
    assert whole["facts"]["carrier"] == "global-sim"
    by_id = (await owner.get(f"/v1/devices/{whole['id']}")).json()
    assert by_id["name"] == "trk-00007"
    sim = (await owner.get(f"/v1/subscriptions/{iccid(7)}")).json()
    assert sim["device"] == "trk-00007"
    page = (await owner.get("/v1/subscriptions", params={"carrier": "global-sim", "limit": 15})).json()
    assert len(page["items"]) == 15
    assert page["next"]


async def test_a_device_is_found_by_the_address_of_its_open_session(api):
    owner = api.client()
    await add_account(api)
    await owner.post("/v1/imports?kind=devices", content=devices_csv(6), headers=CSV)
    sims = "iccid,imsi,device,account\n" + "".join(
        f"{iccid(n)},26201{n:010d},trk-{n:05d},global-sim\n" for n in range(6)
    )
    assert (await owner.post("/v1/imports?kind=sims", content=sims, headers=CSV)).status_code == 200
    body = "device,country,plmn,first,last,ip\n" + "".join(
        f"trk-{n:05d},TR,286-01,2026-02-0{n + 1}T10:00:00Z,{last},{ip}\n"
        for n, last, ip in (
            (0, "", "10.20.0.7"),
            (1, "2026-02-03T11:00:00Z", "10.20.0.7"),  # had it once
            (2, "", "10.20.0.70"),  # begins the same
            (3, "", "2001:0DB8:0:0::0007"),
            (4, "", "10.9.9.9"),
            (5, "", "10.9.9.9"),  # another carrier's private network
        )
    )
    done = await owner.post("/v1/imports?kind=sessions", content=body, headers=CSV)
    assert done.status_code == 200, done.text

    async def names(q, **more):
        return [one["name"] for one in (await owner.get("/v1/devices", params={"q": q, **more})).json()["items"]]

    assert await names("10.20.0.7") == ["trk-00000"]
    assert await names("::ffff:10.20.0.7") == ["trk-00000"]
    assert await names("10.20.0") == []
    assert await names("2001:db8::7") == ["trk-00003"]
    assert await names("2001:DB8:0:0:0:0:0:7") == ["trk-00003"]
    assert await names("10.20.0.7", group="north") == []
    assert sorted(await names("10.9.9.9")) == ["trk-00004", "trk-00005"]
    first = (await owner.get("/v1/devices", params={"q": "10.9.9.9", "limit": 1})).json()
    second = (await owner.get("/v1/devices", params={"q": "10.9.9.9", "limit": 1, "cursor": first["next"]})).json()
    assert [len(first["items"]), len(second["items"]), second["next"]] == [1, 1, None]
    assert first["items"][0]["name"] != second["items"][0]["name"]
    mine = await api.client("operator@south").get("/v1/devices", params={"q": "10.9.9.9"})
    assert [one["group"] for one in mine.json()["items"]] == ["south"]
    assert (await api.client("owner~other").get("/v1/devices", params={"q": "10.20.0.7"})).json()["items"] == []
    bad = await owner.post(
        "/v1/imports?kind=sessions",
        headers=CSV,
        content="device,country,first,ip\ntrk-00000,TR,2026-02-05,10.20.0.256\n",
    )
    assert bad.status_code == 422
    assert "an IPv4 or IPv6 address" in bad.text


async def test_bindings_are_edited_from_the_version_that_was_read(api):
    owner = api.client()
    await owner.post("/v1/imports?kind=devices", content=devices_csv(3), headers=CSV)
    read = await owner.get("/v1/devices/trk-00001")
    tag = read.headers["etag"]
    assert (await owner.patch("/v1/devices/trk-00001", json={"sku": "x"})).status_code == 428
    done = await owner.patch("/v1/devices/trk-00001", json={"sku": "x", "tags": ["b", "a"]}, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    assert done.json()["sku"] == "x"
    assert done.json()["tags"] == ["a", "b"]
    assert done.json()["region"] == "emea"
    late = await owner.patch("/v1/devices/trk-00001", json={"sku": "y"}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert late.headers["content-type"].startswith("application/problem+json")
    async with api.database.tenant(api.tenant) as conn:
        row = await (
            await conn.execute(
                "select f.sku, f.tags from fact f join device d on d.id = f.device where d.name = 'trk-00001'"
            )
        ).fetchone()
    assert row == ("x", ["a", "b"])


async def test_a_device_secret_is_shown_once_and_kept_as_a_hash(api):
    owner = api.client()
    await owner.post("/v1/imports?kind=devices", content=devices_csv(2), headers=CSV)
    made = await owner.post("/v1/devices/trk-00001/credential")
    assert made.status_code == 201
    secret = made.json()
    assert secret["username"] == "acme/trk-00001"
    async with api.database.tenant(api.tenant) as conn:
        row = await (await conn.execute("select secret_hash from device where name = 'trk-00001'")).fetchone()
    assert bytes(row[0]) == hashlib.sha256(secret["password"].encode()).digest()
    assert (await owner.get("/v1/devices/trk-00001")).json()["has_secret"] is True
    assert (await owner.delete("/v1/devices/trk-00001/credential")).status_code == 204
    assert api.revoked == ["trk-00001"]
    assert (await owner.get("/v1/devices/trk-00001")).json()["has_secret"] is False


async def test_departments_and_tenants_are_walls(api):
    owner = api.client()
    await owner.post("/v1/imports?kind=devices", content=devices_csv(10), headers=CSV)
    north = api.client("technician@north")
    seen = (await north.get("/v1/devices")).json()["items"]
    assert {device["group"] for device in seen} == {"north"}
    assert (await north.get("/v1/devices/trk-00002")).status_code == 404
    assert (await north.get("/v1/devices/trk-00003")).status_code == 200
    assert [d["name"] for d in (await north.get("/v1/devices", params={"q": "trk-00002"})).json()["items"]] == []
    assert (await north.get("/v1/counts")).status_code == 403
    stranger = api.client("owner~other")
    assert (await stranger.get("/v1/devices")).json()["items"] == []
    assert (await stranger.get("/v1/devices/trk-00003")).status_code == 404


async def test_the_same_identity_is_nobody_elses(api):
    owner, stranger = api.client(), api.client("owner~other")
    await owner.post("/v1/imports?kind=devices", content=devices_csv(5), headers=CSV)
    body = f"name,imei\nmine,{imei(3)}\nalso-mine,{imei(900)}\n"
    refused = await stranger.post("/v1/imports?kind=devices", content=body, headers=CSV)
    assert refused.status_code == 422
    assert [(e["line"], e["column"], e["value"]) for e in refused.json()["errors"]] == [(2, "imei", imei(3))]
    assert (await stranger.get("/v1/devices")).json()["items"] == []
    part = await stranger.post("/v1/imports?kind=devices&partial=true", content=body, headers=CSV)
    assert part.status_code == 200
    assert part.json()["created"] == 1
    assert [device["name"] for device in (await stranger.get("/v1/devices")).json()["items"]] == ["also-mine"]


async def test_an_export_is_streamed_and_leaves_a_line(api):
    owner = api.client()
    await owner.post("/v1/imports?kind=devices", content=devices_csv(30), headers=CSV)
    found = await owner.get("/v1/devices.csv", params={"group": "north"})
    assert found.headers["content-type"].startswith("text/csv")
    lines = found.text.strip().split("\r\n")
    assert len(lines) == 16
    assert lines[0].startswith("id,name,serial")
    async with api.database.tenant(api.tenant) as conn:
        row = await (await conn.execute("select count(*) from journal where action = 'export.made'")).fetchone()
    assert row[0] == 1


async def test_presence_moves_the_facts_and_the_newest_wins(api):
    owner = api.client()
    await add_account(api, home_country="DE")
    await owner.post("/v1/imports?kind=devices", content=devices_csv(3), headers=CSV)
    await owner.post(
        "/v1/imports?kind=sims",
        headers=CSV,
        content=f"iccid,imsi,device,account,state\n{iccid(1)},262010000000001,trk-00001,global-sim,active\n",
    )
    body = (
        "iccid,plmn,first,last,bytes\n"
        f"{iccid(1)},724-05,2026-02-01T00:00:00Z,2026-02-20T00:00:00Z,1000\n"
        f"{iccid(1)},208-01,2026-01-01,2026-01-05,50\n"
    )
    done = await owner.post("/v1/imports?kind=sessions", content=body, headers=CSV)
    assert done.status_code == 200, done.text
    assert done.json()["created"] == 2
    facts = (await owner.get("/v1/devices/trk-00001")).json()
    assert facts["facts"]["country"] == "BR"
    assert facts["facts"]["roaming"] is True
    assert facts["facts"]["plmn"] == "724-05"
    assert facts["facts"]["place_age_s"] == int(9.5 * 86400)
    assert [run["country"] for run in facts["presence"]] == ["BR", "FR"]
    assert [session["bytes"] for session in facts["sessions"]] == [1000, 50]
    again = await owner.post("/v1/imports?kind=sessions", content=body, headers=CSV)
    assert (again.json()["created"], again.json()["changed"]) == (0, 0)
    longer = body.replace("2026-02-20T", "2026-02-25T")
    extended = await owner.post("/v1/imports?kind=sessions", content=longer, headers=CSV)
    assert (extended.json()["created"], extended.json()["changed"]) == (0, 1)
    after = (await owner.get("/v1/devices/trk-00001")).json()
    assert after["presence"][0]["last_at"] == "2026-02-25T00:00:00Z"
    assert len(after["presence"]) == 2
    countries = (await owner.get("/v1/countries", params={"present": True})).json()
    assert [(c["code"], c["here"]["roaming"]) for c in countries["items"]] == [("BR", 1)]
    assert "legal advice" in countries["notice"]


async def test_a_country_says_which_rules_decide_and_where_they_move(api):
    owner = api.client()
    germany = (await owner.get("/v1/countries/DE")).json()
    assert (germany["stance"], germany["trend"]) == ("restricted", "tightening")
    assert germany["behind"] == ["de-permanent-roaming", "eu-permanent-roaming"]
    by_id = {rule["id"]: rule for rule in germany["rules"]}
    assert [by_id[rule]["jurisdiction"] for rule in germany["behind"]] == ["DE", "EU"]
    nobody = (await owner.get("/v1/countries/AQ")).json()
    assert (nobody["stance"], nobody["trend"], nobody["behind"]) == ("unknown", "unknown", [])


async def test_prices_are_exact(api):
    owner = api.client()
    body = "plan,currency,activation,monthly,per_mb,valid_from\niot-1,EUR,1.5,0.123456789,0.02,2026-01-01\n"
    done = await owner.post("/v1/imports?kind=prices", content=body, headers=CSV)
    assert done.status_code == 200, done.text
    assert (await owner.get("/v1/prices")).json() == [
        {
            "plan": "iot-1",
            "currency": "EUR",
            "activation": "1.5",
            "monthly": "0.123456789",
            "per_mb": "0.02",
            "valid_from": "2026-01-01",
            "included_bytes": None,
        }
    ]
    finer = await owner.post("/v1/imports?kind=prices", content=body.replace("0.02", "0.0000000001"), headers=CSV)
    assert finer.status_code == 422
    assert "9 decimals" in finer.text


async def test_many_secrets_are_issued_at_once_or_none(api):
    owner = api.client()
    await owner.post("/v1/imports?kind=devices", content=devices_csv(3), headers=CSV)
    none = await owner.post("/v1/devices/credentials", json={"devices": ["trk-00001", "trk-99999"]})
    assert none.status_code == 422
    assert "trk-99999" in none.text
    assert (await owner.get("/v1/devices/trk-00001")).json()["has_secret"] is False
    made = await owner.post("/v1/devices/credentials", json={"devices": ["trk-00001", "trk-00002"]})
    assert made.status_code == 201, made.text
    given = {one["username"]: one["password"] for one in made.json()}
    assert given.keys() == {"acme/trk-00001", "acme/trk-00002"}
    async with api.database.tenant(api.tenant) as conn:
        rows = dict(
            await (await conn.execute("select name, secret_hash from device where secret_hash is not null")).fetchall()
        )
    assert {f"acme/{name}": bytes(hashed) for name, hashed in rows.items()} == {
        name: hashlib.sha256(password.encode()).digest() for name, password in given.items()
    }
    assert api.revoked == []
    again = await owner.post("/v1/devices/credentials", json={"devices": ["trk-00002"]})
    assert again.json()[0]["password"] != given["acme/trk-00002"]
    assert api.revoked == ["trk-00002"]


async def test_an_account_that_is_left_in_peace_says_until_when_and_why(api):
    owner = api.client()
    await add_account(api)
    shown = (await owner.get("/v1/carriers/global-sim")).json()
    assert (shown["paused_until"], shown["paused_because"]) == (None, None)
    soon, later = NOW + timedelta(seconds=2), NOW + timedelta(seconds=40)
    for until, because in ((later, "rate_limited"), (soon, "provider_unavailable")):  # the longer one is kept
        async with api.database.tenant(api.tenant) as tx:
            await MoveStore().pause_account(tx, "global-sim", until, because)
        (shown,) = (await owner.get("/v1/carriers")).json()
        assert datetime.fromisoformat(shown["paused_until"]) == later
        assert shown["paused_because"] == "rate_limited"
    async with api.database.tenant(api.tenant) as tx:
        await tx.execute("update account set paused_until = %s", (NOW,))
    over = (await owner.get("/v1/carriers/global-sim")).json()
    assert (over["paused_until"], over["paused_because"]) == (None, None)
