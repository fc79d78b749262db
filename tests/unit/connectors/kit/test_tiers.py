"""Who may write: gold, whoever was allowed by name, and in a lab what stands on loopback."""

import pytest

from fairlead.connectors._kit.tiers import Tier, read_tiers, simulated, withheld

LOOPBACK = {"base_url": "http://127.0.0.1:8123/v1"}
REAL = {"base_url": "https://api.carrier.example"}


@pytest.mark.parametrize("tier", [Tier.GOLD, Tier.PLATINUM])
def test_gold_writes_anywhere(tier: Tier) -> None:
    assert withheld(tier, REAL, lab=False) == ""


@pytest.mark.parametrize("tier", [Tier.NONE, Tier.BRONZE, Tier.SILVER])
@pytest.mark.parametrize(
    "config", [REAL, {}, {"base_url": "https://127.0.0.1.carrier.example"}, {"files": {"folder": "x"}}]
)
@pytest.mark.parametrize("lab", [True, False])
def test_below_gold_a_real_account_only_reads(tier: Tier, config: dict[str, object], lab: bool) -> None:
    said = withheld(tier, config, lab=lab)
    assert said.startswith("because its connector ")
    assert 'writes: "allowed"' in said
    assert (tier.word in said) == bool(tier)


def test_an_account_is_allowed_by_name_and_by_nothing_else() -> None:
    assert withheld(Tier.SILVER, REAL | {"writes": "allowed"}, lab=False) == ""
    for other in (True, "yes", "ALLOWED", 1):
        assert withheld(Tier.SILVER, REAL | {"writes": other}, lab=False)


def test_a_simulated_carrier_is_told_by_its_address_and_only_in_a_lab() -> None:
    assert withheld(Tier.NONE, LOOPBACK, lab=True) == ""
    assert withheld(Tier.NONE, LOOPBACK, lab=False)


@pytest.mark.parametrize(
    ("config", "is_one"),
    [
        ({"base_url": "http://localhost:1"}, True), ({"base_url": "http://[::1]:1/"}, True), ({"base_url": ""}, False),
        ({"base_url": "http://127.0.0.1@real.example"}, False), ({"base_url": "::"}, False),
        ({"files": {"sftp": {"host": "127.0.0.1"}}}, True), ({"files": {"sftp": {"host": "sftp.example.com"}}}, False),
        ({"files": {"sftp": {"host": "sftp.example.com"}}, "base_url": "http://127.0.0.1"}, False),
    ],
)  # fmt: skip
def test_addresses(config: dict[str, object], is_one: bool) -> None:
    assert simulated(config) is is_one


def test_every_connector_of_this_house_is_in_the_table() -> None:
    from fairlead.wiring.house import CONNECTORS

    assert set(read_tiers()) >= set(CONNECTORS)
