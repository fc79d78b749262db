"""The demonstration's story, followed by clicking: from Home to a device at risk, its why, a plan, a second
person's approval, the stage's result, a rollback that was counted before, and the journal that holds it all.

One test, because it is one story: every step stands on the one before it.
"""

from playwright.async_api import Page, expect
from tests.console.conftest import House, Opens

TITLE = "Parked trackers take the Turkish SIM"
POLICY = """\
apiVersion: fairlead/v1
kind: Policy
metadata: {name: turkey-parked}
spec:
  priority: 210
  match: country == "TR" && group == "parked"
  until: country != "TR"
  admit: auto
  set:
    network: {carrier: local-tr, method: local-profile, apn: iot.local-tr.example, lease: 15m}
  reason: "Parked trackers roam on past the limit: the Turkish SIM takes over"
"""
SOON_MS = 60_000  # devices and carriers answer in their own time


async def test_from_a_device_at_risk_to_the_journal(house: House, opens: Opens) -> None:
    nora = await opens("owner")
    page = nora.page
    await nora.go("/")
    await page.get_by_role("region", name="Next breaches by country").get_by_role("link", name="Türkiye").click()
    await title(page, "Türkiye")
    await page.get_by_role("region", name="My devices there").get_by_role("link", name="in the fleet").click()
    await title(page, "Fleet")
    await page.get_by_role("region", name="Where they are").get_by_role("button", name="Already").click()
    rows = page.get_by_role("grid", name="Devices").locator("[data-index]")
    await expect(rows).to_have_count(len(house.acme.ids["parked"]))
    await page.get_by_role("link", name=house.acme["at_risk"], exact=True).click()
    await title(page, house.acme["at_risk"])
    await expect(page.locator("main")).to_contain_text("breached")
    await page.get_by_role("tab", name="Why").click()
    await expect(page.get_by_role("tabpanel")).to_contain_text("No policy is in force on this device")

    await page.get_by_role("navigation", name="Areas").get_by_role("link", name="Policies").click()
    await page.get_by_role("button", name="New", exact=True).click()
    await page.get_by_role("menuitem", name="Policy", exact=False).first.click()
    await title(page, "New Policy")
    await written(page, POLICY)
    await expect(page.get_by_role("region", name="Check")).to_contain_text("Reads as Policy turkey-parked")
    await page.get_by_role("button", name="Plan…").click()
    plan = page.get_by_role("dialog", name="Begin turkey-parked")
    await expect(plan).to_contain_text("Nothing has moved")
    await plan.get_by_role("button", name="Go on to apply…").click()
    await asked_for_approval(page)
    await page.get_by_role("link", name="Open the Change").click()

    await title(page, TITLE)
    await expect(page.get_by_role("region", name="This change waits for approval")).to_be_visible()
    change = page.url.rpartition("/")[2]

    ada = await opens("approver")
    await ada.go("/changes")
    await ada.page.get_by_role("link", name=TITLE).first.click()
    waits = ada.page.get_by_role("region", name="This change waits for you")
    await waits.get_by_role("button", name="Approve…").click()
    await ada.page.get_by_role("dialog").get_by_label("Note").fill("They have stood there for months")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
    await expect(waits).to_have_count(0)

    await expect(page.locator("h1")).to_contain_text("standing", timeout=SOON_MS)
    stages = page.get_by_role("region", name="Stages", exact=True)
    await expect(stages).to_contain_text("passed")
    await expect(page.get_by_role("region", name="Approvals", exact=True)).to_contain_text(
        "They have stood there for months"
    )

    await page.get_by_role("button", name="Roll back…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason").fill("The yard moves next week")
    await dialog.get_by_role("button", name="Count what would go back").click()
    count = len(house.acme.ids["parked"])
    await expect(dialog).to_contain_text(f"{count} devices, all of them")
    await dialog.get_by_label(f"Type {TITLE} to go on").fill(TITLE)
    await dialog.get_by_role("button", name=f"Roll {count} back").click()
    await expect(dialog).to_contain_text(f"{count} devices go back")
    await dialog.get_by_role("button", name="Close", exact=True).last.click()
    await expect(page.locator("main")).to_contain_text(f"{count} taken back", timeout=SOON_MS)

    async with await house.person("owner") as owner:
        told = (await owner.get(f"/v1/changes/{change}")).json()
        assert told["story"]["moves"] == {"undone": count}
        device = (await owner.get(f"/v1/devices/{house.acme['at_risk']}")).json()
        assert device["facts"]["carrier"] == "global-roam"

    await page.get_by_role("navigation", name="Areas").get_by_role("link", name="Journal").click()
    await title(page, "Journal")
    await expect(page.get_by_role("grid")).to_contain_text("The yard moves next week")
    await page.get_by_role("button", name="Verify", exact=True).click()
    await page.get_by_role("button", name="Verify the journal").click()
    await expect(page.get_by_role("region", name="Verdict")).to_contain_text("The journal is whole", timeout=SOON_MS)


async def asked_for_approval(page: Page) -> None:
    """The form beside a plan: by its own title, and only when another person agrees."""
    await page.get_by_label("Title").fill(TITLE)
    await page.get_by_role("textbox", name="Approvals").fill("1")
    await page.get_by_role("button", name="Ask for approval…").click()
    dialog = page.get_by_role("dialog", name="Ask for approval")
    await expect(dialog).to_contain_text("waits until another person agrees")
    typed = dialog.get_by_role("textbox")
    if await typed.count():
        await typed.fill(TITLE)
    await dialog.get_by_role("button", name="Ask", exact=True).click()


async def written(page: Page, text: str) -> None:
    """In the editor, by its keys: all that stands there makes way."""
    await page.get_by_role("textbox", name="Text of a new Policy").click()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(text)


async def title(page: Page, text: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_contain_text(text)
