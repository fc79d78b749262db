"""`/v1/agreement`: seen by whoever sees Changes, changed by whoever may say who does what."""

import pytest
import pytest_asyncio

from fairlead.engine.agreement import Agreements
from fairlead.store.agreement import AgreementStore
from fairlead.store.journal import append

from .conftest import Api

SENT = {"charges": False, "reason": "one person runs this"}
FIRST = {"If-Match": '"0"'}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def rules(api: Api) -> None:
    api.services.add(Agreements(api.database, AgreementStore(), append))


async def test_an_owner_changes_it_once_from_what_was_read(api: Api) -> None:
    owner = api.client()
    seen = await owner.get("/v1/agreement")
    assert (seen.json()["charges"], seen.headers["etag"]) == (True, '"0"')
    made = await owner.put("/v1/agreement", json=SENT, headers=FIRST)
    assert (made.status_code, made.json()["charges"], made.json()["version"]) == (200, False, 1)
    late = await owner.put("/v1/agreement", json=SENT | {"charges": True}, headers=FIRST)
    assert late.status_code == 412
    assert (await api.client("operator").get("/v1/agreement")).json()["charges"] is False
    assert (await api.client("owner~other").get("/v1/agreement")).json()["charges"] is True


@pytest.mark.parametrize(
    ("who", "sent", "headers", "status"),
    [
        ("operator", SENT, FIRST, 403), ("approver", SENT, FIRST, 403), ("owner@north", SENT, FIRST, 403),
        ("owner", SENT, {}, 428), ("owner", SENT | {"reason": ""}, FIRST, 422), ("owner", {"charges": False}, FIRST, 422),
        ("owner", SENT | {"more": 1}, FIRST, 422),
    ],
)  # fmt: skip
async def test_what_is_refused_changes_nothing(
    api: Api, who: str, sent: dict[str, object], headers: dict[str, str], status: int
) -> None:
    assert (await api.client(who).put("/v1/agreement", json=sent, headers=headers)).status_code == status
    assert (await api.client().get("/v1/agreement")).json()["version"] == 0
