"""`fairlead report baseline`: a page for people, a document for programs, rows for a spreadsheet."""

import csv
import json
import sys
from decimal import Decimal
from typing import Annotated, Final, Literal

import typer
from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.shell import Shell, command, group

app: Final = group("report", "Reports about the whole fleet.")

_COLUMNS: Final = (
    "section", "row", "code", "says", "value", "unit", "unknown", "of", "monthly", "unpriced", "source", "as_of",
    "list",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one
_BYTES: Final = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def baseline(
    shell: Shell, *,
    form: Annotated[Literal["text", "json", "csv"], typer.Option("--format", help="The form of the answer.")] = "text",
    silent_days: Annotated[int, typer.Option(min=1, max=365, help="After how many days a SIM is silent.")] = 30,
    notice_days: Annotated[int, typer.Option(min=1, max=730, help="How far ahead contracts are looked at.")] = 90,
) -> None:  # fmt: skip
    """What is paid for and not used, done twice, not covered, silent, ending or soon illegal. Not legal advice."""
    found: Body = shell.client.get("/v1/reports/baseline", {"silent_days": silent_days, "notice_days": notice_days})
    if form == "json" and shell.out.for_people:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return
    shell.out.document(found)
    if not shell.out.for_people:
        return
    if form == "csv":
        _csv(found)
    else:
        _text(shell, found)


def _text(shell: Shell, found: Body) -> None:
    out = shell.out
    out.say(f"[bold]Baseline[/] of {words.when(found['at'])} UTC")
    for section in found["sections"]:
        out.say("", f"[bold]{escape(section['title'])}[/]")
        for one in section["figures"]:
            share = f", unknown for {one['unknown']:,} of {one['of']:,}" if one["unknown"] else ""
            aged = f", {words.age(one['age_s'])} old" if one["age_s"] else ""
            out.say(f"  {escape(one['name'])}: [bold]{_value(one)}[/] [dim]({escape(one['source'])}{aged}{share})[/]")
        for one in section["findings"]:
            fees = ", ".join(f"{Decimal(amount):,.2f} {currency}" for currency, amount in one["monthly"].items())
            fees = f" [cyan]{fees} a month[/]" if fees else ""
            unpriced = f" [dim]({one['unpriced']:,} without a price)[/]" if one["unpriced"] else ""
            out.say(f"  [yellow]•[/] {escape(one['says'])}.{fees}{unpriced}")
        if section["more"]:
            out.say(f"  [dim]… and {section['more']:,} more[/]")
        out.say(f"  [dim]{escape(section['note'])}[/]")


def _value(one: Body) -> str:
    if one["value"] is None:
        return "not known"
    value = int(one["value"])
    if one["unit"] != "bytes":
        return f"{value:,} {one['unit']}"
    unit, size = next(((unit, size) for unit, size in _BYTES if value >= size), ("bytes", 1))
    return f"{value / size:,.1f} {unit}" if size > 1 else f"{value:,} bytes"


def _csv(found: Body) -> None:
    """A row a figure and a row a finding; what could be taken for a formula is quoted."""
    table = csv.writer(sys.stdout)
    table.writerow(_COLUMNS)
    for section in found["sections"]:
        for one in section["figures"]:
            row = [section["key"], "figure", "", one["name"], one["value"], one["unit"], one["unknown"], one["of"], "",
                   "", one["source"], one["as_of"], ""]  # fmt: skip
            table.writerow(_cell(value) for value in row)
        for one in section["findings"]:
            fees = "; ".join(f"{amount} {currency}" for currency, amount in one["monthly"].items())
            row = [section["key"], "finding", one["code"], one["says"], one["members"], one["unit"], "", "", fees,
                   one["unpriced"], "", "", one["link"]["api"]]  # fmt: skip
            table.writerow(_cell(value) for value in row)


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


command(
    app, "baseline",
    examples=(
        "fairlead report baseline", "fairlead report baseline --format csv > baseline.csv",
        "fairlead report baseline --silent-days 14 --notice-days 180",
    ),
)(baseline)  # fmt: skip
