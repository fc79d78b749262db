"""Which file counts, what stands in it, and what is said about what cannot be read."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.bench import TENANT
from tests.contract.benches.file import FILES, FileBench

from fairlead.connectors.file.mapping import BadMapping, Form, read_mapping
from fairlead.connectors.file.place import LocalPlace
from fairlead.connectors.file.rows import BadCell, BadFile, Row, bytes_of, instant, number, rows_of
from fairlead.engine.ports.carrier import NotFound, ProviderId, SimPage, Unavailable
from fairlead.model.subscription import SubscriptionState

HEAD = "Card;Subscriber;Number;Status;Tariff;Group"
ONE = "89904201000000001"  # 17 digits and a check digit that they leave out
IN_WORDS = "8990420100000000019"


def settings(**changed: Any) -> dict[str, Any]:
    kept = {name: one for name, one in FILES.items() if name in {"folder", "form", "iccid", "ready", "inventory"}}
    return {**kept, **changed}


@pytest.fixture
def quiet(office: FileBench) -> FileBench:
    """An office that exports nothing by itself."""
    office.settings = settings()
    office.fake.work = lambda: None
    return office


def write(office: FileBench, name: str, *lines: str, at: datetime | None = None, head: str = HEAD) -> Path:
    path = office.fake.folder / name
    path.write_bytes("\r\n".join([head, *lines, ""]).encode("cp1252"))
    stamp = (at or office.clock()).timestamp()
    os.utime(path, (stamp, stamp))
    return path


def row(serial: int, word: str = "Live", **more: str) -> str:
    return ";".join([f"899042010000000{serial:03}", more.get("imsi", ""), "", word, "", ""])


async def pages(office: FileBench) -> list[SimPage]:
    return [page async for page in office.open().list_sims()]


async def test_the_instant_is_in_the_name_or_else_the_files_time(quiet: FileBench) -> None:
    write(quiet, "stock_20260228060000_1.csv", row(1), at=quiet.clock() - timedelta(minutes=1))
    (page,) = await pages(quiet)
    assert page.sims[0].freshness.observed_at == datetime(2026, 2, 28, 6, tzinfo=UTC)
    unnamed = FILES["inventory"] | {"exported": {}}
    quiet.settings = settings(inventory=unnamed)
    (page,) = await pages(quiet)
    assert page.sims[0].freshness.observed_at == quiet.clock() - timedelta(minutes=1)


async def test_a_column_tells_the_instant_before_name_and_time(quiet: FileBench) -> None:
    quiet.settings = settings(inventory=FILES["inventory"] | {"exported": {"column": "Made", "name": r"_(\d{14})_"}})
    quiet.settings["form"] = FILES["form"] | {"time_zone": "Europe/Istanbul"}
    write(quiet, "stock_20260228060000_1.csv", row(1) + ";27.02.2026 23:00:00", head=HEAD + ";Made")
    (page,) = await pages(quiet)
    assert page.sims[0].freshness.observed_at == datetime(2026, 2, 27, 20, tzinfo=UTC)


async def test_a_copy_of_an_old_export_is_as_old_as_the_first(quiet: FileBench) -> None:
    quiet.settings = settings(inventory=FILES["inventory"] | {"exported": {}})
    first = quiet.clock() - timedelta(days=3)
    write(quiet, "stock_a.csv", row(1), at=first)
    write(quiet, "stock_b.csv", row(1), at=quiet.clock())
    (page,) = await pages(quiet)
    assert page.sims[0].freshness.observed_at == first


async def test_the_newest_counts_whatever_its_name(quiet: FileBench) -> None:
    quiet.settings = settings(inventory=FILES["inventory"] | {"exported": {}})
    write(quiet, "stock_b.csv", row(1, "Live"), at=quiet.clock() - timedelta(days=1))
    write(quiet, "stock_a.csv", row(1, "Barred"), at=quiet.clock())
    (page,) = await pages(quiet)
    assert page.sims[0].subscription.state is SubscriptionState.SUSPENDED


@pytest.mark.parametrize(
    ("ready", "half", "whole"),
    [
        ({"by": "rename"}, lambda path: path.rename(path.with_suffix(".csv.part")), lambda path: None),
        ({"by": "done"}, lambda path: None, lambda path: path.with_name(path.name + ".done").touch()),
        (
            {"by": "stable", "seconds": 60},
            lambda path: None,
            lambda path: os.utime(path, (path.stat().st_mtime - 61,) * 2),
        ),
    ],
)
async def test_a_file_that_is_being_written_is_left_alone(quiet: FileBench, ready: Any, half: Any, whole: Any) -> None:
    quiet.settings = settings(ready=ready, inventory=FILES["inventory"] | {"glob": "stock_*"})
    old = write(quiet, "stock_20260228060000_1.csv", row(1), at=quiet.clock() - timedelta(days=1))
    if ready["by"] == "done":
        old.with_name(old.name + ".done").touch()
    new = write(quiet, "stock_20260301060000_2.csv", row(1), row(2))
    half(new)
    assert [len(page.sims) for page in await pages(quiet)] == [1]
    if new.exists():
        whole(new)
        assert [len(page.sims) for page in await pages(quiet)] == [2]


async def test_no_whole_file_is_unavailable_and_says_which(quiet: FileBench) -> None:
    with pytest.raises(Unavailable, match=r"stock_\*\.csv"):
        await pages(quiet)
    quiet.settings = settings(ready={"by": "done"})
    write(quiet, "stock_20260301060000_2.csv", row(1))
    with pytest.raises(Unavailable, match="1 are not finished"):
        await quiet.open().check()


async def test_malformed_rows_are_complaints_with_file_and_line(quiet: FileBench) -> None:
    name = write(
        quiet, "stock_20260301060000_2.csv",
        row(1), "123;;;Live;;", "too;few", row(2, "Frozen", imsi="abc"), row(1), ";;;Live;;", "",
    ).name  # fmt: skip
    (page,) = await pages(quiet)
    assert [sim.subscription.provider_state for sim in page.sims] == ["Live", "Frozen"]
    assert page.sims[1].subscription.state is SubscriptionState.UNKNOWN
    assert [text.split(" iccid")[0].split(":")[0] for text in page.unreadable] == [
        f"{name} line {line}" for line in (3, 4, 6, 7)
    ]
    assert len(page.sims[1].complaints) == 1
    assert page.sims[1].complaints[0].startswith(f"{name} line 5 imsi: 'abc'")


async def test_a_missing_column_spoils_the_file_and_is_named(quiet: FileBench) -> None:
    write(quiet, "stock_20260301060000_2.csv", row(1), head=HEAD.replace("Status", "State"))
    with pytest.raises(Unavailable, match=r"stock_20260301060000_2.csv line 1: no column 'Status'"):
        await pages(quiet)


async def test_an_inventory_goes_on_in_the_file_it_began_with(quiet: FileBench) -> None:
    write(quiet, "stock_20260228060000_1.csv", *(row(serial) for serial in range(600)))
    first = await anext(quiet.open().list_sims())
    write(quiet, "stock_20260301060000_2.csv", row(1))
    rest = [page async for page in quiet.open().list_sims(after=first.next)]
    assert sum(len(page.sims) for page in rest) == 100
    (quiet.fake.folder / "stock_20260228060000_1.csv").unlink()
    with pytest.raises(Unavailable, match="begin anew"):
        _ = [page async for page in quiet.open().list_sims(after=first.next)]


async def test_invoices_keep_what_they_cannot_read_and_count_no_file_twice(quiet: FileBench) -> None:
    quiet.settings = settings(
        invoices={
            "glob": "bill_*.csv", "columns": {"iccid": "Card", "amount": "Net", "item": "What"}, "currency": "eur",
        }
    )  # fmt: skip
    lines = ("899042010000000001;1.234,50;Data", ";-3,00;Discount", "899042010000000002;a lot;Data")
    write(quiet, "bill_1.csv", *lines, head="Card;Net;What")
    write(quiet, "bill_again.csv", *lines, head="Card;Net;What", at=quiet.clock() + timedelta(hours=1))
    found = await quiet.open().read_invoices()
    assert [(one.amount, one.currency, one.item) for one in found] == [
        (Decimal("1234.50"), "EUR", "Data"), (Decimal("-3.00"), "EUR", "Discount"), (None, "EUR", "Data"),
    ]  # fmt: skip
    assert "line 4 amount: 'a lot'" in found[2].complaints[0]


# --- places -----------------------------------------------------------------------------------------


async def test_without_a_directory_in_the_settings_it_is_said_how_to_set_it() -> None:
    with pytest.raises(OSError, match="FAIRLEAD_CARRIERS_FILES"):
        async with LocalPlace(None, "tenant", "tr").visit():
            pass


async def test_no_symbolic_link_leads_out(quiet: FileBench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "stock_20260301060000_2.csv").write_text(HEAD + "\n" + row(7) + "\n")
    (quiet.fake.folder / "stock_20260301070000_3.csv").symlink_to(outside / "stock_20260301060000_2.csv")
    with pytest.raises(Unavailable, match="no whole file"):
        await pages(quiet)
    quiet.settings = settings(inventory=FILES["inventory"] | {"folder": "deeper"})
    (quiet.fake.folder / "deeper").symlink_to(outside, target_is_directory=True)
    with pytest.raises(Unavailable):
        await pages(quiet)
    (quiet.root / str(TENANT) / "elsewhere").symlink_to(outside, target_is_directory=True)
    with pytest.raises(OSError, match="symbolic links"):
        async with LocalPlace(quiet.root, str(TENANT), "elsewhere").visit():
            pass


@pytest.mark.parametrize("folder", ["../other", "/etc", "a/../../b", "a\\b"])
def test_a_folder_stays_below_the_accounts(folder: str) -> None:
    with pytest.raises(BadMapping, match="folder"):
        read_mapping({"files": settings(folder=folder)})


# --- the mapping ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inventroy": {}}, "unknown field `inventroy`"),
        ({"inventory": {"glob": "*.csv", "columns": {"iccid": "Card"}, "states": {}}}, "inventory.columns: state"),
        ({"inventory": FILES["inventory"] | {"states": {"Live": "alive"}}}, "alive"),
        ({"inventory": FILES["inventory"] | {"exported": {"name": r"\d+"}}}, "exactly one group"),
        ({"tickets": FILES["tickets"] | {"words": {"explode": "BOOM"}}}, "explode"),
        ({"tickets": FILES["tickets"] | {"kept": "tickets"}}, "another folder"),
        ({"usage": FILES["usage"] | {"unit": "MBit"}}, "MBit"),
        ({"form": {"time_zone": "Middle/Earth"}}, "Middle/Earth"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadMapping, match="files") as refused:
        read_mapping({"files": settings(**change)})
    assert said in str(refused.value)


# --- cells ------------------------------------------------------------------------------------------

COMMA, POINT = Form(decimal=","), Form()


@pytest.mark.parametrize(
    ("text", "form", "value"),
    [
        ("1.234.567,5", COMMA, "1234567.5"), ("0,500", COMMA, "0.500"), ("1,234.5", POINT, "1234.5"), ("-3", POINT, "-3"),
        ("12 345", POINT, "12345"),
    ],
)  # fmt: skip
def test_numbers_with_either_sign(text: str, form: Form, value: str) -> None:
    assert number(text, form) == Decimal(value)


@pytest.mark.parametrize("text", ["1,5", "12,34.5", "1_000", "NaN", "Infinity", "1e99", "", "٣"])
def test_a_number_that_could_mean_another_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        number(text, POINT)


def test_units_are_exact() -> None:
    assert bytes_of("1,5", "MiB", COMMA) == 1_572_864
    assert bytes_of("", "GB", COMMA) == 0


@given(st.binary(max_size=300))
def test_any_bytes_give_rows_complaints_or_a_bad_file(content: bytes) -> None:
    try:
        found = list(rows_of("x.csv", b"a;b\n" + content, {"iccid": "a", "state": "b"}, Form(delimiter=";")))
    except BadFile:
        return
    assert all(isinstance(one, Row) or one.startswith("x.csv line ") for one in found)


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_bad_cell(text: str) -> None:
    for read in (lambda: number(text, COMMA), lambda: instant(text, Form(dates=("iso", "%d.%m.%y")))):
        with suppress(BadCell):
            read()


async def test_a_sim_that_left_the_inventory_is_not_found(quiet: FileBench) -> None:
    write(quiet, "stock_20260301060000_2.csv", row(1))
    with pytest.raises(NotFound, match=r"stock_20260301060000_2\.csv"):
        await quiet.open().read_sim(ProviderId(IN_WORDS))
