"""An operation whose outcome is unknown is settled by hand, by whoever may, and says why it was.

The house has none that nobody can read: the answer that lists a device's operations is told to
the browser with one of them unknown. What the API does with the word is `tests/system/test_api_settle.py`.
"""

import json
from typing import Any

from playwright.async_api import Route, expect
from tests.console.conftest import House, Opens
from tests.console.watch import Watched


async def _unknown(page: Watched, house: House) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """An address where an unknown operation is on show, the operation, and what is sent to settle it."""
    async with await house.person("owner") as owner:
        change, device = house.acme["change"], house.acme["device"]
        asked = {"change": change, "device": device}
        one = next(
            row
            for row in (await owner.get("/v1/operations", params=asked)).json()["items"]
            if row["driver"] == "carrier"
        )
    sent: list[dict[str, Any]] = []

    async def listed(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        for row in body["items"]:
            if row["id"] == one["id"] and not sent:
                row.update(state="unknown", settled_at=None)
        await route.fulfill(response=answer, json=body)

    async def settled(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}"))
        await route.fulfill(json={"id": one["id"], "state": "verified"})

    await page.page.route("**/v1/operations?*", listed)
    await page.page.route(f"**/v1/operations/{one['id']}/settle", settled)
    return f"/changes/{change}?tab=operations&device={device}", one, sent


async def test_who_knows_says_what_became_of_it_and_how_they_know(house: House, opens: Opens) -> None:
    page = await opens("operator")
    address, one, sent = await _unknown(page, house)
    await page.go(address)
    panel = page.page.get_by_role("dialog", name="in this change")
    await panel.get_by_role("button", name="Say what became of it").click()
    asked = page.page.get_by_role("dialog", name="What became of")
    await expect(asked).to_contain_text(one["device_name"])
    await expect(asked).to_contain_text(one["arguments"]["account"])
    assert await page.serious() == []
    settle = asked.get_by_role("button", name="Settle it")
    await expect(settle).to_have_attribute("aria-description", "say what became of it")
    await asked.get_by_role("radio", name="It was not applied").check()
    await expect(asked).to_contain_text("tried anew")
    await asked.get_by_role("radio", name="It was applied").check()
    settle = asked.get_by_role("button", name="It was applied")
    await expect(settle).to_have_attribute("aria-description", "say how you know it")
    await settle.click(force=True)
    assert sent == []
    await asked.get_by_label("How you know").fill("  Seen in the carrier's portal ")
    await settle.click()
    await expect(asked).to_have_count(0)
    assert sent == [{"outcome": "applied", "reason": "Seen in the carrier's portal"}]
    await expect(panel.get_by_role("button", name="Say what became of it")).to_have_count(0)


async def test_who_may_not_is_told_why(house: House, opens: Opens) -> None:
    page = await opens("auditor")
    address, _, sent = await _unknown(page, house)
    await page.go(address)
    button = page.page.get_by_role("button", name="Say what became of it")
    await expect(button).to_have_attribute("aria-disabled", "true")
    assert "changes.rollback" in (await button.get_attribute("aria-description") or "")
    assert sent == []
