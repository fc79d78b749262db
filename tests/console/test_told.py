"""What the API says is said on the screen: an account that is left in peace, the Changes behind Home's figure."""

from datetime import datetime, timedelta

from playwright.async_api import Route, expect
from tests.console.conftest import House, Opens


async def test_an_account_that_is_left_in_peace_says_until_when_and_why(house: House, opens: Opens) -> None:
    """No carrier of the house is busy just now: the answer is told to the browser with one that was."""
    account = house.acme["carrier"]
    async with await house.person("owner") as owner:
        now = datetime.fromisoformat((await owner.get("/v1/clock")).json()["now"])
    until = (now + timedelta(days=2)).isoformat()

    async def told(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        for one in body if isinstance(body, list) else [body]:
            if one["name"] == account:
                one.update(paused_until=until, paused_because="rate_limited")
        await route.fulfill(response=answer, json=body)

    page = await opens("owner")
    await page.go(f"/carriers/{account}")
    await expect(page.page.get_by_text("left in peace")).to_have_count(0)
    await page.page.route("**/v1/carriers", told)
    await page.page.route(f"**/v1/carriers/{account}", told)
    for path in (f"/carriers/{account}", "/connectivity?tab=carriers"):
        await page.go(path)
        said = page.page.get_by_role("status").filter(has_text="left in peace until")
        await expect(said).to_have_count(1)
        await expect(said).to_contain_text("because it was asked too fast")
        assert await page.serious() == []


async def test_home_leads_to_the_changes_that_it_counts(opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/")
    card = page.page.get_by_role("region", name="What is changing?")
    counted = int((await card.locator("[class*=figure]").inner_text()).split()[0])
    await card.get_by_role("link", name="Look further in Changes").click()
    await page.page.wait_for_url("**/changes?open=true")
    await page.settled()
    rows = page.page.get_by_role("grid", name="Changes").locator("[data-index]")
    await expect(rows).to_have_count(counted)
    states = [row.split("\n")[1] for row in await rows.all_inner_texts()]
    assert {"standing", "closed", "aborted"}.isdisjoint(states)
    await page.go("/changes")
    assert await rows.count() > counted
