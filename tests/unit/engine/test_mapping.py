"""Mappings: what a source writes becomes what our readers expect, and every slip has its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.engine.imports.mapping import read_source_mapping
from fairlead.engine.imports.reading import Row, UnreadableFile

GOOD = """\
source: borealis
account: borealis
decimal: ","
dates: ["DD.MM.YYYY HH:mm", DD.MM.YYYY]
zone: Europe/Helsinki
files:
  sessions:
    columns: {iccid: SIM-Nummer, bytes: Volumen}
    fixed: {country: FI}
    words: {rat: {Cat-M: LTE-M}}
    units: {bytes: MB}
  prices:
    columns: {plan: Tarif}
"""


def translated(kind="sessions", text=GOOD, **cells):
    return read_source_mapping(text).translator(kind).row(Row(line=7, cells=cells))


def faults(text: str) -> list[tuple[int, str | None]]:
    with pytest.raises(UnreadableFile) as refused:
        read_source_mapping(text)
    return [(fault.line, fault.column) for fault in refused.value.faults]


def test_numbers_sizes_times_words_and_fixed_values_are_translated():
    row = translated(bytes="1.234,5", first="01.07.2026 09:30", rat="cat-m", cell="1,5")
    assert row.cells == {
        "country": "FI", "bytes": "1234.5 MB", "first": "2026-07-01T09:30:00+03:00", "rat": "LTE-M", "cell": "1,5",
    }  # fmt: skip
    assert translated(bytes="12,5 kB").cells["bytes"] == "12.5 kB", "a unit of its own stands before the mapping's"
    assert translated(bytes="12\u00a0345").cells["bytes"] == "12345 MB"
    assert translated(country="SE").cells["country"] == "SE", "what a row says stands before what is fixed"
    assert translated("prices", monthly="1,25", valid_from="31.12.2026").cells == {
        "monthly": "1.25", "valid_from": "2026-12-31",
    }  # fmt: skip


def test_winter_and_summer_have_their_own_offset():
    assert translated(first="01.01.2026 09:30").cells["first"].endswith("+02:00")
    without = GOOD.replace('dates: ["DD.MM.YYYY HH:mm", DD.MM.YYYY]\n', "")
    assert translated(text=without, first="2026-07-01T09:30").cells["first"] == "2026-07-01T09:30:00+03:00"
    assert translated(text=without, first="2026-07-01T09:30Z").cells["first"] == "2026-07-01T09:30Z"


def test_what_does_not_fit_is_told_with_the_row_and_never_guessed():
    found = translated(bytes="1.5", first="2026-07-01")
    assert [(one.line, one.column, one.value) for one in found] == [(7, "bytes", "1.5"), (7, "first", "2026-07-01")]
    assert "1.234,5" in found[0].expected
    assert "DD.MM.YYYY" in found[1].expected


def test_every_slip_of_a_mapping_has_its_line():
    assert faults("") == [(1, None)]
    assert faults("source: [")[0][0] == 1
    assert faults("source: Bor ealis\nfiles: {}\n") == [(1, "source")]
    assert faults("files: {}\n") == [(1, "source")]
    assert faults(GOOD.replace('","', '";"')) == [(3, "decimal")]
    assert faults(GOOD.replace("DD.MM.YYYY HH:mm", "%d.%m.%Y")) == [(4, "dates")]
    for wrong in ("Europe/Nowhere", "../../etc/passwd", "Europe"):
        assert faults(GOOD.replace("Europe/Helsinki", wrong)) == [(5, "zone")], wrong
    assert faults(GOOD.replace("  sessions:", "  session:")) == [(8, "files.session")]
    assert faults(GOOD.replace("{iccid: SIM", "{icid: SIM")) == [(8, "files.sessions.columns.icid")]
    assert faults(GOOD.replace("bytes: MB", "bytes: Mbit")) == [(11, "files.sessions.units.bytes")]
    assert faults(GOOD.replace("units: {bytes: MB}", "units: {rat: MB}")) == [(11, "files.sessions.units.rat")]
    assert faults(GOOD + "colour: red\n") == [(14, "colour")]
    assert faults(GOOD.replace("    fixed: {country: FI}", "    fixed: FI")) == [(9, "files.sessions.fixed")]


def test_a_kind_that_a_mapping_does_not_know_is_refused():
    with pytest.raises(UnreadableFile, match="sessions, prices"):
        read_source_mapping(GOOD).translator("sims")


@given(st.text(max_size=200))
def test_any_text_gives_a_mapping_or_a_refusal(text):
    for start in ("", "source: a\nfiles:\n  sims: ", GOOD):
        try:
            read_source_mapping(start + text)
        except UnreadableFile as refused:
            assert refused.faults  # noqa: PT017 - either way is right


@given(st.text(max_size=30))
def test_any_cell_gives_a_cell_or_a_fault(cell):
    for column in ("bytes", "first", "rat"):
        found = translated(**{column: cell})
        assert isinstance(found, Row) or found[0].column == column
