"""`/v1/journal`: who, what, when, why, and where from."""

import asyncio

from fairlead.engine.journal import ORIGIN, Origin, entry
from fairlead.model.journal import Action, Subject

DEVICES = "name,imei\ntrk-1,490154203237518\ntrk-2,356938035643809\n"
VIEW = "/v1/views/fleet/v"


async def lines(api, who="owner", **filters) -> list[dict]:
    answer = await api.client(who).get("/v1/journal", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_what_somebody_did_says_where_from_and_the_address_is_erasable(api):
    owner = api.client("owner")
    await api.journal._store.prepare(api.timekeeper.now())
    await owner.put(VIEW, json={"search": "a=b", "shared": True})
    (line,) = await lines(api, action="view.shared")
    assert line["origin"]["door"] == "session"
    digest = line["origin"]["address"]
    assert line["personal"] == {"address": digest}
    asked = await owner.post("/v1/journal/personal", json={"digests": [digest], "reason": "who was it"})
    assert asked.json() == [{"digest": digest, "kind": "address", "value": "127.0.0.1"}]
    erased = await owner.post("/v1/journal/erasures", json={"person": line["actor"], "reason": "asked for"})
    assert erased.json()["erased"] >= 2
    asked = await owner.post("/v1/journal/personal", json={"digests": [digest], "reason": "who was it"})
    assert asked.json() == []
    assert (await owner.post("/v1/journal/verify", json={})).json()["verdict"] == "ok"


async def test_a_job_carries_the_address_of_whoever_started_it_and_nobody_elses(api):
    headers = {"content-type": "text/csv", "prefer": "respond-async"}
    started = await api.client("operator").post("/v1/imports?kind=devices", content=DEVICES, headers=headers)
    async with asyncio.timeout(10):
        while (await api.client("operator").get(started.headers["location"])).json()["state"] == "running":  # noqa: ASYNC110 - as a client would
            await asyncio.sleep(0.02)
    (line,) = await lines(api, action="import.applied")
    assert line["origin"]["address"] == line["personal"]["address"]

    assert ORIGIN.get() is None, "a request's origin ends with the request"


async def test_policies_and_the_system_come_from_nowhere(api):

    now = api.timekeeper.now()
    await api.journal._store.prepare(now)
    before = ORIGIN.set(Origin(address="192.0.2.1", person=api.tenant))
    made = [
        entry(tenant=api.tenant, at=now, actor=actor, action=Action.WAVE_OPENED, subject=Subject(kind="change", id="c"))
        for actor in ("policy/brazil@3", "system/stages", "tok_1", "stranger")
    ]
    ORIGIN.reset(before)
    await api.journal.append(api.tenant, made)
    found = {line["actor"]: line["origin"] for line in await lines(api, action="wave.opened")}
    assert found.pop("tok_1")["address"] is not None
    assert found == {
        "policy/brazil@3": {"door": "policy", "address": None},
        "system/stages": {"door": "system", "address": None},
        "stranger": {"door": "unknown", "address": None},
    }


async def test_every_filter_of_the_door_filters_and_pages_go_newest_first(api):
    owner = api.client("owner")
    await api.journal._store.prepare(api.timekeeper.now())
    for n in range(5):
        assert (await owner.put(f"{VIEW}{n}", json={"search": "a", "shared": True})).status_code == 200
    await api.client("operator").put(f"{VIEW}9", json={"search": "a", "shared": True})
    everyone = await lines(api)
    assert [line["subject_id"] for line in everyone] == [f"fleet/v{n}" for n in (9, 4, 3, 2, 1, 0)]
    who = everyone[0]["actor"]
    assert [line["actor"] for line in await lines(api, actor=who)] == [who]
    assert len(await lines(api, subject_kind="view", subject_id="fleet/v3")) == 1
    assert await lines(api, change="chg_00000000000000000000000000") == []
    assert await lines(api, since="2026-03-01T12:00:01Z") == []
    assert len(await lines(api, until="2026-03-01T12:00:01Z")) == 6
    page = (await owner.get("/v1/journal?limit=4")).json()
    rest = (await owner.get("/v1/journal", params={"limit": 4, "cursor": page["next"]})).json()
    assert [line["id"] for line in page["items"] + rest["items"]] == [line["id"] for line in everyone]
