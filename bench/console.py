"""How fast the console is with a million devices: browser and server together on this machine.

`console_first_paint`: from the moment somebody who is signed in opens the console, with nothing of
it in the browser's cache, until a frame shows Home with its answers. Beside it the first paint of a
bare answer of the same server in the same browser. `console_filter`: from the click that chooses a
filter on Fleet until a frame shows the rows that pass it; the 95th percentile of filters that were not
asked for before. Beside it the same pages of devices asked of the API without a browser.
`console_first_screen`: what Home weighs on the wire, zipped, its charts included, against its limit.

    python bench/console.py [devices]
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg.conninfo import make_conninfo

MADE = Path(__file__).with_name("made_fleet.sql")
NOW = datetime.now(UTC)
PAINT_MS, FILTER_MS, FIRST_SCREEN_KB = 1_500, 300, 600
PAINTS = 7
PAGE = 200  # rows the table asks for at once
SERVER = """
import asyncio, contextlib, sys, json
from fairlead import wiring
def ready(r): print(json.dumps({"url": r.api_url, "code": r.setup_code}), flush=True)
with contextlib.suppress(KeyboardInterrupt): asyncio.run(wiring.up(None, {"data_dir": sys.argv[1], "api.port": "18097", "mqtt.port": "18096", "clock": "1"}, ready=ready, tenant="acme"))
"""

# A frame after the one in which Home stands there and nothing in it says that it is still reading.
PAINTED = """
(() => {
    const loads = () => [...document.querySelectorAll("main [role=status]")].some((one) => one.textContent.trim().endsWith("…"));
    const look = () => {
        if (!window.titled && document.querySelector("main h1")) requestAnimationFrame(() => { window.titled = performance.now(); });
        if (document.querySelector("main h1") && document.querySelector("main section") && !loads())
            requestAnimationFrame(() => { window.painted = performance.now(); });
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})();
"""

# From a click until a frame shows other rows and the table says that it is not busy.
FILTERED = """
(() => {
    const rows = () => [...document.querySelectorAll("[role=grid] [data-index]")].slice(0, 12).map((one) => one.textContent).join("|");
    addEventListener("click", (event) => {
        const before = rows(), began = event.timeStamp;
        window.filtered = null;
        const look = () => {
            const grid = document.querySelector("[role=grid]");
            if (grid && grid.ariaBusy !== "true" && rows() !== before)
                requestAnimationFrame(() => { window.filtered = performance.now() - began; });
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    }, true);
})();
"""


def line(name: str, values: list[float], value: float, unit: str, against: str, bound: float, **more: Any) -> None:
    print(json.dumps({
        "name": name, "value": round(value, 1), "unit": unit, "against": against, "against_value": round(bound, 1),
        "ratio": round(value / bound, 2), "runs": len(values), "spread": round(max(values) - min(values), 1), **more,
    }), flush=True)  # fmt: skip


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


class Visitor:
    """A browser whose contexts know nothing of each other, and the owner's cookies."""

    def __init__(self, browser: Browser, url: str, cookies: dict[str, str]) -> None:
        self._browser = browser
        self.url = url
        self._cookies = [{"name": name, "value": value, "url": url} for name, value in cookies.items()]

    @contextmanager
    def page(self, script: str) -> Iterator[Page]:
        context = self._browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        context.add_cookies(self._cookies)  # pyright: ignore[reportArgumentType]
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(script)
        try:
            yield page
        finally:
            context.close()


def first_paint(visitor: Visitor) -> None:
    """Cold each time; the weight is what the browser says it was sent."""
    painted, titled, bare, weights = [], [], [], []
    for _ in range(PAINTS + 1):  # the first warms the server and the machine's file cache
        with visitor.page("") as page:
            page.goto(f"{visitor.url}/healthz")
            bare.append(wait(page, "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"))
        with visitor.page(PAINTED) as page:
            page.goto(visitor.url, wait_until="commit")
            painted.append(wait(page, "window.painted"))
            titled.append(page.evaluate("window.titled"))
            weights.append(weight(page))
    painted, titled, bare = painted[1:], titled[1:], bare[1:]
    line(
        "console_first_paint", painted, statistics.median(painted), "ms",
        "first paint of a bare answer of the same server, median", statistics.median(bare),
        limit=PAINT_MS, title_ms=round(statistics.median(titled), 1), worst=round(max(painted), 1),
    )  # fmt: skip
    line("console_first_screen", weights, max(weights), "kB", "the limit", FIRST_SCREEN_KB)


def weight(page: Page) -> float:
    """Kilobytes of files that were sent until nothing more came: also what Home loads after it was painted."""
    before, now = -1.0, 0.0
    while now != before:
        before = now
        page.wait_for_timeout(500)
        now = float(page.evaluate(
            "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".filter((one) => !new URL(one.name).pathname.startsWith('/v1/')).reduce((sum, one) => sum + one.encodedBodySize, 0)"
        ))  # fmt: skip
    return now / 1_000


def filters(visitor: Visitor, http: httpx.Client) -> None:
    """Each country of the list beside the map, then each of them by connectivity: 14 + 14 filters, none asked for twice."""
    took: list[float] = []
    with visitor.page(FILTERED) as page:
        page.goto(f"{visitor.url}/fleet")
        lands = page.get_by_role("region", name="Where they are").locator("button[aria-pressed]")
        page.get_by_role("grid", name="Devices").locator("[data-index]").first.wait_for()
        lands.first.wait_for()
        for connectivity in (None, "Offline"):
            if connectivity:
                page.get_by_role("button", name=connectivity).first.click()
                wait(page, "window.filtered")
            for place in range(lands.count()):
                lands.nth(place).click()
                took.append(wait(page, "window.filtered"))
    asked: list[float] = []
    for country in http.get("/v1/countries", params={"present": True}).json()["items"]:
        for more in ({}, {"connectivity": "offline"}):
            began = time.perf_counter()
            http.get("/v1/devices", params={"country": country["code"], "limit": PAGE, **more}).raise_for_status()
            asked.append((time.perf_counter() - began) * 1_000)
    line(
        "console_filter", took, p95(took), "ms", "the same pages from the API without a browser, p95", p95(asked),
        limit=FILTER_MS, median=round(statistics.median(took), 1),
    )  # fmt: skip


def wait(page: Page, expression: str) -> float:
    """Milliseconds that the page has written down. Asked for by the debugger's way: the policy forbids `eval`."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = page.evaluate(expression)
        if found:
            return float(found)
        page.wait_for_timeout(30)
    raise TimeoutError(f"{page.url}: {expression}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        server = subprocess.Popen([sys.executable, "-c", SERVER, home], stdout=subprocess.PIPE, text=True)
        try:
            ready = json.loads(server.stdout.readline())
            with httpx.Client(base_url=ready["url"], timeout=300) as http:
                signed = http.post("/v1/setup", json={
                    "code": ready["code"], "name": "Bench", "email": "bench@example.com", "password": f"Bench-{uuid4()}",
                })  # fmt: skip
                signed.raise_for_status()
                began = time.perf_counter()
                fill(home, count)
                print(f"  {count} devices made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
                counted(http, count)
                with sync_playwright() as playwright:
                    flags = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
                    browser = playwright.chromium.launch(executable_path=chromium, args=flags)
                    visitor = Visitor(browser, ready["url"], dict(http.cookies))
                    first_paint(visitor)
                    filters(visitor, http)
                    browser.close()
        finally:
            server.send_signal(signal.SIGINT)  # so that it stops its engines
            server.wait(60)


def fill(home: str, count: int) -> None:
    """The fleet of the other benchmarks, vacuumed as a database that lives would be."""
    blocks = re.split(r"^-- name: \w+$", MADE.read_text(), flags=re.MULTILINE)[1:]
    with connect(home, "fairlead_app") as conn:
        tenant = conn.execute("select id from tenant where name = 'acme'").fetchone()[0]
        conn.execute("select set_config('app.tenant', %s, true)", (str(tenant),))
        for block in blocks:
            conn.execute(block, {"n": count, "now": NOW}, prepare=False)
    with connect(home, "fairlead_owner", autocommit=True) as conn:
        for table in ("device", "fact", "profile", "subscription"):
            conn.execute(f"vacuum (analyze) {table}")


def connect(home: str, user: str, *, autocommit: bool = False) -> psycopg.Connection:
    password = Path(home, "database.password").read_text()
    conf = next(Path(home).rglob("postgresql.conf")).read_text()
    port = re.findall(r"^port\s*=\s*(\d+)", conf, re.MULTILINE)[-1]
    return psycopg.connect(
        make_conninfo(host="127.0.0.1", port=port, dbname="fairlead", user=user, password=password),
        autocommit=autocommit,
    )


def counted(http: httpx.Client, count: int) -> None:
    """Wait until the worker has counted them all: what Home and Fleet show."""
    deadline = time.monotonic() + 900
    while http.get("/v1/counts").json()["devices"] != count:
        if time.monotonic() > deadline:
            sys.exit("the fleet was not counted within 15 minutes")
        time.sleep(1)


if __name__ == "__main__":
    main()
