"""Without a mouse: the palette, the search, the areas' keys, the table."""

from playwright.async_api import expect
from tests.console.conftest import House, Opens


async def test_slash_finds_a_device_by_its_serial(house: House, opens: Opens) -> None:
    async with await house.person("owner") as owner:
        device = (await owner.get(f"/v1/devices/{house.acme['device']}")).json()
    page = await opens("owner")
    await page.go("/")
    await page.page.keyboard.press("/")
    await expect(page.page.get_by_role("textbox", name="Search or jump to")).to_be_focused()
    await page.page.keyboard.type(device["serial"])
    await page.page.locator("[data-action][data-selected]", has_text=device["name"]).wait_for()
    await page.page.keyboard.press("Enter")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text(device["name"])


async def test_slash_finds_a_device_by_the_address_it_has_now(house: House, opens: Opens) -> None:
    async with await house.person("owner") as owner:
        device = (await owner.get(f"/v1/devices/{house.acme['device']}")).json()
    address = next(one["ip"] for one in device["sessions"] if one["ended_at"] is None and one["ip"])
    page = await opens("owner")
    await page.go("/")
    await page.page.keyboard.press("/")
    await expect(page.page.get_by_role("textbox", name="Search or jump to")).to_be_focused()
    await page.page.keyboard.type(address)
    await page.page.locator("[data-action][data-selected]", has_text=device["name"]).wait_for()
    await page.page.keyboard.press("Enter")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text(device["name"])


async def test_the_palette_goes_to_areas_and_countries(opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/")
    for typed, there in (("journ", "Journal"), ("türk", "Türkiye")):
        await page.page.keyboard.press("Control+k")
        await page.page.get_by_role("textbox", name="Search or jump to").fill(typed)
        await page.page.locator("[data-action][data-selected]", has_text=there).wait_for()
        await page.page.keyboard.press("Enter")
        await expect(page.page.get_by_role("textbox", name="Search or jump to")).to_have_count(0)
        await page.settled()
    assert page.page.url.endswith("/countries/TR")


async def test_g_and_a_letter_goes_to_an_area(opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/")
    await page.page.keyboard.press("g")
    await page.page.keyboard.press("f")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("Fleet")


async def test_arrows_walk_a_table_and_enter_opens(opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/fleet")
    rows = page.page.get_by_role("grid", name="Devices").locator("[data-index]")
    await rows.first.focus()
    await page.page.keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_be_focused()
    await page.page.keyboard.press("End")
    last = page.page.locator(":focus")
    await expect(last).not_to_have_attribute("data-index", "1")
    await page.page.keyboard.press("Home")
    await expect(rows.first).to_be_focused()
    name = (await rows.first.get_by_role("gridcell").locator("a").first.inner_text()).strip()
    await page.page.keyboard.press("Enter")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text(name)


async def test_everything_of_the_frame_is_reached_by_tab(opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/fleet")
    reached: set[str] = set()
    for _ in range(40):
        await page.page.keyboard.press("Tab")
        reached.add(
            await page.page.evaluate("document.activeElement?.ariaLabel || document.activeElement?.innerText || ''")
        )
    wanted = {"Skip to content", "Fleet", "Devices", "Preferences", "Home", "Settings"}
    assert wanted - {one.strip() for one in reached} == {"Devices"} - {one.strip() for one in reached}
