"""Where the first page sends people: screens that the console has, with filters that it and the API read."""

import re
from pathlib import Path

import pytest

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import Services
from fairlead.engine.timekeeper import Timekeeper
from fairlead.insight.home import LOOK, ready_to_scale

CONSOLE = Path(__file__).parents[2] / "console" / "src"
ROUTES = (CONSOLE / "routes.tsx").read_text(encoding="utf-8")
# The list behind a screen; what the console judges by itself, from an answer that is there whole, has none.
LISTS = {
    "fleet": "/v1/devices",
    "changes": "/v1/changes",
    "connectivity": "/v1/subscriptions",
    "findings": "/v1/findings",
}
OF_THE_CONSOLE = {("connectivity", "tab"), ("countries", "within_days")}
VALUES = re.compile(r"(\w+): (flag|text|oneOf\(([^)]*)\))")


def readers(screen: str) -> dict[str, set[str] | None]:
    """The search parameters of a screen, with the values that it takes; None: any."""
    source = (CONSOLE / "screens" / screen / "search.ts").read_text(encoding="utf-8")
    lists = {
        name: set(re.findall(r'"([^"]+)"', words))
        for name, words in re.findall(r"const (\w+) = \[(.*?)\] as const", source)
    }
    found: dict[str, set[str] | None] = {}
    for name, reader, words in VALUES.findall(source):
        if reader == "flag":
            found[name] = {"true", "false"}
        elif reader == "text":
            found[name] = None
        else:
            spread = [lists[one] for one in re.findall(r"\.\.\.(\w+)", words)]
            found[name] = set(re.findall(r'"([^"]+)"', words)).union(*spread)
    return found


def parameters(path: str) -> set[str]:
    document = create_app(Services(Timekeeper())).openapi()
    return {one["name"] for one in document["paths"][path]["get"]["parameters"] if one["in"] == "query"}


@pytest.mark.parametrize("name", LOOK)
def test_a_link_of_home_leads_to_what_it_says(name: str) -> None:
    screen, query = LOOK[name]
    assert f'path: "/{screen}"' in ROUTES
    for part in filter(None, query.split("&")):
        key, _, value = part.partition("=")
        known = readers(screen)
        assert key in known, f"nobody reads {key} at /{screen}"
        taken = known[key]
        assert taken is None or value in taken, f"/{screen} does not take {part}"
        assert (screen, key) in OF_THE_CONSOLE or key in parameters(LISTS[screen]), f"the API does not read {key}"


def test_every_screen_of_home_has_a_name_on_its_cards() -> None:
    card = (CONSOLE / "screens" / "home" / "Card.tsx").read_text(encoding="utf-8")
    areas = set(re.findall(r"(\w+): \"", re.search(r"const AREA[^{]*\{(.*)\}", card)[1]))
    assert {screen for screen, _ in LOOK.values()} <= areas


def test_what_is_not_built_names_a_page_that_says_what_there_is() -> None:
    sentence = ready_to_scale().answer.sentence
    (page,) = re.findall(r"docs/[\w-]+\.md", sentence)
    assert "## Are we ready to scale" in (CONSOLE.parents[1] / page).read_text(encoding="utf-8")
