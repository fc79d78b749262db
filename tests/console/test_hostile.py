"""A stranger's text stays text: every free-text field of a tenant holds HTML, and every screen is looked through.

One walk over all screens, so that at its end every field must have been read somewhere: a field that
is shown nowhere, or was not hostile after all, would prove nothing.
"""

from tests.console.conftest import House, Opens
from tests.console.hostile import FIELDS, seen
from tests.console.screens import ALL, address
from tests.console.watch import Watched

# The same things by other ids.
MORE = {
    "device by its id": "/devices/{device_id}",
    "subscription by its id": "/subscriptions/{subscription_id}",
    "plan of an action": "/plans/{action_plan}",
    "policy of an action": "/policies/Policy/{action_policy}",
}


async def test_hostile_text_is_text_on_every_screen(house: House, opens: Opens) -> None:
    page = await opens("owner", rival=True)
    await page.go("/")
    read: set[str] = set()
    injected: dict[str, list[str]] = {}
    for name in (*ALL, *MORE):
        await page.turn(MORE[name].format(**house.rival.ids) if name in MORE else address(name, house.rival))
        read |= await _fields(page)
        injected[name] = await page.injected()
    await page.turn("/fleet")
    async for name in _brought_up(page):
        read |= await _fields(page)
        injected[name] = await page.injected()
    assert {name: found for name, found in injected.items() if found} == {}
    assert set(FIELDS) - read == set()


async def _brought_up(page: Watched):
    """What is drawn only when somebody asks for it: the menus of filters, the palette, what the map says under the pointer."""
    for chip in await page.page.get_by_role("group", name="Filters").get_by_role("button").all():
        await chip.click()
        yield f"filter {await chip.inner_text()}"
        await page.page.keyboard.press("Escape")
    await page.page.keyboard.press("Control+k")
    await page.page.get_by_role("textbox", name="Search or jump to").fill("rival-0")
    await page.page.locator("[data-action]", has_text="rival-0").first.wait_for()
    yield "palette"
    await page.page.keyboard.press("Escape")
    for target in await page.page.locator("main canvas").all():
        box = await target.bounding_box()
        assert box is not None
        for step in range(24):
            await page.page.mouse.move(box["x"] + box["width"] * step / 24, box["y"] + box["height"] * 0.3)
        yield "map"


async def _fields(page: Watched) -> set[str]:
    text = await page.page.evaluate("document.body.innerText + ' ' + document.title")
    return {field for field in FIELDS if seen(field) in text}
