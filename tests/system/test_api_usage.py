"""Usage by the door: a file in, days out, with how far they are known; bad input is located; walls hold."""

import pytest

from fairlead.model.access import PERMITS

from .test_api_fleet import CSV, add_account, devices_csv, iccid

USED = """iccid,start,end,up,down,final
{0},2026-02-27T00:00:00Z,2026-02-28T00:00:00Z,100,200,true
{0},2026-02-28T00:00:00Z,2026-03-01T00:00:00Z,1,2,true
{0},2026-03-01T00:00:00Z,2026-03-01T12:00:00Z,10,20,false
"""


@pytest.fixture
async def owner(api):
    client = api.client()
    await add_account(api, home_country="DE")
    await client.post("/v1/imports?kind=devices", content=devices_csv(40), headers=CSV)
    sims = (
        f"iccid,device,account,state\n{iccid(1)},trk-00001,global-sim,active\n{iccid(2)},trk-00002,global-sim,active\n"
    )
    assert (await client.post("/v1/imports?kind=sims", content=sims, headers=CSV)).status_code == 200
    return client


async def test_days_come_newest_first_and_page(owner):
    sent = await owner.post("/v1/imports?kind=usage", content=USED.format(iccid(1)), headers=CSV)
    assert (sent.status_code, sent.json()["created"], sent.json()["devices_touched"]) == (200, 3, 1)
    again = await owner.post("/v1/imports?kind=usage", content=USED.format(iccid(1)), headers=CSV)
    assert (again.json()["created"], again.json()["changed"], again.json()["unchanged"]) == (0, 0, 3)
    first = (await owner.get(f"/v1/subscriptions/{iccid(1)}/usage", params={"limit": 2})).json()
    assert [(one["day"], one["bytes"], one["final"]) for one in first["items"]] == [
        ("2026-03-01", 30, False), ("2026-02-28", 3, True),
    ]  # fmt: skip
    assert first["items"][0]["source"] == "file/global-sim"
    rest = (await owner.get(f"/v1/subscriptions/{iccid(1)}/usage", params={"before": first["next"]})).json()
    assert ([one["day"] for one in rest["items"]], rest["next"]) == (["2026-02-27"], None)
    assert first["covered_from"] == "2026-02-27T00:00:00Z"
    assert (first["through"], first["last_byte_at"]) == ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z")
    assert (first["lag_s"], first["stale"], first["read_at"]) == (172_800, False, None)
    facts = (await owner.get("/v1/devices/trk-00001")).json()["facts"]
    assert (facts["usage_month_bytes"], facts["silent_days"], facts["usage_stale"]) == (30, 0, False)


async def test_a_line_that_nobody_counted_says_so(owner):
    found = (await owner.get(f"/v1/subscriptions/{iccid(2)}/usage")).json()
    assert (found["items"], found["through"], found["stale"]) == ([], None, None)
    facts = (await owner.get("/v1/devices/trk-00002")).json()["facts"]
    assert (facts["usage_month_bytes"], facts["silent_days"], facts["usage_at"]) == (None, None, None)


async def test_a_bad_file_is_located_and_applies_nothing(owner):
    bad = USED.format(iccid(1)) + f"{iccid(1)},2026-02-26,,-1,5,true\n{iccid(77)},2026-02-26,,1,5,true\n"
    refused = await owner.post("/v1/imports?kind=usage", content=bad, headers=CSV)
    assert refused.status_code == 422
    assert [(e["line"], e["column"]) for e in refused.json()["errors"]] == [(5, "up"), (6, "iccid")]
    assert (await owner.get(f"/v1/subscriptions/{iccid(1)}/usage")).json()["items"] == []


async def test_bad_questions_and_walls(api, owner):
    await owner.post("/v1/imports?kind=usage", content=USED.format(iccid(1)), headers=CSV)
    path = f"/v1/subscriptions/{iccid(1)}/usage"
    for wrong in ({"before": "soon"}, {"limit": 0}, {"limit": 401}):
        assert (await owner.get(path, params=wrong)).status_code == 422
    assert (await owner.get("/v1/subscriptions/nobody/usage")).status_code == 404
    assert (await api.client("owner~other").get(path)).status_code == 404
    assert (await api.client("technician@south").get(path)).status_code == 404
    assert "devices.read" in PERMITS["auditor"]
    assert (await api.client("auditor").get(path)).status_code == 200
