"""Converts the npm package `mcc-mnc-list` (MIT, © Peter Bakondy) into the network table that ships.

Run by hand when a newer list is wanted: `python tools/networks.py YYYY-MM-DD` (the day of the
conversion goes into the header). Needs npm and its registry; nothing at run time does.
"""

import csv
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src/fairlead/reference/networks.csv"
NO_COUNTRY = {"901", "999", "001"}  # global, private and test networks
# One MCC for several territories: the one whose operators hold it (ITU-T E.212 assigns it so).
SHARED = {"AU/CC/CX": "AU", "BL/GF/GP/MF/MQ": "GP", "BQ/CW/SX": "CW", "GE-AB": "GE", "YT/RE": "RE"}


def country(row: dict[str, str | None]) -> str:
    code = row["countryCode"] or ""
    if row["mcc"] in NO_COUNTRY or not code:
        return ""
    code = SHARED.get(code, code)
    if not re.fullmatch("[A-Z]{2}", code):
        code = code[:2] if re.fullmatch("[A-Z]{2}-[A-Z0-9]+", code) else code.split("/")[0]
    return code


def convert(day: str) -> int:
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(["npm", "pack", "mcc-mnc-list", "--silent"], cwd=temporary, check=True)
        archive = next(Path(temporary).glob("*.tgz"))
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")
        package = Path(temporary, "package")
        version = json.loads((package / "package.json").read_text())["version"]
        rows = json.loads((package / "mcc-mnc-list.json").read_text())
    kept = sorted(
        {
            (
                row["mcc"],
                row["mnc"],
                country(row),
                (row["brand"] or "").strip(),
                (row["operator"] or "").strip(),
                (row["status"] or "").strip(),
                (row["bands"] or "").strip(),
            )
            for row in rows
            if re.fullmatch("[0-9]{3}", row["mcc"] or "") and re.fullmatch("[0-9]{2,3}", row["mnc"] or "")
        }
    )
    with TARGET.open("w", newline="", encoding="utf-8") as out:
        out.write(f"# source: npm mcc-mnc-list {version} (MIT, Peter Bakondy; gathered from Wikipedia)\n")
        out.write(f"# date: {day}\n")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["mcc", "mnc", "country", "brand", "operator", "status", "bands"])
        writer.writerows(kept)
    return len(kept)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", sys.argv[1]):  # noqa: PLR2004 - program and day
        sys.exit("usage: python tools/networks.py YYYY-MM-DD")
    print(f"{convert(sys.argv[1])} networks written to {TARGET.name}")
