"""`/v1/shipments` as its callers see it: one that leaves, those that are refused, one that is cancelled, bad input."""

from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest_asyncio
from tests.store.carrier_on_paper import CarrierOnPaper
from tests.store.fleet_on_paper import iccid
from tests.store.loop_on_paper import clock
from tests.store.test_bulk import PLAIN, allowed, done
from tests.store.test_life import heard, lives, outside
from tests.store.test_loop import House, built
from tests.store.test_loop_faults import worker
from tests.store.test_shipments import lawful, use, watcher
from tests.system.conftest import Api

from fairlead.engine.certificates import Certificates
from fairlead.engine.shipments import Shipments
from fairlead.model.reference import Reference
from fairlead.store.certificates import CertificateStore
from fairlead.store.shipments import ShipmentStore

SENT = {"country": "TR", "devices": ["dev-0001"], "leaves_on": "2026-03-05", "arrives_on": "2026-04-01"}


@dataclass
class Stage:
    api: Api
    house: House

    def client(self, who: str = "operator") -> httpx.AsyncClient:
        return self.api.client(who)

    async def made(self, **other: object) -> str:
        answer = await self.client().post("/v1/shipments", json=SENT | other)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def checked(self, shipment: str) -> dict:
        answer = await self.client().post(f"/v1/shipments/{shipment}/check", json={})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def run(self) -> CarrierOnPaper:
        """The loop and the carriers, until nothing moves any more."""
        carrier = CarrierOnPaper(done)
        hand = worker(self.house, carrier)
        for _ in range(8):
            clock(self.house, timedelta(seconds=5))
            carrier.now = self.house.now
            await self.house.tick()
            await hand.dispatch(self.house.tenant)
            await hand.read_back(self.house.tenant)
            await self.house.devices_obey()
        return carrier


@pytest_asyncio.fixture(loop_scope="session")
async def stage(api: Api) -> Stage:
    house: House = built(api.database, api.tenant)
    api.services.add(Certificates(CertificateStore(api.database)))
    api.services.add(
        Shipments(
            house.stores, ShipmentStore(), house.planner, house.changes, watcher(house), api.services.of(Reference),
            allowed(lambda connector: PLAIN),
        )
    )  # fmt: skip
    await outside(house, 6, out=6)
    await lawful(house)
    return Stage(api, house)


def found(shown: dict, level: str) -> dict[str, dict]:
    reasons = [*shown["reasons"], *(one for line in shown["lines"] for one in line["reasons"])]
    return {one["code"]: one for one in reasons if one["level"] == level}


async def test_a_legal_shipment_leaves_and_its_sims_become_active_at_the_carrier(stage: Stage) -> None:
    shipment = await stage.made(devices=["dev-0001", "sn-dev-0003"], route="by sea", note="order 4711")
    shown = await stage.checked(shipment)
    assert (shown["state"], found(shown, "refused"), shown["activation"]["devices"]) == ("ready", {}, 2)
    assert "legal advice" in shown["notice"]
    assert (await stage.client("technician").post(f"/v1/shipments/{shipment}/leave", json={})).status_code == 403
    answer = await stage.client().post(f"/v1/shipments/{shipment}/leave", json={"reason": "on the truck"})
    assert answer.status_code == 200, answer.text
    left = answer.json()
    assert (left["state"], left["change_state"], left["arrived"]) == ("left", "running", 0)
    carrier = await stage.run()
    assert carrier.executed == {("activate", iccid(1, 2)): 1, ("activate", iccid(3, 2)): 1}
    states = await stage.house.sql("select iccid, state from subscription where state = 4 order by iccid")
    assert [row[0] for row in states] == [iccid(1, 2), iccid(3, 2)]
    await heard(stage.house)
    await stage.run()
    assert await lives(stage.house) == {"active": 2, "manufactured": 4}
    await stage.house.sql(
        "insert into presence (tenant, device, country, first_at, last_at) select tenant, id, 'TR', %s, %s from device",
        stage.house.now + timedelta(days=1), stage.house.now + timedelta(days=1),
    )  # fmt: skip
    read = (await stage.client("auditor").get(f"/v1/shipments/{shipment}")).json()
    assert (read["state"], read["arrived"], read["elsewhere"]) == ("arrived", 2, 0)
    devices = (await stage.client().get(f"/v1/shipments/{shipment}/devices?whereabouts=arrived&limit=1")).json()
    assert [(one["name"], one["country"]) for one in devices["items"]] == [("dev-0001", "TR")]
    rest = (await stage.client().get(f"/v1/shipments/{shipment}/devices?cursor={devices['next']}")).json()
    assert [one["name"] for one in rest["items"]] == ["dev-0003"]
    listed = (await stage.client().get("/v1/shipments?state=arrived")).json()["items"]
    assert [one["id"] for one in listed] == [shipment]


async def test_a_foreign_profile_is_refused_where_the_law_prohibits_it_with_what_to_do(stage: Stage) -> None:
    await use(stage.house, "global")
    shipment = await stage.made(country="BR", devices=["dev-0000"])
    shown = await stage.checked(shipment)
    refused = found(shown, "refused")
    assert (shown["state"], refused["roaming-prohibited"]["rule"]) == ("refused", "br-permanent-roaming")
    assert refused["roaming-prohibited"]["sources"]
    assert "at home in BR" in refused["roaming-prohibited"]["do"]
    assert "/v1/certificates/TRK-1/BR/certification" in refused["certificate-missing"]["do"]
    answer = await stage.client().post(f"/v1/shipments/{shipment}/leave", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    answer = await stage.client("owner").post(f"/v1/shipments/{shipment}/override", json={"reason": "I say so"})
    assert (answer.status_code, answer.json()["code"]) == (
        409,
        "not_overridable",
    )  # a certificate nobody can talk into being
    record = {"number": "01234-21-05678", "valid_until": "2027-01-01"}
    put = await stage.client().put("/v1/certificates/TRK-1/BR/certification", json=record)
    assert put.status_code == 200, put.text
    assert "certificate-missing" not in found(await stage.checked(shipment), "refused")


async def test_a_blind_one_is_refused_and_what_nobody_knows_is_said(stage: Stage) -> None:
    await stage.house.sql("update coverage set country = 'GR'")
    await stage.house.sql("delete from sku")
    shown = await stage.checked(shipment := await stage.made())
    assert (shown["state"], set(found(shown, "refused"))) == ("refused", {"no-coverage"})
    assert {"radio-unknown"} == set(found(shown, "unknown"))
    await stage.house.sql("update coverage set country = 'TR'")
    shown = await stage.checked(shipment)
    assert (shown["state"], found(shown, "unknown")["radio-unknown"]["stops"]) == ("ready", False)
    put = await stage.client("approver").put("/v1/shipments/settings", json={"strict": True})
    assert put.status_code == 200, put.text
    assert (await stage.checked(shipment))["state"] == "refused"
    said = {"reason": "asked them"}
    own = await stage.client().post(f"/v1/shipments/{shipment}/override", json=said)
    assert own.status_code == 403
    passed = await stage.client("compliance").post(f"/v1/shipments/{shipment}/override", json=said)
    assert (passed.status_code, passed.json()["state"]) == (200, "ready")


async def test_a_cancelled_one_leaves_nothing(stage: Stage) -> None:
    await stage.checked(shipment := await stage.made())
    again = await stage.client().post("/v1/shipments", json=SENT)
    assert (again.status_code, shipment in again.text) == (422, True)
    cancelled = await stage.client().post(f"/v1/shipments/{shipment}/cancel", json={"reason": "withdrawn"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await stage.client().post(f"/v1/shipments/{shipment}/leave", json={})).status_code == 409
    assert (await stage.run()).called == {}
    assert await lives(stage.house) == {"manufactured": 6}
    await stage.made()


async def test_what_moved_since_the_check_is_told_at_the_door(stage: Stage) -> None:
    await stage.checked(shipment := await stage.made())
    await stage.client().put("/v1/certificates/TRK-1/TR/certification", json={"number": "C-2", "valid_until": "2026-03-20"},
                             headers={"If-Match": '"1"'})  # fmt: skip
    answer = await stage.client().post(f"/v1/shipments/{shipment}/leave", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "drifted")
    told = answer.json()["differences"]["reasons"]
    assert {"reason": "refused:certificate-expired:TRK-1:C-2", "before": 0, "now": 1} in told
    assert await stage.house.sql("select count(*) from change") == [(0,)]


BAD: list[tuple[str, dict, int, str]] = [
    ("auditor", {}, 403, "plans.make"),
    ("operator@north", {}, 403, ""),
    ("operator", {"country": "XX"}, 422, "/country"),
    ("operator", {"country": "Turkey"}, 422, "/country"),
    ("operator", {"devices": []}, 422, "/devices"),
    ("operator", {"devices": ["dev-0001", "nobody"]}, 422, "/devices/1"),
    ("operator", {"devices": ["a\x00b"]}, 422, "/devices/0"),
    ("operator", {"match": "sku == "}, 422, "/devices"),
    ("operator", {"devices": [], "match": "sku =="}, 422, "/match"),
    ("operator", {"devices": [], "match": "sku == 'none'"}, 422, "/match"),
    ("operator", {"leaves_on": "2026-02-28"}, 422, "/leaves_on"),
    ("operator", {"arrives_on": "2026-03-04"}, 422, "/arrives_on"),
    ("operator", {"leaves_on": "soon"}, 422, "/leaves_on"),
    ("operator", {"colour": "red"}, 422, "/colour"),
    ("operator~other", {}, 422, "/devices/0"),
]


async def test_bad_input_is_located_and_writes_nothing(stage: Stage) -> None:
    for who, change, status, says in BAD:
        answer = await stage.client(who).post("/v1/shipments", json=SENT | change)
        assert answer.status_code == status, (change, answer.text)
        pointers = [one["pointer"] for one in answer.json().get("errors", [])]
        assert says in pointers if status == 422 else says in answer.text, (change, answer.text)
    assert await stage.house.sql("select count(*) from shipment") == [(0,)]


async def test_the_activation_may_wait_for_another_person(stage: Stage) -> None:
    await stage.checked(shipment := await stage.made())
    answer = await stage.client().post(f"/v1/shipments/{shipment}/leave", json={"approvals": 1})
    assert (answer.json()["state"], answer.json()["change_state"]) == ("left", "planned"), answer.text
    assert (await stage.run()).called == {}


async def test_another_tenants_is_not_there(stage: Stage) -> None:
    shipment = await stage.made()
    other = stage.client("operator~other")
    for path in (f"/v1/shipments/{shipment}", f"/v1/shipments/{shipment}/devices"):
        assert (await other.get(path)).status_code == 404
    for verb in ("check", "leave", "cancel"):
        assert (await other.post(f"/v1/shipments/{shipment}/{verb}", json={})).status_code == 404
    assert (await other.get("/v1/shipments")).json()["items"] == []
    assert (await other.get("/v1/certificates")).json()["items"] == []
    assert (await stage.client().post("/v1/shipments/chg_1/check", json={})).status_code == 422


async def test_certificates_are_recorded_imported_and_taken_away(stage: Stage) -> None:
    client, path = stage.client(), "/v1/certificates/TRK-9/BR/certification"
    made = await client.put(path, json={"number": "A-1", "valid_until": "2026-12-31"})
    assert (made.status_code, made.headers["etag"], made.json()["days_left"]) == (200, '"1"', 305)
    assert (await client.put(path, json={"number": "A-2"})).status_code == 428
    assert (await client.put(path, json={"number": "A-2"}, headers={"if-match": '"9"'})).status_code == 412
    wrong = await client.put(path, json={"number": "A", "valid_from": "2027-01-01", "valid_until": "2026-01-01"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/valid_until")
    assert (await client.put("/v1/certificates/TRK-9/XX/certification", json={"number": "A"})).status_code == 422
    assert (await stage.client("technician").put(path, json={"number": "A"})).status_code == 403
    text = "sku,country,number,valid_until\nTRK-9,BR,A-3,2027-12-31\nTRK-9,MX,M-1,\n"
    report = await client.post("/v1/imports?kind=certificates", content=text, headers={"content-type": "text/csv"})
    assert (report.json()["created"], report.json()["changed"]) == (1, 1)
    again = await client.post("/v1/imports?kind=certificates", content=text, headers={"content-type": "text/csv"})
    assert again.json()["unchanged"] == 2
    bad = (
        "sku,country,topic,number,valid_until\nTRK-9,ZZ,certification,A,\nTRK-9,BR,wedding,A,\nTRK-9,BR,,A,2027-13-01\n"
    )
    report = await client.post("/v1/imports?kind=certificates", content=bad, headers={"content-type": "text/csv"})
    assert report.status_code == 422
    assert [(one["line"], one["column"]) for one in report.json()["errors"]] == [
        (2, "country"), (3, "topic"), (4, "valid_until"),
    ]  # fmt: skip
    page = (await client.get("/v1/certificates?sku=TRK-9&limit=1")).json()
    rest = (await client.get(f"/v1/certificates?sku=TRK-9&cursor={page['next']}")).json()
    assert [(one["country"], one["number"]) for one in (*page["items"], *rest["items"])] == [
        ("BR", "A-3"),
        ("MX", "M-1"),
    ]
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404
