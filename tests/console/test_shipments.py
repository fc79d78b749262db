"""A shipment in the browser: made, checked with what to do, cancelled; and a button says why it cannot be pressed."""

from datetime import date

from playwright.async_api import expect
from tests.console.conftest import House, Opens


async def test_one_is_made_checked_refused_and_cancelled(house: House, opens: Opens) -> None:
    async with await house.person("owner") as owner:
        now = date.fromisoformat((await owner.get("/v1/clock")).json()["now"][:10])
        devices = (await owner.get("/v1/devices", params={"country": "DE", "limit": 2})).json()["items"]
    page = await opens("owner")
    await page.go("/shipments")
    await page.page.get_by_role("button", name="New shipment…").click()
    form = page.page.get_by_role("dialog")
    make = form.get_by_role("button", name="Make the draft")
    await expect(make).to_be_disabled()
    await form.get_by_role("combobox", name="Country").fill("Brazil")
    await page.page.get_by_role("option", name="Brazil (BR)").click()
    await form.get_by_role("textbox", name="Devices").fill("\n".join(one["name"] for one in devices))
    await form.get_by_label("Leaves").fill(now.replace(year=now.year + 1).isoformat())
    await form.get_by_role("textbox", name="Note").fill("order 4712")
    assert await page.serious() == []
    await make.click()
    await page.page.wait_for_url("**/shipments/ship_*")
    heading = page.page.get_by_role("heading", level=1)
    await expect(heading).to_contain_text("2 devices to BR")
    await expect(heading).to_contain_text("draft")
    leave = page.page.get_by_role("button", name="Let it leave…")
    await expect(leave).to_have_attribute("aria-description", "check it first")
    await page.page.get_by_role("button", name="Check", exact=True).click()
    await expect(heading).to_contain_text("refused")
    found = page.page.get_by_role("region", name="Line 1").or_(page.page.get_by_label("Line 1"))
    await expect(found.first).to_contain_text("BR prohibits permanent roaming")
    await expect(found.first).to_contain_text("Do:")
    await expect(found.first).to_contain_text("Not legal advice")
    await expect(page.page.get_by_role("button", name="Let it pass…")).to_have_attribute(
        "aria-description", "nobody lets their own shipment pass"
    )
    await page.settled()
    assert await page.serious() == []
    await page.page.get_by_role("button", name="Cancel it…").click()
    dialog = page.page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Reason").fill("the order was withdrawn")
    await dialog.get_by_role("button", name="Cancel it", exact=True).click()
    await expect(heading).to_contain_text("cancelled")
    await page.go("/shipments?state=cancelled")
    await expect(page.page.get_by_role("grid", name="Shipments").locator("[data-index]")).to_have_count(1)
