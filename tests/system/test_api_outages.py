"""`/v1/outages`, `/v1/availability` and `/v1/objectives` over a real database: figures worked out by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from .conftest import NOW, Api

HOUR, BUCKET = timedelta(hours=1), timedelta(minutes=5)
ROWS = [  # kind, name, bucket back from NOW, expected, missing, away
    *((6, "", n, 110, 1, 5) for n in range(1, 13)),
    *((4, "meters", n, 100, 0, 5) for n in range(1, 13)),
    *((4, "trackers", n, 10, 1 if n <= 6 else 0, 0) for n in range(1, 13)),
    (4, "trackers", 13 * 24, 10, 10, 0),  # a day before
    (2, "global", 1, 90, 9, 10),
]


@dataclass
class Front:
    """The door, as an owner."""

    api: Api

    async def get(self, path, **more):
        return await self.api.client("owner").get(path, **more)

    async def put(self, path, **more):
        return await self.api.client("owner").put(path, **more)

    async def delete(self, path, **more):
        return await self.api.client("owner").delete(path, **more)


@pytest_asyncio.fixture(loop_scope="session")
async def front(api):
    return Front(api)


@pytest_asyncio.fixture(loop_scope="session")
async def counted(front):
    async with front.api.database.tenant(front.api.tenant) as tx:
        for kind, name, back, expected, missing, away in ROWS:
            await tx.execute(
                "insert into reach (tenant, kind, name, at, expected, missing, away) values (%s, %s, %s, %s, %s, %s, %s)",
                (front.api.tenant, kind, name, NOW - back * BUCKET, expected, missing, away),
            )
        await tx.execute(
            "insert into outage (tenant, kind, name, bad, good, since, is_out, blamed, usual_rate, opens_at)"
            " values (%s, 2, 'global', 2, 0, %s, true, true, 0.01, 0.11)",
            (front.api.tenant, NOW - HOUR),
        )
    return front


async def parts(front, **params):
    answer = await front.get("/v1/availability", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_availability_is_what_was_counted_by_hand(counted):
    page = await parts(counted, **{"from": (NOW - HOUR).isoformat(), "to": NOW.isoformat()})
    meters, trackers = page["items"]
    assert (meters["name"], meters["availability"], meters["met"]) == ("meters", 1.0, True)
    assert (meters["expected_minutes"], meters["elsewhere_minutes"]) == (100 * 60, 5 * 60)
    assert (trackers["availability"], trackers["missing_minutes"], trackers["met"]) == (0.95, 30, False)
    assert trackers["allowed_minutes"] == 0  # 0.6 of one
    assert page["measured_share"] == 1.0
    (whole,) = (await parts(counted, group_by="all"))["items"]
    assert whole["availability"] == round(1 - 1 / 110, 6)
    (carrier,) = (await parts(counted, group_by="carrier"))["items"]
    assert (carrier["availability"], carrier["elsewhere_minutes"]) == (0.9, 50)


async def test_a_window_takes_what_began_within_it(counted):
    day = {"from": (NOW - timedelta(days=2)).isoformat(), "to": NOW.isoformat()}
    trackers = (await parts(counted, **day))["items"][1]
    assert trackers["missing_minutes"] == 30 + 50


async def test_pages_go_on_where_the_last_one_ended(counted):
    first = await parts(counted, limit=1)
    second = await parts(counted, limit=1, cursor=first["next"])
    assert [page["items"][0]["name"] for page in (first, second)] == ["meters", "trackers"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "2026-03-01T00:00:00"}, "from"),
        ({"to": "2026-02-01T00:00:00Z", "from": "2026-02-02T00:00:00Z"}, "from"),
        ({"from": "2020-01-01T00:00:00Z"}, "from"),
        ({"group_by": "colour"}, "group_by"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_name(front, params, field):
    answer = await front.get("/v1/availability", params=params)
    assert answer.status_code == 422
    assert field in answer.text


async def test_strata_are_shown_as_they_stand(counted):
    page = (await counted.get("/v1/outages")).json()
    (one,) = page["items"]
    assert (one["kind"], one["name"], one["state"], one["blamed"]) == ("account", "global", "out", True)
    assert (one["expected"], one["missing"], one["away"], one["rate"]) == (80, 9, 10, round(9 / 80, 6))
    assert (one["usual_rate"], one["opens_at"]) == (0.01, 0.11)
    assert datetime.fromisoformat(page["at"]) == (NOW - BUCKET).astimezone(UTC)


async def test_a_group_is_promised_something_and_held_to_it(counted):
    path, given = "/v1/objectives/trackers", {"objective": 0.95, "heard_every_s": 3600}
    assert (await counted.put(path, json=given)).status_code == 428
    made = await counted.put(path, json=given, headers={"If-Match": '"0"'})
    assert (made.status_code, made.headers["ETag"]) == (200, '"1"')
    assert (await counted.put(path, json=given, headers={"If-Match": '"0"'})).status_code == 412
    window = {"from": (NOW - HOUR).isoformat(), "to": NOW.isoformat()}
    assert [one["met"] for one in (await parts(counted, **window))["items"]] == [True, True]  # exactly 95 %
    everyone = {"objective": 0.9999, "heard_every_s": 60}
    assert (await counted.put("/v1/objectives/*", json=everyone, headers={"If-Match": '"0"'})).status_code == 200
    meters, trackers = (await parts(counted, **window))["items"]
    assert (meters["objective"], trackers["objective"]) == (0.9999, 0.95)
    groups = (await counted.get("/v1/objectives")).json()["items"]
    assert [one["group"] for one in groups] == ["*", "trackers"]
    assert (await counted.delete(path, headers={"If-Match": '"9"'})).status_code == 412
    assert (await counted.delete(path, headers={"If-Match": '"1"'})).status_code == 204
    assert (await counted.delete(path, headers={"If-Match": '"1"'})).status_code == 404
    assert (await parts(counted, **window))["items"][1]["objective"] == 0.9999


@pytest.mark.parametrize("given", [{"objective": 1, "heard_every_s": 60}, {"objective": 0.9, "heard_every_s": 1}])
async def test_a_promise_that_cannot_be_kept_or_measured_is_refused(front, given):
    answer = await front.put("/v1/objectives/x", json=given, headers={"If-Match": '"0"'})
    assert answer.status_code == 422
