"""What the console reads of the fleet beyond its lists: stories, layers, cards, counts, carriers, countries."""

from datetime import timedelta

import pytest

from fairlead.engine.carriers import Carriers
from fairlead.engine.ports.carrier import BucketKey, BucketLevel
from fairlead.model.subscription import Verb
from fairlead.policy.describe import EXAMPLES
from fairlead.store.buckets import Buckets

from .test_api_fleet import CSV, add_account, devices_csv, iccid


def eid(number: int) -> str:
    body = f"89049032{number:022d}"
    return body + f"{98 - int(body + '00') % 97:02d}"


@pytest.fixture
async def owner(api):
    client = api.client()
    await add_account(api, home_country="DE")
    await client.post("/v1/imports?kind=devices", content=devices_csv(40), headers=CSV)
    return client


async def test_a_timeline_by_the_door(api, owner):
    await owner.post(
        "/v1/imports?kind=sims",
        headers=CSV,
        content=f"iccid,device,account,state\n{iccid(1)},trk-00001,global-sim,active\n",
    )
    body = f"iccid,plmn,first,last\n{iccid(1)},724-05,2026-02-01T00:00:00Z,2026-02-20T00:00:00Z\n{iccid(1)},208-01,2026-01-01,2026-01-05\n"
    await owner.post("/v1/imports?kind=sessions", headers=CSV, content=body)
    read = await owner.get("/v1/devices/trk-00001")
    await owner.patch("/v1/devices/trk-00001", json={"sku": "x"}, headers={"If-Match": read.headers["etag"]})
    found = (await owner.get("/v1/devices/trk-00001/timeline")).json()
    titles = [one["title"] for one in found["items"]]
    assert "Came from FR to BR, on 724-05" in titles
    assert any(title.startswith("Device changed by usr_") for title in titles)
    assert found["left_out"] == []
    first = (await owner.get("/v1/devices/trk-00001/timeline", params={"kinds": "network", "limit": 1})).json()
    assert {one["kind"] for one in first["items"]} == {"network"}
    rest = (
        await owner.get("/v1/devices/trk-00001/timeline", params={"kinds": "network", "before": first["next"]})
    ).json()
    assert {one["id"] for one in rest["items"]}.isdisjoint({one["id"] for one in first["items"]})
    assert [one["title"] for one in rest["items"]][-1] == "First seen, in FR on 208-01"

    technician = (await api.client("technician").get("/v1/devices/trk-00001/timeline")).json()
    assert technician["left_out"] == ["people"]
    assert {one["kind"] for one in technician["items"]} == {"network"}
    wrong = await owner.get("/v1/devices/trk-00001/timeline", params={"kinds": "network,gossip"})
    assert wrong.status_code == 422
    assert "gossip" in wrong.text
    assert (await owner.get("/v1/devices/nobody/timeline")).status_code == 404
    assert (await api.client("technician@south").get("/v1/devices/trk-00001/timeline")).status_code == 404
    assert (await api.client("owner~other").get("/v1/devices/trk-00001/timeline")).status_code == 404


async def test_layers_by_the_door(owner):
    found = (await owner.get("/v1/devices/trk-00001/layers")).json()
    assert [layer["name"] for layer in found["layers"]] == [
        "Bootstrap identity",
        "Provisioning orchestration",
        "Runtime configuration",
        "Version governance",
        "Feedback and diagnostics",
    ]
    objects = {one["name"]: one for layer in found["layers"] for one in layer["objects"]}
    assert objects["serial"]["value"] == "SN00001"
    assert objects["tenant binding"]["value"] == "acme"
    assert (objects["secret"]["present"], objects["bundle"]["present"]) == ("no", "unknown")
    assert found["layers"][0]["failure"] == "Nobody can say whose a device is"
    await owner.post("/v1/devices/trk-00001/credential")
    after = (await owner.get("/v1/devices/trk-00001/layers")).json()
    assert {o["name"]: o["present"] for o in after["layers"][0]["objects"]}["secret"] == "yes"


async def test_counts_and_facets_of_a_filter(api, owner):
    async def get(path, **params):
        found = await owner.get(f"/v1/devices/{path}", params=params)
        assert found.status_code == 200, found.text
        return found.json()

    assert await get("count") == {"devices": 40, "exact": True, "age_s": 0, "how": "counted"}
    assert await get("count", group="north") == {"devices": 20, "exact": True, "age_s": 0, "how": "now"}
    assert (await get("count", group="north", sku="sku-1"))["devices"] == len(
        [n for n in range(40) if n % 2 and n % 3 == 1]
    )
    assert (await get("count", country="ZZ"))["devices"] == 0
    facets = await get("facets", by="sku,country,roaming", group="north")
    assert facets["devices"] == sum(one["devices"] for one in facets["by"]["sku"]) == 20
    assert {one["value"]: one["devices"] for one in facets["by"]["sku"]} == {"sku-0": 7, "sku-1": 7, "sku-2": 6}
    assert facets["by"]["country"] == facets["by"]["roaming"] == [{"value": None, "devices": 20}]
    whole = await get("facets", by="group")
    assert (whole["how"], {one["value"]: one["devices"] for one in whole["by"]["group"]}) == (
        "counted",
        {"north": 20, "south": 20},
    )
    north = api.client("technician@north")
    assert (await north.get("/v1/devices/count")).json() == {"devices": 20, "exact": True, "age_s": 0, "how": "now"}
    assert (await api.client("owner~other").get("/v1/devices/count")).json()["devices"] == 0
    assert (await owner.get("/v1/devices/facets", params={"by": "colour"})).status_code == 422


async def test_a_count_that_takes_too_long_says_at_least_or_as_last_counted(api, owner, monkeypatch):
    from fairlead.engine import fleet
    from fairlead.store import tallies

    monkeypatch.setattr(fleet, "TALLY_BUDGET_S", 0.0)
    monkeypatch.setattr(tallies, "_FIRST", 4)
    found = (await owner.get("/v1/devices/count", params={"sku": "sku-1", "group": "north"})).json()
    assert (found["how"], found["exact"]) == ("at_least", False)
    assert found["devices"] <= 4
    one = (await owner.get("/v1/devices/count", params={"sku": "sku-1"})).json()
    assert (one["how"], one["exact"], one["devices"]) == ("counted", True, 13)
    facets = (await owner.get("/v1/devices/facets", params={"sku": "sku-1", "by": "group"})).json()
    assert facets["how"] == "at_least"


async def test_cards_profiles_and_subscriptions_in_one_table(api, owner):
    await add_account(api, name="other-sim")
    rows = [
        f"{iccid(n)},26201{n:010d},2620{n:08d},trk-{n:05d},{'global-sim' if n % 2 else 'other-sim'},iot-{n % 3},"
        f"{'active' if n < 30 else 'suspended'},{'MFF2' if n % 4 == 0 else '4FF'},{'euicc' if n % 4 == 0 else 'uicc'},"
        f"{eid(n) if n % 4 == 0 else ''},{'true' if n == 1 else 'false'}"
        for n in range(40)
    ]
    header = "iccid,imsi,msisdn,device,account,plan,state,form_factor,technology,eid,multi_imsi\n"
    done = await owner.post("/v1/imports?kind=sims", content=header + "\n".join(rows) + "\n", headers=CSV)
    assert done.status_code == 200, done.text

    async def of(**asked):
        found = await owner.get("/v1/subscriptions", params={"limit": 1000, **asked})
        assert found.status_code == 200, found.text
        return sorted(int(one["device"][4:]) for one in found.json()["items"])

    assert await of() == list(range(40))
    assert await of(form_factor="MFF2") == await of(technology="euicc") == list(range(0, 40, 4))
    assert await of(remote="changeable") == sorted([*range(0, 40, 4), 1])
    assert await of(remote="swap_needed") == [n for n in range(40) if n % 4 and n != 1]
    assert await of(carrier="other-sim", plan="iot-1", state="suspended") == [34]
    assert await of(connectivity="online") == []
    assert await of(q="26201000000") == list(range(40))
    assert await of(q=f"2620{7:08d}") == [7]
    assert await of(q="89049032", carrier="other-sim", state="suspended") == [32, 36]
    assert await of(device="trk-00003", remote="swap_needed") == [3]
    assert await of(device="trk-00003", remote="changeable") == []
    one = (await owner.get(f"/v1/subscriptions/{iccid(1)}")).json()
    assert (one["imsi"], one["technology"], one["multi_imsi"], one["remote"]) == (
        "262010000000001",
        "uicc",
        True,
        "changeable",
    )

    for query in ("8944", "89", "2620"):  # an ICCID and an EID, an IMSI and an MSISDN may begin alike: each SIM once
        pages, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = (await owner.get("/v1/subscriptions", params={"q": query, "limit": 7, **more})).json()
            pages += [one["iccid"] for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert sorted(pages) == sorted(iccid(n) for n in range(40)), query

    counts = (await owner.get("/v1/subscriptions/counts")).json()
    assert (counts["subscriptions"], counts["age_s"]) == (40, 0)
    assert {one["value"]: one["subscriptions"] for one in counts["by"]["remote"]} == {
        "changeable": 11,
        "swap_needed": 29,
    }
    assert {one["value"]: one["subscriptions"] for one in counts["by"]["state"]} == {"active": 30, "suspended": 10}
    assert not [name for name in (await owner.get("/v1/counts")).json()["by"] if name.startswith("sim")]

    exported = await owner.get("/v1/subscriptions.csv", params={"remote": "changeable", "state": "active"})
    lines = exported.text.strip().split("\r\n")
    assert lines[0].startswith("id,iccid,imsi,msisdn,eid,account,device")
    assert len(lines) == 1 + 9

    north = api.client("technician@north")
    mine = (await north.get("/v1/subscriptions", params={"limit": 1000})).json()["items"]
    assert {int(one["device"][4:]) % 2 for one in mine} == {1}
    assert (await north.get("/v1/subscriptions", params={"q": iccid(2)})).json()["items"] == []
    assert (await north.get("/v1/subscriptions/counts")).status_code == 403
    assert (await owner.get("/v1/subscriptions", params={"technology": "paper"})).status_code == 422
    assert (await owner.get("/v1/subscriptions", params={"q": "89", "cursor": "nonsense"})).status_code == 422
    assert (await api.client("owner~other").get("/v1/subscriptions")).json()["items"] == []


async def test_a_carrier_says_what_it_can_what_is_left_and_whom_it_holds(api, owner):
    made = await owner.post(
        "/v1/carriers",
        json={
            "name": "meridian",
            "carrier": "Meridian",
            "connector": "soracom",
            "credential": {"auth_key_id": "k", "auth_key": "s"},
            "config": {"limits": {"read": {"per_second": 2, "burst": 50}}},
        },
    )
    assert made.status_code == 201, made.text
    found = made.json()
    verbs = {one["verb"]: one for one in found["capabilities"]}
    assert set(verbs) == {verb.value for verb in Verb}
    assert verbs["suspend"]["supported"]
    assert not verbs["profile_download"]["supported"]
    assert verbs["profile_download"]["because"]
    assert {one["call_class"]: (one["left"], one["capacity"], one["used_at"]) for one in found["budgets"]} == {
        "auth": (5.0, 5, None),
        "read": (50.0, 50, None),
        "write": (20.0, 20, None),
        "bulk": (1.0, 1, None),
    }
    assert found["fresh"] is False
    assert found["sims"]["total"] == 0

    account = (await api.services.of(Carriers).account(api.tenant, "meridian")).id
    real_now = api.timekeeper.real_now()
    level = BucketLevel(tokens=10.0, at=real_now - timedelta(seconds=3), version=1)
    await Buckets(api.database).save(BucketKey(tenant=api.tenant, account=account, call_class="read"), level)
    async with api.database.tenant(api.tenant) as conn:
        await conn.execute("update account set swept_at = %s where name = 'meridian'", (api.timekeeper.now(),))
    await owner.post(
        "/v1/imports?kind=sims",
        headers=CSV,
        content="iccid,device,account,state\n"
        + "".join(f"{iccid(n)},trk-{n:05d},meridian,{'active' if n else 'ready'}\n" for n in range(3)),
    )
    items = {one["name"]: one for one in (await owner.get("/v1/carriers")).json()}
    read = next(one for one in items["meridian"]["budgets"] if one["call_class"] == "read")
    assert (read["left"], read["capacity"]) == (16.0, 50)
    assert items["meridian"]["fresh"] is True
    assert items["meridian"]["sims"] | {"counted_at": None} == {
        "total": 3,
        "by_state": {"active": 2, "ready": 1},
        "counted_at": None,
        "age_s": 0,
    }
    odd = await owner.patch(
        "/v1/carriers/meridian", json={"config": {"limits": {"read": "fast"}}}, headers={"If-Match": '"1"'}
    )
    assert odd.status_code == 200, "settings that its connector will refuse do not close the list"
    assert {one["call_class"]: one["capacity"] for one in odd.json()["budgets"]}["read"] == 40
    bare = items["global-sim"]
    assert (bare["capabilities"], bare["budgets"], bare["fresh"], bare["sims"]["total"]) == ([], [], None, 0)


STRATEGY = EXAMPLES["Strategy"]


async def test_a_country_shows_the_way_in_recommended_chosen_and_actual(api, owner):
    await owner.post(
        "/v1/imports?kind=sims",
        headers=CSV,
        content="iccid,imsi,device,account,state\n"
        + "".join(
            f"{iccid(n)},{'72405' if n == 2 else '26201'}{n:010d},trk-{n:05d},global-sim,active\n" for n in range(4)
        ),
    )
    await owner.post(
        "/v1/imports?kind=sessions",
        headers=CSV,
        content="iccid,plmn,first,last\n" + "".join(f"{iccid(n)},724-05,2026-02-01,2026-02-20\n" for n in range(3)),
    )
    brazil = (await owner.get("/v1/countries/br")).json()
    assert brazil["chosen"] == []
    named = {one["table"]: one for one in brazil["recommended"]}
    assert named["roaming-stance"]["names"] == "Brazil"
    assert "eUICC with a local profile" in named["regional-strategies"]["says"]
    assert named["regional-strategies"]["source"]
    assert named["regional-strategies"]["date"]
    actual = brazil["actual"]
    assert actual["devices"] == actual["roaming"] + actual["local"] + actual["unknown"] == 3
    async with api.database.tenant(api.tenant) as conn:
        rows = await (
            await conn.execute("select roaming, count(*) from fact where country = 'BR' group by 1")
        ).fetchall()
    counted = dict(rows)
    assert (actual["roaming"], actual["local"]) == (counted.get(True, 0), counted.get(False, 0))
    assert actual["roaming"] >= 2
    assert "legal advice" in brazil["notice"]

    germany = (await owner.get("/v1/countries/DE")).json()
    assert {one["names"] for one in germany["recommended"]} == {"European Union", "Europe (EU and EEA)"}
    assert germany["actual"]["roaming_share"] is None
    assert (await owner.get("/v1/countries/TR")).json()["recommended"][-1]["names"] == "Asia-Pacific"
    assert (await owner.get("/v1/countries/NP")).json()["recommended"] == []

    await keep(api, STRATEGY)
    chosen = (await owner.get("/v1/countries/BR")).json()["chosen"]
    assert [(one["strategy"], one["use"]) for one in chosen] == [("tiered", "local-profile")]
    assert (await api.client("finance").get("/v1/countries/BR")).json()["chosen"] is None

    weeks = (await owner.get("/v1/forecast", params={"weeks": 104})).json()
    assert weeks["total"] == sum(one["devices"] for one in weeks["weeks"])


async def keep(api, text):
    """A kept revision, as a settled Change leaves it."""
    from uuid import UUID

    from fairlead.engine.ports.planning import NewRevision
    from fairlead.store.policies import PolicyStore

    store, policy = PolicyStore(), UUID(int=77)
    async with api.database.tenant(api.tenant) as tx:
        await store.ensure_policy(tx, policy, "Strategy", "tiered", api.timekeeper.now())
        await store.add_revision(
            tx,
            NewRevision(policy=policy, resource={}, source=text, digest=b"x", removed=False, author=UUID(int=5)),
            api.timekeeper.now(),
        )
        await tx.execute("update revision set state = 2")
        await tx.execute("update policy set kept = 1")


async def test_the_language_by_the_door_and_located_faults(owner):
    found = (await owner.get("/v1/policies/schema")).json()
    kinds = ["Policy", "Strategy", "Steering", "SessionPolicy", "Grant", "UsageRule"]
    assert [kind["kind"] for kind in found["kinds"]] == kinds
    fields = {one["path"]: one for one in found["kinds"][0]["fields"]}
    assert fields["spec.set.network.method"]["words"] == ["roaming", "multi-imsi", "local-profile"]
    assert found["functions"] == ["startsWith", "endsWith", "contains", "size"]
    facts = (await owner.get("/v1/facts")).json()
    assert set(found["contexts"]) == {fact["context"] for fact in facts}
    wrong = found["kinds"][0]["example"].replace("local-profile", "magic")
    checked = (await owner.post("/v1/policies/check", json={"files": [{"name": "a.yaml", "text": wrong}]})).json()
    (fault,) = [one for one in checked["errors"] if one["path"].startswith("spec.set")]
    assert (fault["file"], fault["path"]) == ("a.yaml", "spec.set.network.method")
    assert wrong.splitlines()[fault["line"] - 1][fault["column"] - 1 :].startswith("magic")
    assert "local-profile" in fault["expected"]


async def test_a_connector_says_what_an_account_of_it_is_asked_for(api, owner):
    known = {one["id"]: one for one in (await owner.get("/v1/connectors")).json()}
    fields = known["soracom"]["credential_fields"]
    assert fields == ["auth_key_id", "auth_key"]
    assert known["soracom"]["base_url"].startswith("https://")
    assert (known["soracom"]["required_settings"], known["thingspace"]["required_settings"]) == ([], ["account_name"])
    assert known["supersim"]["credential_optional"] == ["webhook_secret"]
    unsaid = {"name": "vzw", "carrier": "Verizon", "connector": "thingspace"}
    refused = await owner.post("/v1/carriers", json=unsaid)
    assert (refused.status_code, "account_name" in refused.text) == (422, True)
    told = await owner.post("/v1/carriers", json=unsaid | {"config": {"account_name": "0000123456-00001"}})
    assert told.status_code == 201, told.text
    asked = {"name": "by-the-book", "carrier": "Meridian", "connector": "soracom"}
    short = await owner.post("/v1/carriers", json=asked | {"credential": {fields[0]: "x"}})
    assert short.status_code == 422, "what it names is all that is needed, and nothing less will do"
    made = await owner.post("/v1/carriers", json=asked | {"credential": dict.fromkeys(fields, "x")})
    assert made.status_code == 201, made.text
    assert (await api.client("technician@north").get("/v1/connectors")).status_code == 403
