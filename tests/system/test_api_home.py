"""`/v1/home`: six answers for whoever asks, and what they may not know is said to be withheld."""

from datetime import timedelta
from uuid import UUID

from tests.store.test_loop import built

from fairlead.engine.stories import Stories
from fairlead.model.lifecycle import ChangeState, name
from fairlead.store.changes import ChangeStore
from fairlead.store.counts import CountStore
from fairlead.store.policies import PolicyStore

from .conftest import NOW

DEVICES = "name,imei\ntrk-1,490154203237518\ntrk-2,356938035643809\n"
QUESTIONS = ("online", "broken", "illegal_soon", "changing", "cost", "ready_to_scale")


async def test_home_answers_honestly_before_and_after_the_fleet_is_counted(api):
    client = api.client("owner")
    empty = (await client.get("/v1/home")).json()
    assert [empty[question]["state"] for question in QUESTIONS] == [
        "unknown",
        "unknown",
        "unknown",
        "ok",
        "unknown",
        "not_built",
    ]
    assert empty["cost"]["headline"] == {"value": None, "unit": ""}
    await client.post("/v1/imports?kind=devices", content=DEVICES, headers={"content-type": "text/csv"})
    await CountStore(api.database).glance(api.tenant, NOW - timedelta(seconds=30))
    found = (await client.get("/v1/home")).json()
    assert found["online"]["by"] == {"unknown": 2}
    assert (found["online"]["state"], found["online"]["age_s"]) == ("unknown", 0)
    assert (found["broken"]["state"], found["broken"]["headline"]["value"], found["broken"]["age_s"]) == ("ok", 0, 30)
    assert (found["illegal_soon"]["state"], found["illegal_soon"]["stance_unknown"]) == ("warn", 2)
    assert found["illegal_soon"]["link"] == {"screen": "countries", "query": "within_days=30"}
    assert (
        "Not legal advice" in found["illegal_soon"]["notice"] or "not legal advice" in found["illegal_soon"]["notice"]
    )
    assert found["changing"]["headline"] == {"value": 0, "unit": "changes"}
    assert (found["cost"]["subscriptions"], found["cost"]["coverage"]) == (0, None)


async def test_what_somebody_may_not_know_is_withheld_by_name(api):
    technician = (await api.client("technician").get("/v1/home")).json()
    assert (technician["cost"]["state"], technician["cost"]["needs"]) == ("unknown", "costs.read for the whole tenant")
    assert technician["broken"]["carriers_failing"] is None
    assert technician["online"]["needs"] is None
    bound = (await api.client("operator@north").get("/v1/home")).json()
    for question in ("online", "broken", "illegal_soon", "cost"):
        assert bound[question]["needs"].endswith("for the whole tenant")
        assert bound[question]["headline"]["value"] is None
    assert bound["online"]["by"] == {}
    assert bound["changing"]["needs"] is None
    vendor = (await api.client("vendor").get("/v1/home")).json()
    assert vendor["changing"]["needs"] == "changes.read"


async def test_the_link_of_what_is_changing_lists_as_many_as_it_counts(api):
    house = built(api.database, api.tenant)
    api.services.add(Stories(house.stores, ChangeStore(), PolicyStore(), house.resolver))
    async with api.database.tenant(api.tenant) as conn:
        for state in ChangeState:
            await conn.execute(
                "insert into change (tenant, id, title, kind, state, reason, author, plan, rollout, salt, created_at)"
                " values (%s, %s, %s, 1, %s, '', %s, %s, '{}', 1, %s)",
                (api.tenant, UUID(int=int(state)), name(state), int(state), UUID(int=98), UUID(int=99), NOW),
            )
    owner = api.client()
    changing = (await owner.get("/v1/home")).json()["changing"]
    link = changing["link"]

    async def states(query):
        return {one["state"] for one in (await owner.get(f"/v1/{link['screen']}?{query}")).json()["items"]}

    assert await states(link["query"]) == {"draft", "planned", "approved", "running", "paused", "settled"}
    assert changing["headline"]["value"] == 6
    assert await states("open=false") == {"standing", "closed", "aborted"}
    assert await states("") == {name(state) for state in ChangeState}
    assert await states("open=true&state=running") == {"running"}
    assert await states("open=true&state=standing") == set()
    assert (await owner.get("/v1/changes?open=perhaps")).status_code == 422
