"""Who is stranded: every technology must end, where the device is; unknown is never safe and never stranded."""

from datetime import date

from fairlead.insight.radio import Ends
from fairlead.model.radio import Rat, SkuRadio, Sunset, read_rat

READ = date(2026, 1, 1)


def sunset(country: str, rat: Rat, off: date | None, plmn: str | None = None, confidence="high") -> Sunset:
    return Sunset(
        country=country, rat=rat, plmn=plmn, off_on=off, confidence=confidence, source=f"{rat} {off}", as_of=READ
    )


def radio(*rats: Rat) -> SkuRadio:
    return SkuRadio(sku="TRK", rats=rats)


ENDS = Ends.of(
    [
        sunset("AU", Rat.G2, date(2018, 12, 31)),
        sunset("AU", Rat.G3, date(2027, 6, 30), confidence="low"),
        sunset("MY", Rat.G3, date(2021, 12, 31), plmn="502-16"),
        sunset("JP", Rat.G2, None),
    ]
)


def test_a_radio_is_stranded_when_its_last_technology_ends():
    fate = ENDS.stranding(radio(Rat.G2, Rat.G3), "AU", "505-01")
    assert fate is not None
    assert (fate.first, fate.by, fate.confidence) == (date(2018, 12, 31), date(2027, 6, 30), "low")
    assert len(fate.sources) == 2
    assert ENDS.stranding(radio(Rat.G2, Rat.G3, Rat.LTE_M), "AU", "505-01") is None
    assert ENDS.stranding(radio(Rat.G2), "BR", None) is None


def test_an_end_on_one_network_strands_only_who_is_on_it():
    fate = ENDS.stranding(radio(Rat.G3), "MY", "502-16")
    assert fate is not None
    assert fate.network_only
    assert ENDS.stranding(radio(Rat.G3), "MY", "502-12") is None
    assert ENDS.stranding(radio(Rat.G3), "MY", None) is None


def test_what_is_off_since_nobody_knows_when_is_off_by_the_day_it_was_read():
    fate = ENDS.stranding(radio(Rat.G2), "JP", None)
    assert fate is not None
    assert fate.by == READ


def test_technologies_go_by_many_names():
    for said, rat in {
        "GPRS": Rat.G2, "HSPA+": Rat.G3, "4G": Rat.LTE, "Cat-1 bis": Rat.LTE, "LTE Cat M1": Rat.LTE_M, "eMTC": Rat.LTE_M,
        "nb iot": Rat.NB_IOT, "5G NR": Rat.G5,
    }.items():  # fmt: skip
        assert read_rat(said) is rat, said
    assert read_rat("WiFi") is None
