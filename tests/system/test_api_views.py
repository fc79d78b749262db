"""What the console reads of the fleet beyond its lists: stories, layers, cards, counts, carriers, countries."""

import pytest

from .test_api_fleet import CSV, add_account, devices_csv, iccid


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
