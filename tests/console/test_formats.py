"""Numbers, units, dates and countries are written as one chooses, beside the choice of the zone, and stay so."""

from playwright.async_api import expect
from tests.console.conftest import Opens


async def test_another_way_of_writing_is_everywhere_at_once_and_stays(opens: Opens) -> None:
    page = await opens("owner")
    await page.go("/settings?part=preferences")
    panel = page.page.get_by_role("region", name="Numbers and dates")
    for said in ("1,234,567.8", "1.4 MB", "1,234.50 EUR", "Germany", "12.5%"):
        await expect(panel).to_contain_text(said)
    assert await page.serious() == []
    choice = panel.get_by_label("Written as in")
    for tag, known in (
        ("de-DE", ("1.234.567,8", "1,4 MB", "1.234,50 EUR", "Deutschland", "12,5\u00a0%")),
        ("fr-FR", ("1\u202f234\u202f567,8", "1,4\u202fMo", "1\u202f234,50 EUR", "Allemagne")),
        ("en-US", ("1,234,567.8", "1.4 MB")),
        ("fr-FR", ("1,4\u202fMo",)),
    ):
        await choice.select_option(tag)
        for said in known:
            assert said in await panel.inner_text(), tag
    await page.go("/fleet")
    await expect(page.page.get_by_role("button", name="Allemagne")).to_be_visible()
    await page.go("/settings?part=preferences")
    await choice.select_option("auto")
    await expect(panel).to_contain_text("1,234,567.8")
