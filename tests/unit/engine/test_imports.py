"""Reading files: whatever comes in gives rows or named faults, and each cell is what its column says."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fairlead.reference
from fairlead.engine.imports.cells import BadCell, mac, money_nano, tags
from fairlead.engine.imports.kinds import Setting, columns_of, format_of
from fairlead.engine.imports.reading import Row, UnreadableFile, open_sheet, read_mapping
from fairlead.engine.ports.imports import KINDS, STAGED, Fault
from fairlead.model.ids import show

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def setting() -> Setting:
    numbers = iter(range(1, 10_000_000))
    return Setting(
        reference=fairlead.reference.load(),
        accounts={"one": None, "two": 20},
        account=None,
        now=NOW,
        mint=lambda: UUID(int=next(numbers)),
    )


def sheet(content: bytes, kind="devices", **mapping):
    return open_sheet(io.BytesIO(content), columns_of(kind), mapping)


def read(setting, kind, **cells):
    found = format_of(kind, setting).read(Row(line=7, cells=cells))
    return found if isinstance(found, list) else dict(zip(STAGED[kind], found, strict=True))


@given(st.binary(max_size=400))
def test_any_bytes_give_rows_faults_or_a_refusal(content):
    for start in (b"", b"name,serial\n", b"name;imei\n\xef\xbb\xbf"):
        try:
            found = list(sheet(start + content).rows)
        except UnreadableFile as refused:
            assert refused.faults  # noqa: PT017 - either way is right
            continue
        lines = [one.line for one in found]
        assert all(isinstance(one, Row | Fault) for one in found)
        assert lines == sorted(lines)


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20), min_size=2, max_size=2),
        max_size=20,
    ),
    st.sampled_from(",;\t"),
)
def test_what_a_csv_writer_writes_is_read_back(rows, delimiter):
    import csv

    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["name", "sku"])
    writer.writerows(rows)
    found = list(sheet(text.getvalue().encode()).rows)
    wanted = [
        {key: cell.strip() for key, cell in zip(("name", "sku"), row, strict=True) if cell.strip()} for row in rows
    ]
    assert [dict(one.cells) for one in found] == [cells for cells, row in zip(wanted, rows, strict=True) if any(row)]


def test_the_delimiter_is_found_from_the_header_and_a_mark_is_dropped():
    for delimiter in ",;\t":
        rows = list(sheet(f"\ufeffname{delimiter}sku\r\na{delimiter}b\r\n".encode()).rows)
        assert rows == [Row(line=2, cells={"name": "a", "sku": "b"})]


def test_a_mapping_is_read_with_quotes_and_its_faults_are_named():
    assert read_mapping(["serial:Serial No,name:Device", '"imei:IMEI, main"']) == {
        "serial": "Serial No",
        "name": "Device",
        "imei": "IMEI, main",
    }
    for bad in ("serial", ":x", "serial:", "serial:a,serial:b"):
        with pytest.raises(UnreadableFile):
            read_mapping([bad])


def test_mapped_columns_only_are_read_and_others_are_told():
    found = sheet(b"Serial No,Name,Colour\nS1,n,red\n", serial="serial-no")
    assert found.ignored == ["Colour"]
    assert list(found.rows) == [Row(line=2, cells={"serial": "S1", "name": "n"})]


def test_every_kind_stages_exactly_its_columns(setting):
    given = {
        "devices": {"name": "a"},
        "sims": {"iccid": "8944500102198304826", "account": "one"},
        "presence": {"device": "a", "country": "br", "first": "2026-01-01"},
        "sessions": {
            "device": "a",
            "plmn": "262-02",
            "first": "2026-01-01T10:00:00+02:00",
            "last": "2026-01-01T09:00:00",
        },
        "prices": {"plan": "p", "currency": "eur", "monthly": "1.25", "valid_from": "2026-01-01", "included": "5 MB"},
        "contracts": {
            "account": "one",
            "number": "C-1",
            "start": "2026-01-01",
            "end": "2027-01-01",
            "notice_days": "90",
        },
        "coverage": {"account": "one", "country": "br", "rats": "GSM, LTE-M", "source": "x", "as_of": "2026-01-01"},
        "skus": {"sku": "TRK", "rats": "LTE-M / NB-IoT", "bands": "B3,B20"},
        "sunsets": {
            "country": "my",
            "rat": "UMTS",
            "plmn": "502-16",
            "off_on": "2021-12-31",
            "confidence": "medium",
            "source": "x",
            "as_of": "2021-12-31",
        },
        "usage": {"iccid": "8944500102198304826", "start": "2026-01-01", "total": "5"},
        "certificates": {"sku": "TRK", "country": "br", "number": "01234-21-05678", "valid_until": "2029-12-31"},
    }
    assert given.keys() == set(KINDS)
    for kind, cells in given.items():
        row = read(setting, kind, **cells)
        assert isinstance(row, dict), row
        assert row["line"] == 7


def test_a_session_is_read_in_utc_and_its_network_tells_the_country(setting):
    row = read(
        setting, "sessions", iccid="8944500102198304826", plmn="26202", first="2026-01-01T10:00:00+02:00", bytes="5"
    )
    assert row["first_at"] == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert (row["country"], row["plmn"], row["open"], row["bytes"]) == ("DE", "262-02", True, 5)


def test_an_international_network_lies_in_no_country(setting):
    (fault,) = read(setting, "presence", device="a", plmn="901-28", first="2026-01-01")
    assert fault.column == "country"
    row = read(setting, "presence", device="a", plmn="901-28", country="BR", first="2026-01-01")
    assert (row["country"], row["plmn"]) == ("BR", "901-28")


def test_how_long_an_iccid_is_belongs_to_the_account(setting):
    nineteen = "8944500102198304826"
    assert read(setting, "sims", iccid=nineteen, account="one")["iccid"] == nineteen
    completed = read(setting, "sims", iccid=nineteen, account="two")
    assert len(completed["iccid"]) == 20
    assert completed["iccid_raw"] == nineteen


def test_a_feed_without_check_digits_is_read_as_its_accounts(setting):
    raw = "8944500102198304826"
    of_two = replace(setting, account="two")
    staged = read(of_two, "presence", iccid=raw, country="BR", first="2026-01-01")
    assert staged["iccid"] == read(setting, "sims", iccid=raw, account="two")["iccid"]


def test_a_sims_home_country_is_its_networks(setting):
    assert (
        read(setting, "sims", iccid="8944500102198304826", account="one", imsi="262021234567890")["home_country"]
        == "DE"
    )


def test_all_faults_of_a_row_are_told_at_once(setting):
    faults = read(setting, "devices", imei="1", eid="2", mac="x", home_country="Brazil")
    assert {fault.column for fault in faults} == {"imei", "eid", "mac", "home_country"}
    assert {fault.line for fault in faults} == {7}


def test_a_name_that_an_address_takes_for_something_else_is_refused(setting):
    for name in ("count", "facets", "credentials", show("dev", UUID(int=7)), show("chg", UUID(int=7))):
        (fault,) = read(setting, "devices", name=name)
        assert (fault.line, fault.column, fault.value) == (7, "name", name)
        assert f"/v1/devices/{name}" in fault.expected
    for name in ("counts", "Count", "dev_7", "device-count"):
        assert read(setting, "devices", name=name)["name"] == name
    assert read(setting, "devices", serial="count")["own_name"] == "device-count"
    long_ago = read(setting, "presence", device="count", country="BR", first="2026-02-01")
    assert long_ago["device_name"] == "count"


def test_a_device_without_a_name_is_called_after_what_it_has(setting):
    assert read(setting, "devices", serial="A/1 2")["own_name"] == "A-1-2"
    (fault,) = read(setting, "devices", serial="///")
    assert fault.column == "name"


@given(st.integers(0, 2**63 - 1))
def test_money_is_exact_to_the_nano_unit(nano):
    text = f"{nano // 10**9}.{nano % 10**9:09d}"
    assert money_nano(text) == nano


@pytest.mark.parametrize(
    "bad", ["1,5", "1e3", "-1", "nan", "Infinity", "0.0000000001", "9223372037", "", "1_000", "٣", "1.", ".5"]
)
def test_money_that_is_not_exact_is_refused(bad):
    with pytest.raises(BadCell):
        money_nano(bad)


def test_tags_and_macs_have_one_spelling():
    assert tags("b, a;a") == "a b"
    assert mac("02-00-5E-10-00-0A") == "02:00:5e:10:00:0a"
    with pytest.raises(BadCell):
        tags("no/slash")


def test_a_price_needs_its_day_and_a_known_currency(setting):
    (fault,) = read(setting, "prices", plan="p", currency="EUR", monthly="1")
    assert fault.column == "valid_from"
    (fault,) = read(setting, "prices", plan="p", currency="EUX", monthly="1", valid_from="2026-01-01")
    assert fault.column == "currency"
    row = read(setting, "prices", plan="p", currency="EUR", monthly="1", valid_from="2026-01-01")
    assert (row["valid_from"], row["per_mb_nano"], row["monthly_nano"]) == (date(2026, 1, 1), 0, 10**9)
