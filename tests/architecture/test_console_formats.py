"""One place of the console knows how numbers, instants and names of countries are written: `frame/format.ts`."""

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "console" / "src"
BY_ITSELF = re.compile(r"\bIntl\.|\.toLocale\w*String\(|navigator\.language|\.toFixed\(")


def test_nothing_else_writes_numbers_and_dates_by_itself():
    sources = [one for one in SOURCE.rglob("*.ts*") if one.name != "schema.d.ts"]
    assert len(sources) > 100
    found = {one.relative_to(SOURCE).as_posix() for one in sources if BY_ITSELF.search(one.read_text(encoding="utf-8"))}
    assert found == {"frame/format.ts"}
