"""Steering and usage rules by the door: what they come to at each account, page by page; walls and roles hold."""

from datetime import timedelta

import pytest

from fairlead.engine.ports.steering import Kept
from fairlead.engine.steerings import Steerings
from fairlead.engine.usage_rules import UsageRules
from fairlead.model.access import PERMITS
from fairlead.store.steering import SteeringStore

VERDICT = {
    "account": "global", "connector": "soracom", "lines": 3, "judged": 3, "crossed": 2, "stale": 0, "unknown": 0, "cannot": 0,
    "cannot_because": "", "oldest": "2026-03-01T11:00:00+00:00", "action": "suspend", "action_because": "",
    "waits_because": "", "lines_by_state": {"held": 2},
}  # fmt: skip
LISTED = {
    "account": "global", "connector": "telnyx", "lines": 3, "possible": True, "because": "", "kind": "block",
    "plmns": ["262-23"], "notes": ["the order is not kept"], "standing": {"set": 3},
}  # fmt: skip


@pytest.fixture
async def owner(api):
    store = SteeringStore()
    rules = UsageRules(*[None] * 8)  # pyright: ignore[reportArgumentType]
    steering = Steerings(*[None] * 7)  # pyright: ignore[reportArgumentType]
    for one in (rules, steering):
        one._stores = type("S", (), {"transactions": api.database})()
    rules._verdicts = steering._rows = store
    api.services.add(rules)
    api.services.add(steering)
    now = api.timekeeper.now() - timedelta(seconds=90)

    def kept(name: str, account: str, verdict: dict) -> Kept:
        return Kept(name=name, account=account, revision=2, judged_at=now, verdict=verdict)

    async with api.database.tenant(api.tenant) as tx:
        await store.keep(tx, "UsageRule", [kept("runaway", a, VERDICT | {"account": a}) for a in ("a", "b", "c")])
        await store.keep(tx, "Steering", [kept("cheap", "global", LISTED), kept("nobody", "", {"lines": 0})])
    return api.client()


async def test_usage_rules_are_shown_account_by_account_and_page(owner):
    first = (await owner.get("/v1/usage-rules", params={"limit": 2})).json()
    assert [one["account"] for one in first["items"]] == ["a", "b"]
    shown = first["items"][0]
    assert (shown["name"], shown["revision"], shown["crossed"], shown["action"]) == ("runaway", 2, 2, "suspend")
    assert (shown["age_s"], shown["lines_by_state"]) == (90, {"held": 2})
    rest = (await owner.get("/v1/usage-rules", params={"limit": 2, "cursor": first["next"]})).json()
    assert ([one["account"] for one in rest["items"]], rest["next"]) == (["c"], None)


async def test_steering_is_shown_with_what_its_list_cannot_hold(owner):
    found = (await owner.get("/v1/steering")).json()["items"]
    assert [(one["name"], one["lines"], one["possible"]) for one in found] == [("cheap", 3, True), ("nobody", 0, False)]
    assert (found[0]["kind"], found[0]["plmns"], found[0]["standing"]) == ("block", ["262-23"], {"set": 3})
    assert found[0]["notes"] == ["the order is not kept"]
    (one,) = (await owner.get("/v1/steering", params={"name": "nobody"})).json()["items"]
    assert one["name"] == "nobody"


async def test_a_bad_cursor_is_refused_and_others_see_nothing(api, owner):
    for path in ("/v1/usage-rules", "/v1/steering"):
        assert (await owner.get(path, params={"cursor": "x"})).status_code == 422
        assert (await api.client("owner~other").get(path)).json()["items"] == []
        for role, permits in PERMITS.items():
            assert (await api.client(role).get(path)).status_code == (200 if "policies.read" in permits else 403), role
