"""`/v1/findings` as its callers see them."""

import pytest
from tests.store.test_findings import Place, seen
from tests.system.conftest import Api

from fairlead.model.finding import Fact, FindingSubject, Severity, Sighting
from fairlead.model.ids import show

WHY = {"reason": "the carrier is told"}


async def raised(api: Api, *sightings: Sighting) -> list[str]:
    found = await Place(api.database, api.tenant).raised(*sightings)
    return [show("fnd", one.id) for one in found]


async def test_a_finding_is_listed_read_acknowledged_and_closed(api: Api) -> None:
    client = api.client("operator")
    (finding,) = await raised(api, seen("global", severity=Severity.CRITICAL))
    (listed,) = (await client.get("/v1/findings?state=open")).json()["items"]
    shown = (await client.get(f"/v1/findings/{finding}")).json()
    assert shown == listed
    assert shown["subject"] == {"kind": "account", "id": "global", "name": "global"}
    assert shown["evidence"]["failing"] == {"value": 5, "unit": "devices", "at": "2026-03-01T12:00:00Z"}
    assert shown["evidence"]["networks"]["value"] == ["724-05", "724-10"]
    assert (shown["severity"], shown["state"], shown["sightings"], shown["score"]) == ("critical", "open", 1, 0.75)
    assert "fail together" in shown["about"]
    known = await client.post(f"/v1/findings/{finding}/acknowledge", json=WHY)
    assert known.status_code == 200, known.text
    assert known.json()["acknowledged"]["reason"] == WHY["reason"]
    assert known.json()["acknowledged"]["by"].startswith("usr_")
    again = await client.post(f"/v1/findings/{finding}/acknowledge", json=WHY)
    assert (again.status_code, again.json()["type"], again.json()["differences"]) == (
        409, "/problems/finding-wrong-state", {"state": "acknowledged"},
    )  # fmt: skip
    closed = (await client.post(f"/v1/findings/{finding}/close", json={"reason": "a drill"})).json()
    assert (closed["state"], closed["closed"]["by"], closed["closed"]["reason"]) == ("closed", "person", "a drill")
    assert (await client.post(f"/v1/findings/{finding}/close", json=WHY)).status_code == 409
    lines = (await api.client("owner").get("/v1/journal")).json()["items"]
    assert {(one["action"], one["reason"]) for one in lines if one["subject_id"] == finding} == {
        ("finding.opened", ""), ("finding.acknowledged", WHY["reason"]), ("finding.closed", "a drill"),
    }  # fmt: skip


async def test_the_list_is_filtered_and_paged_and_counted(api: Api) -> None:
    client = api.client("auditor")
    await raised(api, *(seen(f"a{n:02}") for n in range(12)))
    brazil = FindingSubject(kind="country", id="BR", name="Brazil")
    (one,) = await raised(
        api,
        Sighting(
            kind="usage-rule", severity=Severity.CRITICAL, subject=brazil, title="Brazil sends at night",
            evidence={"gone": Fact(value=None)},
        ),
    )  # fmt: skip
    found, cursor = [], ""
    while cursor is not None:
        page = (await client.get(f"/v1/findings?limit=5{cursor and '&cursor=' + cursor}")).json()
        found += page["items"]
        cursor = page["next"]
    assert len({item["id"] for item in found}) == len(found) == 13
    assert found[0]["id"] == one, "the newest first"
    for query, count in (
        ("kind=usage-rule", 1), ("severity=critical", 1), ("severity=warning", 12), ("subject_kind=country", 1),
        ("subject_kind=account&subject_id=a03", 1), ("subject_id=BR&kind=carrier-outage", 0), ("state=closed", 0),
        ("state=live", 13), ("state=acknowledged", 0),
    ):  # fmt: skip
        assert len((await client.get(f"/v1/findings?{query}")).json()["items"]) == count, query
    await api.client("operator").post(f"/v1/findings/{one}/acknowledge", json=WHY)
    assert (await client.get("/v1/findings/counts")).json() == {
        "open": 12, "acknowledged": 1, "by_severity": {"warning": 12, "critical": 1},
        "by_kind": {"carrier-outage": 12, "usage-rule": 1}, "open_by_severity": {"warning": 12},
    }  # fmt: skip


async def test_home_names_critical_ones_that_nobody_knows_of(api: Api) -> None:
    finding, _ = await raised(api, seen("global", severity=Severity.CRITICAL), seen("local"))
    broken = (await api.client("owner").get("/v1/home")).json()["broken"]
    assert (broken["state"], broken["findings_critical"]) == ("bad", 1)
    assert broken["sentence"].startswith("1 critical finding is open")
    link = broken["link"]
    listed = (await api.client("owner").get(f"/v1/{link['screen']}?{link['query']}")).json()["items"]
    assert [one["id"] for one in listed] == [finding]
    await api.client("owner").post(f"/v1/findings/{finding}/acknowledge", json=WHY)
    assert (await api.client("owner").get("/v1/home")).json()["broken"]["findings_critical"] == 0


@pytest.mark.parametrize(
    ("who", "verb", "sent", "status", "says"),
    [
        ("auditor", "acknowledge", WHY, 403, "findings.write"),
        ("approver", "close", WHY, 403, "findings.write"),
        ("technician", "acknowledge", WHY, 200, ""),
        ("operator@north", "close", WHY, 403, "whole tenant"),
        ("operator", "close", {"reason": ""}, 422, "reason"),
        ("operator", "close", {}, 422, "reason"),
        ("operator", "close", WHY | {"force": True}, 422, "force"),
        ("operator~other", "close", WHY, 404, "unknown-finding"),
    ],
)
async def test_who_may_steer_and_what_is_refused(
    api: Api, who: str, verb: str, sent: dict, status: int, says: str
) -> None:
    (finding,) = await raised(api, seen("global"))
    answer = await api.client(who).post(f"/v1/findings/{finding}/{verb}", json=sent)
    assert answer.status_code == status, answer.text
    assert says in answer.text
    state = (await api.client("owner").get(f"/v1/findings/{finding}")).json()["state"]
    assert state == ("acknowledged" if status == 200 else "open")


@pytest.mark.parametrize(
    ("path", "status"),
    [("?kind=bad-mood", 422), ("?severity=9", 422), ("?state=standing", 422), ("?cursor=x", 422),
     ("?subject_kind=planet", 422), ("/fnd_x", 422), ("/dev_06cb00000000000000000000g1", 422),
     ("/fnd_06cb00000000000000000000g1", 404)],
)  # fmt: skip
async def test_bad_input_is_named(api: Api, path: str, status: int) -> None:
    answer = await api.client("owner").get(f"/v1/findings{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (await api.client("operator@north").get("/v1/findings")).status_code == 403
