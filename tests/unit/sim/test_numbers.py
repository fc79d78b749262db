"""The simulator's check digits, judged by the server's own reading of them (written apart)."""

from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.identifiers import read_eid, read_iccid, read_imei, read_imsi
from fairlead_sim.world.atlas import COUNTRIES, NETWORKS
from fairlead_sim.world.numbers import make_eid, make_iccid, make_imei, make_imsi


@given(st.integers(0, 99_999))
def test_numbers_that_the_server_accepts(serial: int) -> None:
    assert read_iccid(make_iccid("89900100", serial), digits=19)
    assert read_iccid(make_iccid("89900100", serial, 20), digits=20)
    assert read_imsi(make_imsi("286", "01", serial))
    assert read_imei(make_imei("35209900", serial))
    assert read_eid(make_eid(serial))


def test_the_atlas_is_consistent() -> None:
    assert len(COUNTRIES) >= 14
    assert sum(len(country.networks) for country in COUNTRIES.values()) == len(NETWORKS)
    for plmn, network in NETWORKS.items():
        assert network.country in COUNTRIES
        assert len(network.mcc) == 3
        assert len(network.mnc) in {2, 3}
        assert plmn == f"{network.mcc}-{network.mnc}"
