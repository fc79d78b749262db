"""Every country can be seen and clicked on the map, however small: Singapore, Malta, Bahrain as well as Brazil."""

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.console.conftest import Opens
from tools.console import tools

import fairlead.reference

CONSOLE = Path(__file__).parents[2] / "console"
LEFT, TOP, RIGHT, BOTTOM = -180.0, 76.0, 180.0, -54.0  # the map's bounds (StanceMap.tsx)
INSET = 6


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    node, _ = tools()
    ran = subprocess.run(
        [node, "tools/places.mjs"], cwd=CONSOLE, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(ran.stdout)


def test_no_country_of_the_reference_is_missing(told: dict[str, Any]) -> None:
    assert set(fairlead.reference.load().countries) - set(told["codes"]) == set()


def test_no_dot_covers_the_middle_of_another(told: dict[str, Any]) -> None:
    dots = told["dots"]
    assert {"SG", "MT", "BH", "MU", "HK", "LU"} <= {code for code, _, _ in dots}
    for number, (one, x, y) in enumerate(dots):
        assert LEFT <= x <= RIGHT, one
        assert BOTTOM < y < TOP, one
        for other, u, v in dots[:number]:
            assert math.hypot((x - u) * told["aspect"], y - v) > told["radius"] * 1.3, (one, other)


@pytest.mark.parametrize("code", ["SG", "MT", "BH", "GP", "WS"])
async def test_a_small_country_is_clicked_on_the_map(code: str, told: dict[str, Any], opens: Opens) -> None:
    x, y = next((x, y) for one, x, y in told["dots"] if one == code)
    page = await opens("owner")
    await page.go("/countries")
    box = await page.page.get_by_role("img", name="Countries by stance on permanent roaming").bounding_box()
    assert box is not None
    width, height = box["width"] - 2 * INSET, box["height"] - 2 * INSET
    shape = (RIGHT - LEFT) / (TOP - BOTTOM) * told["aspect"]
    drawn = min(width, height * shape)
    left, top = (box["width"] - drawn) / 2, (box["height"] - drawn / shape) / 2
    at = (left + (x - LEFT) / (RIGHT - LEFT) * drawn, top + (TOP - y) / (TOP - BOTTOM) * drawn / shape)
    await page.page.mouse.click(box["x"] + at[0], box["y"] + at[1])
    await page.page.wait_for_url(f"**/countries/{code}")
    await page.settled()
