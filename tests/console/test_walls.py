"""What belongs to another tenant cannot be had by any address, neither of the console nor of the API beneath it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Response
from tests.console.conftest import House, Opens, Tenant
from tests.console.hostile import TAG
from tests.console.screens import ALL

OPENAPI = json.loads(Path(__file__).parents[2].joinpath("api", "openapi.json").read_text(encoding="utf-8"))
OF_IDS = sorted(name for name, path in ALL.items() if "{" in path and "{country}" not in path)
NOT_ASKED = {"/v1/events", "/v1/oidc/start", "/v1/oidc/callback"}
EVERYBODYS = {"/v1/countries/{code}", "/v1/reference/{table}"}  # the law and the tables are the same for all
# Nothing of the kind has one of the ids; the lists beside them are asked.
WITHOUT_ONE = {"/v1/views/{screen}/{name}"}


async def test_nothing_of_another_tenant_is_shown(house: House, opens: Opens) -> None:
    """Every screen that shows one thing, with the other tenant's thing in its address."""
    page = await opens("owner", refusals={404})
    got: list[str] = []

    async def kept(response: Response) -> None:
        if "/v1/" in response.url and "/v1/events" not in response.url:
            got.append(await response.text())

    page.page.on("response", kept)
    await page.go("/")
    for name in OF_IDS:
        await page.turn(ALL[name].format(**house.rival.ids))
        assert TAG not in await page.page.content(), name
        assert [text for text in got if TAG in text] == [], name
    assert got


@pytest.mark.parametrize("mine", ["acme", "rival"])
async def test_every_reading_of_the_api_with_somebody_elses_ids(mine: str, house: House) -> None:
    """Each GET there is, its parameters filled with the other's ids: theirs alone get an answer."""
    other, mark = (house.rival, TAG) if mine == "acme" else (house.acme, "trk-0")
    answered: set[str] = set()
    async with (
        await house.person("owner", rival=mine == "rival") as me,
        await house.person("owner", rival=mine == "acme") as they,
    ):
        for path, one, address in _addresses(other):
            answer = await me.get(address)
            assert mark not in answer.text.replace(one, ""), address
            if "{" in path and path not in EVERYBODYS:
                assert answer.is_error or _nothing(answer.json()), (address, answer.text[:300])
                answered |= {path} if (await they.get(address)).is_success else set()
    with_ids = {path for path, _, _ in _addresses(other) if "{" in path}
    assert with_ids - answered == EVERYBODYS | WITHOUT_ONE  # the ids were right: whoever they belong to was answered


def _addresses(tenant: Tenant) -> Iterator[tuple[str, str, str]]:
    """(path, the id in it, address): every id in every place, since a thing may be asked for by several."""
    kinds = {"kind": "Policy", "screen": "fleet", "code": tenant["country"], "table": "bands"}
    ids = [one for one in tenant.ids.values() if isinstance(one, str) and len(one) > 2]
    for path, methods in OPENAPI["paths"].items():
        if "get" not in methods or path in NOT_ASKED:
            continue
        holes = [name for name in re.findall(r"\{(\w+)\}", path) if name not in kinds]
        for one in ids if holes else [""]:
            yield path, one or "-", re.sub(r"\{(\w+)\}", lambda found, one=one: kinds.get(found[1], one), path)


def _nothing(body: object) -> bool:
    return body == [] or (isinstance(body, dict) and body.get("items") == [])
