"""`POST /v1/operations/{op}/settle` as its callers see it."""

import pytest
import pytest_asyncio
from tests.store.carrier_on_paper import Answer, CarrierOnPaper
from tests.store.fleet_on_paper import settle_fleet
from tests.store.loop_on_paper import applied
from tests.store.test_loop import House, built, policy
from tests.store.test_loop_faults import drive
from tests.system.conftest import Api

from fairlead.engine.settling import Settling
from fairlead.model.ids import show


@pytest_asyncio.fixture(loop_scope="session")
async def unknown(api: Api) -> str:
    """The printed id of an operation whose outcome nobody can read."""
    house: House = built(api.database, api.tenant)
    api.services.add(Settling(house.stores))
    await settle_fleet(api.database, api.tenant, 2)
    await applied(house, policy("BR"), stages=[100])
    await drive(house, CarrierOnPaper(lambda verb, sim, n: Answer.LOST_APPLIED, blind=True), rounds=3)
    return show("op", (await house.sql("select id from operation where state = 10"))[0][0])


async def test_an_operator_settles_it_once_and_the_contrary_is_refused(api: Api, unknown: str) -> None:
    path, sent = f"/v1/operations/{unknown}/settle", {"outcome": "applied", "reason": "seen in the portal"}
    for _ in range(2):
        answer = await api.client("operator").post(path, json=sent)
        assert (answer.status_code, answer.json()) == (200, {"id": unknown, "state": "verified"})
    contrary = await api.client("operator").post(path, json=sent | {"outcome": "not_applied"})
    assert contrary.status_code == 409
    assert contrary.json()["code"] == "wrong_state"
    assert "rollback" in contrary.json()["detail"]


@pytest.mark.parametrize(
    ("who", "path", "sent", "status"),
    [
        ("auditor", None, {"outcome": "applied", "reason": "x"}, 403),
        ("operator@north", None, {"outcome": "applied", "reason": "x"}, 403),
        ("operator~other", None, {"outcome": "applied", "reason": "x"}, 404),
        ("operator", "op_00000000000000000000000000", {"outcome": "applied", "reason": "x"}, 404),
        ("operator", "chg_1", {"outcome": "applied", "reason": "x"}, 422),
        ("operator", None, {"outcome": "perhaps", "reason": "x"}, 422),
        ("operator", None, {"outcome": "applied", "reason": ""}, 422),
        ("operator", None, {"outcome": "applied"}, 422),
        ("operator", None, {"outcome": "applied", "reason": "x", "more": 1}, 422),
    ],
)
async def test_what_is_refused_changes_nothing(
    api: Api, unknown: str, who: str, path: str | None, sent: dict, status: int
) -> None:
    answer = await api.client(who).post(f"/v1/operations/{path or unknown}/settle", json=sent)
    assert answer.status_code == status, answer.text
    async with api.database.tenant(api.tenant) as tx:
        row = await (await tx.execute("select state from operation")).fetchall()
    assert row == [(10,)]
