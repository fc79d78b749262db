"""A session that ends loses nothing that was typed: the password is asked over the screen, and work goes on."""

from playwright.async_api import expect
from tests.console.conftest import House, Opens
from tests.console.test_story import written
from tests.console.watch import Watched

from fairlead_sim.demo.company import LAB_PASSWORD

POLICY = """\
apiVersion: fairlead/v1
kind: Policy
metadata: {name: typed-for-an-hour}
spec:
  priority: 20
  match: country == "DE"
  set: {config: {merge: {report_interval_s: 900}}}
  reason: typed for an hour
"""


async def test_a_search_is_still_there_after_signing_in_again(house: House, opens: Opens) -> None:
    page = await opens(None, refusals={401})
    await page.go("/fleet")
    await sign_in(page, house.acme.people["owner"]["email"])
    await page.settled()
    await page.page.context.clear_cookies()
    find = page.page.get_by_role("textbox", name="Find devices by the beginning of an identifier")
    await find.fill(house.acme["device"])
    dialog = page.page.get_by_role("dialog")
    await dialog.locator("input[name=password]").fill(LAB_PASSWORD)
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(find).to_have_value(house.acme["device"])
    await expect(page.page.get_by_role("grid", name="Devices").locator("[data-index]")).to_have_count(1)


async def test_a_policy_is_still_there_after_signing_in_again(house: House, opens: Opens) -> None:
    """The check that met the closed door is made again, and the plan goes on from what was typed."""
    page = await opens(None, refusals={401})
    await page.go("/policies?new=Policy")
    await sign_in(page, house.acme.people["operator"]["email"])
    await page.settled()
    text = page.page.get_by_role("textbox", name="Text of a new Policy")
    await page.page.context.clear_cookies()
    await written(page.page, POLICY)
    dialog = page.page.get_by_role("dialog")
    await dialog.locator("input[name=password]").fill(LAB_PASSWORD)
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(text).to_contain_text("typed-for-an-hour")
    await expect(page.page.get_by_role("region", name="Check")).to_contain_text("Reads as Policy typed-for-an-hour")
    await page.page.reload()
    await expect(text).to_contain_text("typed-for-an-hour")  # and the tab kept it besides


async def test_a_form_is_still_there_after_signing_in_again(house: House, opens: Opens) -> None:
    """What had been sent is sent again: once, although it was pressed once."""
    page = await opens(None, refusals={401})
    await page.go("/settings?part=people")
    await sign_in(page, house.acme.people["owner"]["email"])
    await page.settled()
    await page.page.get_by_role("button", name="Add somebody…").click()
    form = page.page.get_by_role("dialog", name="Add somebody")
    await form.get_by_label("Name").fill("Tina Typed")
    await form.get_by_label("E-mail").fill("tina@northwind.example")
    await form.get_by_label("auditor").check()
    await page.page.context.clear_cookies()
    await form.get_by_role("button", name="Add, then invite").click()
    again = page.page.get_by_role("dialog", name="Your session has ended")
    await again.locator("input[name=password]").fill(LAB_PASSWORD)
    await expect(form.get_by_label("Name")).to_have_value("Tina Typed")
    await again.get_by_role("button", name="Sign in", exact=True).click()
    await expect(again).to_have_count(0)
    await expect(page.page.get_by_role("grid")).to_contain_text("Tina Typed")
    async with await house.person("owner") as owner:
        people = (await owner.get("/v1/principals")).json()["items"]
    assert [one["roles"] for one in people if one["email"] == "tina@northwind.example"] == [["auditor"]]


async def test_without_a_session_the_door_leads_back_to_where_one_wanted(house: House, opens: Opens) -> None:
    page = await opens(None, refusals={401})
    await page.go("/fleet?country=TR")
    await sign_in(page, house.acme.people["auditor"]["email"])
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("Fleet")
    assert page.page.url.endswith("/fleet?country=TR")


async def sign_in(page: Watched, email: str) -> None:
    await page.page.get_by_label("Tenant").fill("acme")
    await page.page.get_by_label("E-mail").fill(email)
    await page.page.locator("input[name=password]").fill(LAB_PASSWORD)
    await page.page.get_by_role("button", name="Sign in", exact=True).click()
