"""What is chosen of a few can be read in both themes, also in the instant in which one turns into the other."""

import pytest
from tests.console.conftest import House, Opens

# The ratio of WCAG 2.2 (1.4.3) of each label against what it stands on, and of the chosen one's edge (1.4.11).
RATIOS = """
(root) => {
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (text) => {
        const [r, g, b] = channels(text).slice(0, 3).map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
    const ground = getComputedStyle(root).backgroundColor;
    const chosen = getComputedStyle(root.querySelector(".mantine-SegmentedControl-indicator"));
    const labels = [...root.querySelectorAll("label")].map((one) => ratio(getComputedStyle(one).color, one.dataset.active ? chosen.backgroundColor : ground));
    return { labels, edge: ratio(chosen.boxShadow.match(/rgba?\\([^)]*\\)/)[0], ground) };
}
"""


@pytest.mark.parametrize(("before", "after"), [("light", "dark"), ("dark", "light")])
async def test_what_happens_when_a_batch_fails_can_be_read(before: str, after: str, house: House, opens: Opens) -> None:
    page = await opens("owner")
    await page.page.emulate_media(color_scheme=before, reduced_motion="no-preference")
    await page.go(f"/plans/{house.acme['plan']}")
    control = page.page.get_by_role("radiogroup", name="When a batch fails")
    assert await control.count() == 1
    await page.page.emulate_media(color_scheme=after)
    await page.page.wait_for_function(
        "(scheme) => document.documentElement.dataset.mantineColorScheme === scheme", arg=after
    )
    found = await control.evaluate(RATIOS)
    assert len(found["labels"]) == 2
    assert min(found["labels"]) >= 4.5, found
    assert found["edge"] >= 3, found
