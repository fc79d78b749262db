"""A browser, a house for it to look into, and people who are signed in.

The house is one process for the whole folder (`house.py`), shared by xdist's workers (`shared_house.py`),
and gone before the next folder's tests.
`CONSOLE_SCREENSHOTS=1` has every screen's picture written to docs/console/, from a larger
house; otherwise pictures go to a temporary directory. `CONSOLE_HOUSE` names a file with the
line of a house that runs already: for whoever works on these tests.
"""

import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright
from tests.conftest import debian_programs
from tests.console.shared_house import shared_house
from tests.console.watch import AXE, Watched

from fairlead.edge.console import DIST
from fairlead_sim.demo.company import LAB_PASSWORD as PASSWORD

SCREENSHOTS: Final = os.environ.get("CONSOLE_SCREENSHOTS") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of the folder needs a browser, and patience while the house is put up."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.peer("chromium"))
            item.add_marker(pytest.mark.timeout(300))


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One side of the wall: its people, and the ids of what it has."""

    people: dict[str, dict[str, str]]
    ids: dict[str, Any]

    def __getitem__(self, name: str) -> str:
        return str(self.ids[name])


@dataclass(kw_only=True)
class House:
    """Where it is, who is in it, and the cookies of those who signed in already."""

    url: str
    acme: Tenant
    rival: Tenant
    cookies: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    async def person(self, who: str, *, rival: bool = False, fresh: bool = False) -> httpx.AsyncClient:
        """Somebody with a session, without a browser; `fresh`: a session of its own, which a test may end."""
        one = (self.rival if rival else self.acme).people[who]
        cookies = None if fresh else self.cookies.get(one["email"])
        if cookies is None:
            async with httpx.AsyncClient(base_url=self.url, timeout=60) as door:
                asked = {"tenant": one["tenant"], "email": one["email"], "password": PASSWORD}
                answer = await door.post("/v1/session", json=asked)
                assert answer.status_code == 201, answer.text
                cookies = dict(door.cookies)
            if not fresh:
                self.cookies[one["email"]] = cookies
        headers = {"X-CSRF-Token": cookies["fairlead_csrf"]}
        return httpx.AsyncClient(base_url=self.url, timeout=60, cookies=cookies, headers=headers)


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """The house, up and lived in; one for all workers."""
    if not (DIST / "index.html").is_file():
        pytest.fail("the console is not built: make console")
    given = os.environ.get("CONSOLE_HOUSE")
    if given:
        yield _house(Path(given))
        return
    with shared_house(large=SCREENSHOTS) as told:
        yield _house(told)


def _house(line: Path) -> House:
    told = json.loads(line.read_text(encoding="utf-8"))
    sides = {name: Tenant(people=told[name].pop("people"), ids=told[name]) for name in ("acme", "rival")}
    return House(url=told["url"], **sides)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    debian_programs("chromium fonts-liberation fonts-dejavu-core", "chromium")
    if not AXE.is_file():
        pytest.fail("axe-core is not there: remove the built console and run `make console`")
    arguments = ["--disable-dev-shm-usage", "--force-color-profile=srgb", "--font-render-hinting=none"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        try:
            yield made
        finally:
            await made.close()


Opens = Callable[..., Awaitable[Watched]]


@pytest_asyncio.fixture(loop_scope="session")
async def opens(browser: Browser, house: House) -> AsyncIterator[Opens]:
    """`await opens("owner")`: a page of somebody who is signed in. Whatever it did wrong fails the test at its end."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    async def made(
        who: str | None = "owner", *, rival: bool = False, fresh: bool = False, refusals: Collection[int] = ()
    ) -> Watched:
        cookies = {}
        if who is not None:
            async with await house.person(who, rival=rival, fresh=fresh) as client:
                cookies = dict(client.cookies)
        page = await open_page(browser, house.url, cookies, refusals)
        contexts.append(page.page.context)
        pages.append(page)
        return page

    yield made
    for context in contexts:
        await context.close()
    for page in pages:
        page.clean()


async def open_page(browser: Browser, url: str, cookies: Mapping[str, str], refusals: Collection[int] = ()) -> Watched:
    """A page in a context of its own, under watch."""
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, reduced_motion="reduce", locale="en-GB", timezone_id="Europe/Berlin"
    )
    context.set_default_timeout(30_000)
    await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    return await Watched.of(await context.new_page(), url, refusals=refusals)
