"""`/v1/bulk` as its callers see it."""

import csv
import io
from dataclasses import dataclass

import pytest
import pytest_asyncio
from tests.store.carrier_on_paper import CarrierOnPaper
from tests.store.fleet_on_paper import settle_fleet
from tests.store.test_bulk import PLAIN, allowed, done, run
from tests.store.test_loop import House, built
from tests.system.conftest import Api

from fairlead.engine.bulk import Bulks
from fairlead.store.bulk import BulkStore

SENT = {"verb": "suspend", "lines": {"state": "active"}, "reason": "the season is over"}


@dataclass
class Stage:
    api: Api
    house: House
    bulks: Bulks

    async def run(self) -> CarrierOnPaper:
        carrier = CarrierOnPaper(done)
        await run(self.house, carrier, self.bulks)
        return carrier


@pytest_asyncio.fixture(loop_scope="session")
async def stage(api: Api) -> Stage:
    house: House = built(api.database, api.tenant)
    bulks = Bulks(
        house.stores, BulkStore(), house.moving._time, lambda connector: PLAIN, allowed(lambda connector: PLAIN)
    )
    api.services.add(bulks)
    await settle_fleet(api.database, api.tenant, 30)
    return Stage(api, house, bulks)


async def test_from_the_preview_to_the_result_file_and_back(stage: Stage) -> None:
    client = stage.api.client("operator")
    seen = (await client.post("/v1/bulk/preview", json={k: v for k, v in SENT.items() if k != "reason"})).json()
    assert (seen["lines"], seen["able"], seen["accounts"][0]["account"]) == (30, 30, "global")
    answer = await client.post("/v1/bulk", json=SENT | {"expect": seen["lines"]})
    assert answer.status_code == 201, answer.text
    bulk = answer.json()["id"]
    await stage.run()
    shown = (await client.get(f"/v1/bulk/{bulk}")).json()
    assert (shown["state"], shown["lines"], shown["settled"], shown["by_state"]) == ("done", 30, 30, {"verified": 30})
    lines, cursor = [], ""
    while cursor is not None:
        page = (await client.get(f"/v1/bulk/{bulk}/lines?limit=12{cursor and '&cursor=' + cursor}")).json()
        lines += [one["iccid"] for one in page["items"]]
        cursor = page["next"]
    table = list(csv.DictReader(io.StringIO((await client.get(f"/v1/bulk/{bulk}/lines.csv")).text)))
    assert sorted(lines) == sorted(row["iccid"] for row in table)
    assert len(set(lines)) == 30
    assert {(row["state"], row["state_before"]) for row in table} == {("verified", "active")}
    back = await client.post(f"/v1/bulk/{bulk}/undo", json={"reason": "not yet"})
    assert back.status_code == 201, back.text
    carrier = await stage.run()
    assert sum(carrier.called.values()) == 30
    listed = (await client.get("/v1/bulk")).json()["items"]
    assert [(one["verb"], one["state"], one["undo_of"]) for one in listed] == [
        ("undo", "done", bulk),
        ("suspend", "done", None),
    ]


@pytest.mark.parametrize(
    ("who", "change", "status", "says"),
    [
        ("auditor", {}, 403, "commands.send"),
        ("operator@north", {}, 403, ""),
        ("operator", {"verb": "explode"}, 422, "verb"),
        ("operator", {"lines": {}}, 422, "lines"),
        ("operator", {"lines": {"carrier": "nobody"}}, 422, "lines.carrier"),
        ("operator", {"lines": {"where": "sku =="}}, 422, "lines.where"),
        ("operator", {"lines": {"where": "sku"}}, 422, "not a condition"),
        ("operator", {"lines": {"where": 'contry == "PL"'}}, 422, "did you mean `country`"),
        ("operator", {"lines": {"where": 'sku == "nothing of that name"'}}, 409, "no line"),
        ("operator", {"lines": {"iccids": ["12"]}}, 422, "/lines/iccids"),
        ("operator", {"lines": {"iccids": ["8944010000000000000"]}}, 409, "unknown_lines"),
        ("operator", {"verb": "set_limit", "arguments": {"bytes": 0}}, 422, "arguments.bytes"),
        ("operator", {"expect": 29}, 409, "drifted"),
        ("operator", {"reason": ""}, 422, "reason"),
        ("operator~other", {}, 409, "no lines"),
    ],
)
async def test_what_is_refused_writes_nothing(stage: Stage, who: str, change: dict, status: int, says: str) -> None:
    answer = await stage.api.client(who).post("/v1/bulk", json=SENT | change)
    assert answer.status_code == status, answer.text
    assert says in answer.text
    async with stage.api.database.tenant(stage.api.tenant) as tx:
        assert await (await tx.execute("select count(*) from bulk")).fetchone() == (0,)


async def test_another_tenants_is_not_there(stage: Stage) -> None:
    bulk = (await stage.api.client("operator").post("/v1/bulk", json=SENT)).json()["id"]
    other = stage.api.client("operator~other")
    for path in (f"/v1/bulk/{bulk}", f"/v1/bulk/{bulk}/lines", f"/v1/bulk/{bulk}/lines.csv"):
        assert (await other.get(path)).status_code == 404
    for verb in ("pause", "cancel", "undo"):
        assert (await other.post(f"/v1/bulk/{bulk}/{verb}", json={})).status_code == 404
    assert (await stage.api.client("operator").get(f"/v1/bulk/{bulk}")).json()["state"] == "running"
