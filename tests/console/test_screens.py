"""Every screen in light and dark: accessible by axe, silent on the browser's console, true to its policy.

`CONSOLE_SCREENSHOTS=1` writes what was seen to docs/console/.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.console.conftest import SCREENSHOTS, House, Opens, open_page
from tests.console.pictures import DOCS, picture
from tests.console.screens import DOORS, FACES, PICTURED, SCREENS, address
from tests.console.watch import Watched


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser, house: House) -> AsyncIterator[Watched]:
    """The owner's page, from screen to screen."""
    async with await house.person("owner") as owner:
        made = await open_page(browser, house.url, dict(owner.cookies))
    yield made
    await made.page.context.close()


async def _looked_at(page: Watched, name: str, into: Path) -> None:
    """In light and dark: pictures, and what axe says of both."""
    found: list[str] = []
    shown = SCREENSHOTS and name in {*PICTURED, *DOORS}
    for scheme in ("light", "dark"):
        await page.page.emulate_media(color_scheme=scheme)
        await page.settled()
        await picture(page.page, (DOCS if shown else into) / f"{name}-{scheme}.png", small=shown)
        found += [f"{scheme}: {one}" for one in await page.serious()]
    assert found == []
    page.clean()


@pytest.mark.parametrize("name", [*SCREENS, *FACES])
async def test_a_screen(name: str, page: Watched, house: House, tmp_path: Path) -> None:
    page.faults.clear()
    await (page.turn if name in FACES else page.go)(address(name, house.acme))
    assert await page.page.locator("h1").inner_text() != ""
    alerts = await page.page.get_by_role("alert").all_inner_texts()
    assert alerts == []
    assert await page.page.locator("main, [role=main]").count() == 1
    await _looked_at(page, name, tmp_path)


@pytest.mark.parametrize("name", DOORS)
async def test_a_door(name: str, opens: Opens, tmp_path: Path) -> None:
    page = await opens(None, refusals={401})
    await page.go(DOORS[name])
    await _looked_at(page, name, tmp_path)
