"""A page under watch: everything that a clean screen must not do is written down as it happens.

What is watched for: words on the browser's console, errors nobody caught, a policy violated, a
dialog, a request to another host. Answers that say no (403, 404) make Chromium print a line by
itself; a test that asks for what it may not have says so with `refusals`.
"""

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Dialog, Page, Request
from tests.console.hostile import TAG

AXE: Final = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
_STREAM: Final = "/v1/events"
_QUIET_S: Final = 0.15
_SETTLED_WITHIN_S: Final = 30.0
_VIOLATIONS: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violated: ${event.effectiveDirective} by ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
"""


class Watched:
    """One page, and what it did that it should not have done."""

    def __init__(self, page: Page, url: str, refusals: Collection[int]) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        self._refusals = refusals
        self._open: set[Request] = set()
        self._moved = time.monotonic()

    @classmethod
    async def of(cls, page: Page, url: str, *, refusals: Collection[int] = ()) -> "Watched":
        made = cls(page, url, refusals)
        await page.add_init_script(_VIOLATIONS)
        page.on("console", made._said)
        page.on("pageerror", lambda error: made.faults.append(f"nobody caught: {error}"))
        page.on("dialog", made._dialog)
        page.on("request", made._began)
        page.on("requestfinished", made._ended)
        page.on("requestfailed", made._ended)
        return made

    async def go(self, path: str) -> None:
        """Open an address, and wait until its screen says all it has to say."""
        await self.page.goto(self.url + path, wait_until="load")
        await self.settled()

    async def turn(self, path: str) -> None:
        """Go to an address as a link does, without loading the page anew."""
        await self.page.evaluate(
            "(path) => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path
        )
        await self.settled()

    async def settled(self) -> None:
        """No request is open save the stream of events, nothing says that it loads, and a title stands there."""
        deadline = time.monotonic() + _SETTLED_WITHIN_S
        while time.monotonic() < deadline:
            quiet = not self._open and time.monotonic() - self._moved > _QUIET_S
            if quiet and not await self.page.evaluate(_LOADING):
                return
            await asyncio.sleep(0.05)
        waiting = [request.url for request in self._open]
        says = await self.page.evaluate("document.querySelector('main')?.innerText ?? document.body.innerText")
        raise AssertionError(f"{self.page.url} did not settle: {waiting or says[:600]}")

    async def serious(self) -> list[str]:
        """What axe finds serious or critical, and whatever is wrong with the page's landmarks, one line each."""
        if not await self.page.evaluate("typeof window.axe === 'object'"):
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = await self.page.evaluate(_AXE_RUN)
        return [f"{one['impact']}: {one['id']} at {one['at']}: {one['why']}" for one in found]

    async def injected(self) -> list[str]:
        """Elements that hostile text became."""
        return await self.page.evaluate(
            f"[...document.querySelectorAll('{TAG}, img[src=\"x\"]')].map((one) => one.outerHTML.slice(0, 200))"
        )

    def clean(self) -> None:
        """Nothing was written down."""
        assert self.faults == [], f"{self.page.url}: " + "\n".join(self.faults)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        refused = any(f"the server responded with a status of {code}" in message.text for code in self._refusals)
        if not refused:
            self.faults.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    async def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()

    def _began(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and f"{parts.scheme}://{parts.netloc}" != self.url:
            self.faults.append(f"a request to another host: {request.url}")
        if parts.path != _STREAM:
            self._open.add(request)
            self._moved = time.monotonic()

    def _ended(self, request: Request) -> None:
        self._open.discard(request)
        self._moved = time.monotonic()


# A `status` that ends with an ellipsis is the part `Loading`; the frame's own `connecting…` is not waited for.
_LOADING: Final = """
() => !document.querySelector("h1")
    || [...document.querySelectorAll("main [role=status], main [aria-busy=true]")].some((one) => one.ariaBusy === "true" || one.innerText.trim().endsWith("…"))
    || document.getAnimations().some((one) => one.playState === "running" && one.effect?.getTiming().iterations !== Infinity)
"""

_AXE_RUN: Final = """
async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations
        .filter((one) => one.impact === "serious" || one.impact === "critical" || one.id.startsWith("landmark-") || one.id === "region")
        .flatMap((one) => one.nodes.slice(0, 4).map((node) => ({
            id: one.id, impact: one.impact, at: node.target.join(" "), why: (node.failureSummary ?? "").replaceAll("\\n", " ").slice(0, 300),
        })));
}
"""
