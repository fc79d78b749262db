"""A stranger's text stays text: every free-text field of a tenant holds HTML, and every screen is looked through."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.console.conftest import House, open_page
from tests.console.hostile import FIELDS, seen
from tests.console.screens import ALL, address
from tests.console.watch import Watched

# The same things by other ids, and what a form or a drawer shows.
MORE = {
    "device by its id": "/devices/{device_id}",
    "subscription by its id": "/subscriptions/{subscription_id}",
    "plan of an action": "/plans/{action_plan}",
    "policy of an action": "/policies/Policy/{action_policy}",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser, house: House) -> AsyncIterator[Watched]:
    async with await house.person("owner", rival=True) as owner:
        made = await open_page(browser, house.url, dict(owner.cookies))
    await made.go("/")
    yield made
    await made.page.context.close()


@pytest.fixture(scope="module")
def read() -> set[str]:
    """Fields that were read as text on some screen."""
    return set()


@pytest.mark.parametrize("name", [*ALL, *MORE])
async def test_hostile_text_is_text(name: str, page: Watched, house: House, read: set[str]) -> None:
    page.faults.clear()
    await page.turn(MORE[name].format(**house.rival.ids) if name in MORE else address(name, house.rival))
    assert await page.injected() == []
    text = await page.page.evaluate("document.body.innerText + ' ' + document.title")
    read |= {field for field in FIELDS if seen(field) in text}
    page.clean()


async def test_what_the_pointer_brings_up_is_text_too(page: Watched, house: House, read: set[str]) -> None:
    """Tooltips, menus, the map, the palette: what is drawn only when somebody asks for it."""
    page.faults.clear()
    await page.go("/fleet")
    for chip in await page.page.get_by_role("group", name="Filters").get_by_role("button").all():
        await chip.click()
        read |= await _fields(page)
        assert await page.injected() == []
        await page.page.keyboard.press("Escape")
    await page.page.keyboard.press("Control+k")
    await page.page.get_by_role("textbox", name="Search or jump to").fill("rival-0")
    await page.page.get_by_text("rival-0", exact=True).last.wait_for()
    read |= await _fields(page)
    await page.page.keyboard.press("Escape")
    for target in await page.page.locator("main canvas").all():
        box = await target.bounding_box()
        assert box is not None
        for x in range(0, int(box["width"]), max(24, int(box["width"]) // 24)):
            await page.page.mouse.move(box["x"] + x, box["y"] + box["height"] * 0.3)
        assert await page.injected() == []
    page.clean()


async def test_every_field_was_read_somewhere(read: set[str]) -> None:
    """Else a field is shown nowhere, or was not hostile at all, and the tests above prove nothing of it."""
    assert set(FIELDS) - read == set()


async def _fields(page: Watched) -> set[str]:
    text = await page.page.evaluate("document.body.innerText")
    return {field for field in FIELDS if seen(field) in text}
