"""Whoever may not do something sees why, before and after they try."""

import re

import pytest
from playwright.async_api import Locator, expect
from tests.console.conftest import House, Opens


@pytest.mark.parametrize(
    ("who", "screen", "button", "permission"),
    [
        ("auditor", "/changes/{waiting}", "Approve…", "changes.approve"),
        ("operator", "/changes/{waiting}", "Approve…", "changes.approve"),
        ("auditor", "/changes/{change}", "Roll back…", "changes.rollback"),
        ("auditor", "/plans/{plan}", "Apply…", "changes.apply"),
        ("auditor", "/bulk/{bulk}", "Take it back…", "commands.send"),
        ("operator", "/bulk/{bulk_waiting}", "Agree…", "changes.approve"),
        ("operator", "/carriers/{carrier}", "Edit…", "carriers.write"),
    ],
)
async def test_a_button_that_is_not_theirs_says_why(
    who: str, screen: str, button: str, permission: str, house: House, opens: Opens
) -> None:
    page = await opens(who)
    await page.go(screen.format(**house.acme.ids))
    pressed = page.page.get_by_role("button", name=button, exact=True)
    await expect(pressed).to_have_attribute("aria-disabled", "true")
    await expect(pressed).to_have_attribute("aria-description", re.compile(rf"{re.escape(permission)}.*{who}"))
    await pressed.focus()  # it stays in the keyboard's reach, and the reason is shown
    await expect(page.page.get_by_role("tooltip")).to_contain_text(permission)
    await pressed.press("Enter")
    await expect(page.page.get_by_role("dialog")).to_have_count(0)


async def test_nobody_approves_their_own(house: House, opens: Opens) -> None:
    page = await opens("owner", refusals={403, 409})
    await page.go(f"/changes/{house.acme['waiting']}")
    approve: Locator = page.page.get_by_role("button", name="Approve…")
    await approve.click()
    dialog = page.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Approve", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Somebody else must decide")
    async with await house.person("owner") as owner:
        assert (await owner.get(f"/v1/changes/{house.acme['waiting']}")).json()["state"] == "planned"
