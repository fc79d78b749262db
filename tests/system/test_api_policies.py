"""What an editor and a policy's page ask of the door: checks with their tests, who stands in a policy, whom a bar keeps out."""

from datetime import timedelta
from uuid import UUID

import pytest

from fairlead.engine.memberships import Memberships
from fairlead.engine.ports.planning import NewRevision
from fairlead.engine.stores import Stores
from fairlead.engine.stories import Stories
from fairlead.store.changes import ChangeStore
from fairlead.store.membership import MembershipStore
from fairlead.store.policies import PolicyStore

from .test_api_fleet import CSV, devices_csv

POLICY = """\
apiVersion: fairlead/v1
kind: Policy
metadata: {name: brazil}
spec:
  priority: 10
  match: country == "BR"
  set: {config: {report_interval_s: 900}}
  reason: a test
  tests:
    - {given: {country: BR}, expect: match}
    - {given: {country: DE}, expect: match}
    - {given: {}, expect: match}
"""
BARRED = 3


@pytest.fixture
async def owner(api):
    """Forty devices, ten of them in a kept policy, three barred from it."""
    api.services.add(Memberships(stores(api), MembershipStore()))
    api.services.add(Stories(stores(api), ChangeStore(), PolicyStore(), None))  # pyright: ignore[reportArgumentType]
    client = api.client()
    await client.post("/v1/imports?kind=devices", content=devices_csv(40), headers=CSV)
    now = api.timekeeper.now()
    policies, policy = PolicyStore(), UUID(int=77)
    async with api.database.tenant(api.tenant) as tx:
        await policies.ensure_policy(tx, policy, "Policy", "brazil", now)
        revision = NewRevision(
            policy=policy, resource={"priority": 10}, source=POLICY, digest=b"x", removed=False, author=UUID(int=5)
        )
        _, rule = await policies.add_revision(tx, revision, now)
        await tx.execute("update revision set state = 2")
        await tx.execute("update policy set kept = 1")
        await tx.execute("insert into class (tenant, id, rules) values (%s, 1, %s)", (api.tenant, [rule]))
        devices = [row[0] for row in await (await tx.execute("select id from device order by id")).fetchall()]
        for number, device in enumerate(devices):
            await tx.execute(
                "insert into standing (tenant, device, class, bucket) values (%s, %s, %s, 0)"
                " on conflict (tenant, device) do update set class = excluded.class",
                (api.tenant, device, 1 if number % 4 == 0 else 0),
            )
        for number, device in enumerate(devices[1:4]):
            await tx.execute(
                "insert into exception (tenant, policy, device, kind, rule, since) values (%s, %s, %s, %s, %s, %s)",
                (api.tenant, policy, device, BARRED, rule, now - timedelta(hours=number)),
            )
        await tx.execute("update device set device_group = 'south'")
        await tx.execute("update device set device_group = 'north' where id = any (%s)", ([devices[0], devices[1]],))
    return client


def stores(api) -> Stores:
    rows = PolicyStore()
    return Stores(transactions=api.database, policies=rows, plans=None, changes=ChangeStore(), moves=None, append=None)  # pyright: ignore[reportArgumentType]


async def test_a_check_runs_the_tests_beside_the_rules(api):
    checked = (
        await api.client().post("/v1/policies/check", json={"files": [{"name": "b.yaml", "text": POLICY}]})
    ).json()
    assert checked["ok"] is True
    assert [
        (t["resource"], t["file"], t["line"], t["expected"], t["found"], t["passed"]) for t in checked["tests"]
    ] == [
        ("Policy/brazil", "b.yaml", 10, "match", "match", True),
        ("Policy/brazil", "b.yaml", 11, "match", "no-match", False),
        ("Policy/brazil", "b.yaml", 12, "match", "no-match: absent country", False),
    ]
    wrong = POLICY.replace("country ==", "contry ==")
    refused = (
        await api.client().post("/v1/policies/check", json={"files": [{"name": "b.yaml", "text": wrong}]})
    ).json()
    assert refused["ok"] is False
    assert refused["tests"] == []
    fault = refused["errors"][0]
    assert wrong.splitlines()[fault["line"] - 1][fault["column"] - 1 :].startswith("contry")


async def test_a_kind_without_a_driver_says_so(owner):
    (shown,) = (await owner.get("/v1/policies")).json()["items"]
    assert (shown["name"], shown["no_driver_yet"]) == ("brazil", False)
    assert (await owner.get("/v1/policies/Policy/brazil")).json()["no_driver_yet"] is False


async def test_who_stands_in_a_policy_by_the_door(api, owner):
    counts = (await owner.get("/v1/policies/counts")).json()
    assert counts == {
        "items": [
            {
                "kind": "Policy", "name": "brazil", "in_force": 10, "waiting_in": 0, "waiting_out": 0, "barred": 3,
                "held_out": 0,
            }
        ],
        "counted": True,
    }  # fmt: skip
    assert (await api.client("owner@north").get("/v1/policies/counts")).status_code == 403
    assert (await api.client("owner~other").get("/v1/policies/counts")).json()["items"] == []

    async def all_of(client, standing: str) -> list[dict]:
        found, cursor = [], None
        for _ in range(20):
            params = {"standing": standing, "limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/v1/policies/Policy/brazil/devices", params=params)).json()
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return found
        raise AssertionError(found)

    inside, barred = await all_of(owner, "in_force"), await all_of(owner, "barred")
    assert len({one["id"] for one in inside}) == len(inside) == 10
    assert {one["since"] for one in inside} == {None}
    assert len({one["id"] for one in barred}) == len(barred) == 3
    assert [one["since"] for one in barred] == sorted(one["since"] for one in barred)
    assert {one["revision"] for one in barred} == {1}
    assert not {one["id"] for one in inside} & {one["id"] for one in barred}
    assert await all_of(owner, "waiting_in") == []

    north = api.client("owner@north")
    assert [one["group"] for one in await all_of(north, "in_force")] == ["north"]
    assert [one["group"] for one in await all_of(north, "barred")] == ["north"]
    other = await api.client("owner~other").get("/v1/policies/Policy/brazil/devices")
    assert other.status_code == 404


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "WyIyMDI2IiwiYSJd", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiYSJd"])
@pytest.mark.parametrize("standing", ["in_force", "barred"])
async def test_a_cursor_of_another_list_is_refused(owner, cursor, standing):
    params = {"cursor": cursor, "standing": standing}
    refused = await owner.get("/v1/policies/Policy/brazil/devices", params=params)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "cursor"


async def test_pages_of_policies_hold_each_once_though_kinds_share_names(api):
    api.services.add(Stories(stores(api), ChangeStore(), PolicyStore(), None))  # pyright: ignore[reportArgumentType]
    store, now = PolicyStore(), api.timekeeper.now()
    named = [(kind, name) for kind in ("Grant", "Policy", "Strategy") for name in ("alpha", "beta")]
    async with api.database.tenant(api.tenant) as tx:
        for number, (kind, name) in enumerate(named):
            policy = await store.ensure_policy(tx, UUID(int=100 + number), kind, name, now)
            revision = NewRevision(
                policy=policy, resource={}, source="", digest=b"x", removed=False, author=UUID(int=5)
            )
            await store.add_revision(tx, revision, now)
        await tx.execute("update revision set state = 2")
        await tx.execute("update policy set kept = 1")
    owner = api.client()
    for limit in (1, 2, 3, 6, 7):
        seen, cursor = [], None
        while True:
            asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            page = (await owner.get("/v1/policies", params=asked)).json()
            seen += [(one["kind"], one["name"]) for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == named, limit
    strategies = (await owner.get("/v1/policies", params={"kind": "Strategy", "limit": 1})).json()
    second = (await owner.get("/v1/policies", params={"kind": "Strategy", "cursor": strategies["next"]})).json()
    assert [one["name"] for one in strategies["items"] + second["items"]] == ["alpha", "beta"]
