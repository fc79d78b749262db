"""One inventory for every kind of card, and one view of a device: profile, configuration, firmware and flags."""

from fairlead.edge.mqtt.shadow import ARITHMETIC
from fairlead.engine.shadow import Shadows, Update
from fairlead.model.device import FORM_FACTORS
from fairlead.store.moves import MoveStore
from fairlead.store.shadow import ShadowStore

from .conftest import NOW

CSV = {"content-type": "text/csv"}
KINDS = (
    ("2FF", "uicc"),
    ("3FF", "uicc"),
    ("4FF", "uicc"),
    ("MFF2", "euicc"),
    ("iSIM", "iuicc"),
    ("softSIM", "softsim"),
)


def numbered(n: int) -> str:
    from fairlead.model.identifiers import luhn_digit

    bare = f"8901{n:014d}"
    return bare + luhn_digit(bare)


async def a_fleet(api) -> None:
    owner = api.client()
    made = await owner.post("/v1/carriers", json={"name": "global-sim", "carrier": "Northwind Mobile"})
    assert made.status_code == 201, made.text
    devices = "name\n" + "".join(f"d{n}\n" for n in range(len(KINDS)))
    assert (await owner.post("/v1/imports?kind=devices", content=devices, headers=CSV)).status_code == 200
    sims = "iccid,device,account,form_factor,technology\n" + "".join(
        f"{numbered(n)},d{n},global-sim,{form},{technology}\n" for n, (form, technology) in enumerate(KINDS)
    )
    answer = await owner.post("/v1/imports?kind=sims", content=sims, headers=CSV)
    assert answer.status_code == 200, answer.text


async def test_every_form_factor_stands_in_one_inventory(api):
    await a_fleet(api)
    assert [form for form, _ in KINDS] == list(FORM_FACTORS)
    for n, (form, technology) in enumerate(KINDS):
        found = (await api.client().get(f"/v1/devices/d{n}")).json()
        (card,) = found["cards"]
        (profile,) = found["profiles"]
        assert (card["form_factor"], card["technology"]) == (form, technology)
        assert (profile["card"], profile["iccid"]) == (card["id"], numbered(n))
    assert len((await api.client().get("/v1/subscriptions")).json()["items"]) == len(KINDS)


async def test_profile_configuration_firmware_and_flags_in_one_view(api):
    await a_fleet(api)
    shadows = Shadows(api.database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=lambda: NOW)
    said = {2: {"report_interval_s": 900}, 3: {"version": "2.1"}, 4: {"beta": True}}
    await shadows.apply(api.tenant, [Update(device="d3", facet=facet, patch=patch) for facet, patch in said.items()])
    found = (await api.client().get("/v1/devices/d3")).json()
    assert found["profiles"][0]["enabled"] is True
    shown = {one["facet"]: one["reported"] for one in found["facets"]}
    assert shown == {"config": said[2], "firmware": said[3], "flags": said[4]}
    assert found["facts"]["firmware"] == "2.1"
    assert {one["reported_age_s"] for one in found["facets"]} == {0}
