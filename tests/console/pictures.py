"""Pictures of screens: a PNG of 256 colours where `pngquant` is, so that all of them together stay small."""

import asyncio
import subprocess
from pathlib import Path
from typing import Final

from playwright.async_api import Page
from tests.conftest import debian_programs

DOCS: Final = Path(__file__).parents[2] / "docs" / "console"


async def picture(page: Page, target: Path, *, small: bool) -> None:
    """What the window shows. What moves by itself (clocks, ages) is in it as it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=target, animations="disabled", caret="hide")
    if small:
        debian_programs("pngquant", "pngquant")
        await asyncio.to_thread(_of_256_colours, target)


def _of_256_colours(png: Path) -> None:
    command = ["pngquant", "--force", "--skip-if-larger", "--speed", "1", "--output", str(png), "256", str(png)]
    subprocess.run(command, check=False, timeout=60)
