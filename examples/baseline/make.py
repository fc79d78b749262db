# ruff: noqa: INP001 - a script beside its files
"""Writes the files of docs/guides/baseline.md: three fictional carriers' exports, each in its own shape.

    python examples/baseline/make.py          # writes them anew; a test holds the committed ones equal

Nobody in them exists. Borealis writes German with semicolons and decimal commas, Pampero Portuguese
with kilobytes, Keystone American dates in its own time zone and mebibytes.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
TODAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
BEGAN = datetime(2025, 12, 1, 6, tzinfo=UTC)
WEEKS = 13
SILENT = {"gw-28", "gw-29", "gw-30"}  # heard until the end of December
NEVER = {"trk-22", "trk-23"}


@dataclass(frozen=True)
class Line:
    """A device with its SIM."""

    device: str
    sku: str
    carrier: str
    iccid: str
    imsi: str
    country: str
    plmn: str
    plan: str
    bytes_a_week: int


def luhn(digits: str) -> str:
    """The digits with their check digit."""
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def lines() -> list[Line]:
    """Forty devices: who is where, on whose SIM."""
    found: list[Line] = []
    groups = [
        ("trk", "TRK-2", "borealis", "244", "91", "FI", "244-91", "Flotte M", 6, 150_000),
        ("trk", "TRK-2", "borealis", "244", "91", "DE", "262-01", "Flotte M", 6, 210_000),
        ("trk", "TRK-2", "borealis", "244", "91", "TR", "286-01", "Flotte M", 4, 190_000),
        ("trk", "TRK-2", "pampero", "724", "05", "BR", "724-05", "IoT 20", 8, 4_100_000),
        ("trk", "TRK-2", "pampero", "724", "05", "DE", "262-02", "IoT 20", 2, 3_900_000),
        ("gw", "GW-5", "keystone", "310", "410", "US", "310-410", "Gateway 1G", 8, 190_000_000),
        ("gw", "GW-9", "keystone", "310", "410", "DE", "262-03", "Gateway 1G", 3, 20_000_000),
        ("trk", "TRK-1", "keystone", "310", "410", "AU", "505-01", "Gateway 1G", 3, 9_000_000),
    ]  # fmt: skip
    for prefix, sku, carrier, mcc, mnc, country, plmn, plan, count, size in groups:
        for _ in range(count):
            n = len(found)
            found.append(
                Line(
                    device=f"{prefix}-{n + 1:02}", sku=sku, carrier=carrier, iccid=luhn(f"8944{mcc}{n:011}"),
                    imsi=f"{mcc}{mnc}{n:0{15 - len(mcc + mnc)}}", country=country, plmn=plmn, plan=plan,
                    bytes_a_week=size + 977 * n,
                )
            )  # fmt: skip
    return found


def uses(line: Line) -> Iterable[tuple[datetime, datetime, int]]:
    """Its sessions: one a week."""
    if line.device in NEVER:
        return
    for week in range(5 if line.device in SILENT else WEEKS):
        start = BEGAN + timedelta(days=7 * week, minutes=11 * int(line.device[-2:]))
        yield start, start + timedelta(hours=2), line.bytes_a_week + 1_000 * week


def sheet(header: list[str], rows: Iterable[Iterable[object]], delimiter: str = ",") -> str:
    """A CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def german(number: float) -> str:
    """1234.5 as 1.234,5."""
    return f"{number:,.3f}".translate(str.maketrans(",.", ".,"))


def files() -> dict[str, str]:
    """Every file by name."""
    fleet = lines()
    of = {name: [one for one in fleet if one.carrier == name] for name in ("borealis", "pampero", "keystone")}
    eastern = ZoneInfo("America/New_York")
    return {
        "devices.csv": sheet(["name", "sku", "group"], ([o.device, o.sku, o.device.partition("-")[0]] for o in fleet)),
        "prices.csv": sheet(
            ["plan", "currency", "monthly", "per_mb", "valid_from", "included"],
            [["Flotte M", "EUR", "1.90", "0.05", "2025-01-01", "10 MB"], ["IoT 20", "USD", "1.20", "0.02", "2025-01-01",
             "20 MB"], ["Gateway 1G", "USD", "9.50", "0.01", "2025-01-01", "1 GB"]],
        ),
        "skus.csv": sheet(
            ["sku", "rats", "bands", "source"],
            [["TRK-2", "LTE-M, NB-IoT", "B3 B8 B20 B28", "data sheet"], ["TRK-1", "2G, 3G", "", "data sheet"],
             ["GW-5", "LTE Cat-1 bis", "B2 B4 B12", "data sheet"]],
        ),
        "coverage.csv": sheet(
            ["account", "country", "rats", "source", "as_of"],
            [["borealis", "FI", "LTE-M, NB-IoT, LTE", "Länderliste 2026-01", "2026-01-15"],
             ["borealis", "DE", "LTE-M, LTE", "Länderliste 2026-01", "2026-01-15"],
             ["pampero", "BR", "LTE-M, LTE, 2G", "lista de cobertura", "2025-11-01"],
             ["pampero", "DE", "2G, LTE", "lista de cobertura", "2025-11-01"],
             ["keystone", "US", "LTE, LTE-M, 5G", "coverage page", "2026-02-01"],
             ["keystone", "AU", "LTE, LTE-M", "coverage page", "2026-02-01"]],
        ),
        "contracts.csv": sheet(
            ["account", "number", "start", "end", "notice_days", "committed_sims"],
            [["borealis", "BO-2211", "2024-06-01", "2026-05-31", "60", "100"],
             ["pampero", "PA-09", "2023-02-15", "2026-02-14", "30", ""],
             ["keystone", "KS-7741", "2025-01-01", "2027-12-31", "90", ""]],
        ),
        "borealis-sims.csv": sheet(
            ["SIM-Nummer", "IMSI", "Gerät", "Tarif", "Status", "Bauform"],
            ([o.iccid, o.imsi, o.device, o.plan, "Aktiv", "Chip"] for o in of["borealis"]), ";",
        ),
        "borealis-nutzung.csv": sheet(
            ["SIM-Nummer", "Netz", "Beginn", "Ende", "Volumen (MB)"],
            ([o.iccid, o.plmn, *(f"{at.astimezone(ZoneInfo('Europe/Helsinki')):%d.%m.%Y %H:%M}" for at in (a, b)),
              german(size / 1e6)] for o in of["borealis"] for a, b, size in uses(o)), ";",
        ),
        "pampero-chips.csv": sheet(
            ["Chip", "Equipamento", "IMSI", "Plano", "Situação"],
            ([o.iccid, o.device, o.imsi, o.plan, "ativo"] for o in of["pampero"]),
        ),
        "pampero-trafego.csv": sheet(
            ["Chip", "Rede", "De", "Até", "kB"],
            ([o.iccid, o.plmn, f"{a:%Y-%m-%d %H:%M:%S}", f"{b:%Y-%m-%d %H:%M:%S}", -(-size // 1000)]
             for o in of["pampero"] for a, b, size in uses(o)),
        ),
        "keystone-lines.csv": sheet(
            ["ICCID", "IMSI", "Asset", "Rate plan", "Line status"],
            ([o.iccid, o.imsi, o.device, o.plan, "ACTIVATED"] for o in of["keystone"]), "\t",
        ),
        "keystone-usage.csv": sheet(
            ["ICCID", "Carrier", "Start", "Stop", "MiB", "RAT"],
            ([o.iccid, o.plmn.replace("-", ""), f"{a.astimezone(eastern):%m/%d/%Y %H:%M}",
              f"{b.astimezone(eastern):%m/%d/%Y %H:%M}", f"{size / 2**20:,.3f}", "3G" if o.sku == "TRK-1" else "LTE"]
             for o in of["keystone"] for a, b, size in uses(o)), "\t",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
