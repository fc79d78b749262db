"""The same account of a carrier is kept once by a tenant: 409 names the other, whoever comes first of two at once."""

import asyncio
from typing import Any

import pytest

from .conftest import Api

KEY = {"auth_key_id": "keyId-1", "auth_key": "secret-1"}


def wanted(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "carrier": "Soracom", "connector": "soracom", "credential": KEY, **more}


async def test_adding_the_same_account_again_names_the_one_that_is_kept(api: Api) -> None:
    owner = api.client()
    assert (await owner.post("/v1/carriers", json=wanted("global-sim"))).status_code == 201
    again = await owner.post("/v1/carriers", json=wanted("other-sim"))
    assert (again.status_code, again.json()["account"]) == (409, "global-sim")
    assert again.json()["type"].endswith("same-account")
    assert "secret-1" not in again.text
    assert "keyId-1" not in again.text
    assert [one["name"] for one in (await owner.get("/v1/carriers")).json()] == ["global-sim"]
    async with api.database.tenant(api.tenant) as tx:
        lines = await (await tx.execute("select count(*) from journal where action = 'carrier.added'")).fetchone()
    assert lines == (1,)
    japan = wanted("japan", config={"base_url": "https://api.soracom.io/v1"})  # another coverage: other SIMs
    assert (await owner.post("/v1/carriers", json=japan)).status_code == 201
    assert (await api.client("owner~other").post("/v1/carriers", json=wanted("theirs"))).status_code == 201


async def test_of_two_at_once_one_is_kept(api: Api) -> None:
    owner = api.client()
    answers = await asyncio.gather(*(owner.post("/v1/carriers", json=wanted(f"sim-{n}")) for n in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize("change", [{"credential": KEY}, {"config": {}}])
async def test_an_account_is_not_changed_into_another(api: Api, change: dict[str, Any]) -> None:
    owner = api.client()
    await owner.post("/v1/carriers", json=wanted("global-sim"))
    other = {"credential": KEY | {"auth_key_id": "keyId-2"}} if "credential" in change else {}
    config = {"config": {"base_url": "https://api.soracom.io/v1"}} if "config" in change else {}
    assert (await owner.post("/v1/carriers", json=wanted("second", **other, **config))).status_code == 201
    refused = await owner.patch("/v1/carriers/second", json=change, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["account"]) == (409, "global-sim")
    assert (await owner.get("/v1/carriers/second")).json()["version"] == 1
    rotated = {"credential": KEY | {"auth_key": "secret-2"}}
    kept = await owner.patch("/v1/carriers/global-sim", json=rotated, headers={"If-Match": '"1"'})
    assert kept.status_code == 200, kept.text
