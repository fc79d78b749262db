"""Bulk actions in the browser: the preview carrier by carrier first, then the question, then the screen that follows it."""

import json

import httpx
from playwright.async_api import Locator, Page, Route, expect
from tests.console.conftest import House, Opens


def _tick(page: Page, number: int) -> Locator:
    return page.get_by_role("grid", name="SIMs").locator(f"[data-index='{number}']").get_by_role("checkbox")


async def _act(page: Page, button: str, verb: str) -> Locator:
    await page.get_by_role("button", name=button).click()
    await page.get_by_role("menuitem", name=f"{verb}…", exact=True).click()
    return page.get_by_role("dialog")


async def _standby(owner: httpx.AsyncClient, account: str, count: int) -> list[str]:
    found = await owner.get("/v1/subscriptions", params={"carrier": account, "state": "standby", "limit": count})
    return [sim["iccid"] for sim in found.json()["items"]]


async def test_chosen_sims_are_previewed_asked_followed_and_taken_back(house: House, opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/connectivity?carrier=local-de&state=standby")
    for number in range(3):
        await _tick(page.page, number).check()
    flow = await _act(page.page, "Act on 3 SIMs", "Deactivate")
    row = flow.get_by_role("row", name="local-de")
    await expect(row).to_contain_text("at once")
    assert await row.get_by_role("cell").all_inner_texts() == [
        "3", "3", "0", "at once", "1 s", "not said", "yes", "none", "10,000",
    ]  # fmt: skip
    assert await page.serious() == []
    go = flow.get_by_role("button", name="Ask 3 lines")
    await expect(go).to_have_attribute("aria-description", "say why")
    await flow.get_by_role("textbox", name="Reason").fill("the depot is closed")
    await go.click()
    await page.page.wait_for_url("**/bulk/bulk_*")
    heading = page.page.get_by_role("heading", level=1)
    await expect(heading).to_contain_text("Deactivate: 3 lines")
    await expect(heading).to_contain_text("done")  # an event or the next look says so, nobody presses anything
    rows = page.page.get_by_role("grid", name="Lines").locator("[data-index]")
    await expect(rows.filter(has_text="verified")).to_have_count(3)
    first = page.page.url
    await page.page.get_by_role("button", name="Take it back…").click()
    dialog = page.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("3")
    await dialog.get_by_role("button", name="Take it back", exact=True).click()
    await page.page.wait_for_url(lambda url: "/bulk/" in url and url != first)
    await expect(heading).to_contain_text("Take back: 3 lines")
    await page.page.get_by_role("link", name="an earlier one").click()
    await page.page.wait_for_url(first)
    await expect(page.page.get_by_role("link", name="one that is")).to_have_count(1)


async def test_what_nothing_takes_back_wants_its_number_typed_and_then_another_person(
    house: House, opens: Opens
) -> None:
    page = await opens("owner")
    await page.go("/connectivity?carrier=local-gb&state=standby")
    for number in range(2):
        await _tick(page.page, number).check()
    flow = await _act(page.page, "Act on 2 SIMs", "Terminate")
    await expect(flow).to_contain_text("Nothing takes this back at local-gb")
    await expect(flow).to_contain_text("Needs first: allow termination, final usage snapshot")
    await flow.get_by_role("textbox", name="Reason").fill("scrapped")
    go = flow.get_by_role("button", name="Ask another person to agree")
    await expect(go).to_have_attribute("aria-description", "type 2 to go on")
    await flow.get_by_role("textbox", name="Type 2").fill("2")
    await go.click()
    await page.page.wait_for_url("**/bulk/bulk_*")
    await expect(page.page.get_by_role("note").filter(has_text="It waits for another person")).to_have_count(1)
    agree = page.page.get_by_role("button", name="Agree…")
    await expect(agree).to_have_attribute("aria-description", "who asked for it cannot agree: another person must")
    other = await opens("approver")
    await other.go("/" + page.page.url.split("/", 3)[3])
    await other.page.get_by_role("button", name="Agree…").click()
    await expect(other.page.get_by_role("dialog")).to_contain_text("scrapped")
    assert await other.serious() == []
    await page.page.get_by_role("button", name="Cancel it…").click()
    await page.page.get_by_role("dialog").get_by_role("button", name="Cancel it", exact=True).click()
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("cancelled")
    rows = page.page.get_by_role("grid", name="Lines").locator("[data-index]")
    await expect(rows.filter(has_text="superseded")).to_have_count(2)
    await expect(page.page.get_by_role("button", name="Take it back…")).to_have_attribute(
        "aria-description", "no line of it was changed"
    )


async def test_arguments_come_first_and_a_carrier_that_cannot_says_why(opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/connectivity?carrier=local-gb")
    flow = await _act(page.page, "Act on SIMs", "Limit the data")
    see = flow.get_by_role("button", name="See what it would do")
    await flow.get_by_role("textbox", name="Limit").fill("much")
    await expect(see).to_have_attribute("aria-description", "say how much, such as 500 MB")
    await flow.get_by_role("textbox", name="Limit").fill("500 MB")
    sent: list[str | None] = []

    async def asked(route: Route) -> None:
        sent.append(route.request.post_data)
        await route.continue_()

    await page.page.route("**/v1/bulk/preview", asked)
    await see.click()
    await expect(flow.get_by_role("row", name="local-gb")).to_contain_text("cannot be asked")
    wanted = {"verb": "set_limit", "arguments": {"bytes": 500_000_000}, "lines": {"carrier": "local-gb"}}
    assert [json.loads(body or "{}") for body in sent] == [wanted]
    await expect(flow).to_contain_text("Cannot: the carrier's interface has no such action.")
    await flow.get_by_role("textbox", name="Reason").fill("bill shock")
    await expect(flow.get_by_role("button", name="Ask 0 lines")).to_have_attribute(
        "aria-description", "no line can be asked"
    )
    assert await page.serious() == []
    await flow.get_by_role("textbox", name="Limit").fill("1 GB")
    await expect(flow.get_by_role("row", name="local-gb")).to_have_count(0)  # the preview was of something else


async def test_a_sim_that_its_device_does_not_use_is_acted_on_by_itself(house: House, opens: Opens) -> None:
    async with await house.person("owner") as owner:
        iccid = (await _standby(owner, "local-de", 20))[-1]
    page = await opens("owner")
    await page.go(f"/subscriptions/{iccid}")
    await page.page.get_by_role("button", name="Suspend…").click()
    flow = page.page.get_by_role("dialog")
    await expect(flow).to_contain_text(f"Suspend: the SIM {iccid}")
    await flow.get_by_role("textbox", name="Reason").fill("lost in the post")
    await flow.get_by_role("button", name="Ask 1 line", exact=True).click()
    await page.page.wait_for_url("**/bulk/bulk_*")
    await expect(page.page.get_by_role("heading", level=1)).to_contain_text("Suspend: 1 line")
    await expect(page.page.get_by_role("grid", name="Lines")).to_contain_text(iccid)
    await page.go(f"/subscriptions/{iccid}")
    await page.page.get_by_role("button", name="More").click()
    device = page.page.get_by_role("menuitem", name="Suspend the device’s SIM…")
    await expect(device).to_be_disabled()  # its device uses another
    await expect(page.page.get_by_role("menu")).to_contain_text("an action would reach that one")


async def test_a_refused_line_shows_the_carriers_own_answer(house: House, opens: Opens) -> None:
    page = await opens("auditor")
    await page.go(f"/bulk/{house.acme['bulk']}")
    await page.page.get_by_role("group", name="Lines by state").get_by_role("button", name="refused").click()
    rows = page.page.get_by_role("grid", name="Lines").locator("[data-index]")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("400 SEM0151 This SIM is in a contract")
    await rows.first.focus()
    await page.page.keyboard.press("Enter")
    await expect(page.page.get_by_role("dialog")).to_contain_text('"code": "SEM0151"')
    assert await page.serious() == []


async def test_a_bulk_action_that_somebody_starts_comes_into_the_list_by_itself(house: House, opens: Opens) -> None:
    page = await opens("auditor")
    await page.go("/connectivity?tab=bulk")
    async with await house.person("owner") as owner:
        lines = {"iccids": await _standby(owner, "local-sa", 2)}
        asked = {"verb": "deactivate", "lines": lines, "reason": "came by itself"}
        made = await owner.post("/v1/bulk", json=asked)
        assert made.status_code == 201, made.text
    row = page.page.get_by_role("row").filter(has_text="came by itself")
    await expect(row).to_contain_text("done")
    await expect(row).to_contain_text("2 came true")
