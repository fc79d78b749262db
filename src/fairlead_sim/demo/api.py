"""The story's way to the server: the HTTP API, as any client has it, with a bearer token.

Raises `Said` with the problem document when the server says no, so that a story that fails says why.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, cast

import httpx

Body = dict[str, Any]

_PAGE: Final = 1_000
_FIRST_ERROR: Final = 400


class Said(RuntimeError):
    """The server said no."""


class Api:
    """One server, as one principal."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""
        self._http = httpx.AsyncClient(base_url=url, timeout=60)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def enter(self, code: str, *, name: str, email: str, password: str) -> None:
        """Become the first owner with the one-time code, and take a token."""
        opened = await self._http.post(
            "/v1/setup", json={"code": code, "name": name, "email": email, "password": password}
        )
        session = _answer(opened)
        made = await self._http.post(
            "/v1/tokens",
            json={"name": "demo", "roles": ["owner"]},
            headers={"X-CSRF-Token": str(session["csrf"])},
        )
        self.token = str(_answer(made)["token"])
        self._http.cookies.clear()
        self._http.headers["authorization"] = f"Bearer {self.token}"

    async def get(self, path: str, **params: Any) -> Body:
        """Read."""
        return _answer(await self._http.get(path, params=_given(params)))

    async def post(self, path: str, body: Any = None, **params: Any) -> Any:
        """Ask for something to be done."""
        return _answer(await self._http.post(path, json=body if body is not None else {}, params=_given(params)))

    async def put(self, path: str, body: Any, *, version: int) -> Any:
        """Replace what is there at a version; 0: nothing is."""
        return _answer(await self._http.put(path, json=body, headers={"If-Match": f'"{version}"'}))

    async def decide_alone(self, reason: str) -> Body:
        """Say that nobody else need agree to what a carrier charges for."""
        rule = await self.get("/v1/agreement")
        said: Body = await self.put(
            "/v1/agreement", {"charges": False, "reason": reason}, version=int(rule["version"])
        )  # fmt: skip
        return said

    async def clock(self) -> Body:
        """What time it is in the house."""
        return await self.get("/v1/clock")

    async def set_rate(self, rate: float) -> Body:
        """Run the house's clock at another rate."""
        return _answer(await self._http.put("/v1/clock", json={"rate": rate}))

    async def loop_seconds(self) -> dict[str, float]:
        """How long the server's reconcilers have worked so far, in seconds, by name."""
        text = (await self._http.get("/metrics")).text
        head = 'fairlead_loop_seconds_sum{reconciler="'
        found = (line.removeprefix(head).split('"} ') for line in text.splitlines() if line.startswith(head))
        return {name: round(float(value), 2) for name, value in sorted(found)}

    async def items(self, path: str, **params: Any) -> AsyncIterator[Body]:
        """All items of a list, page by page."""
        cursor: str | None = None
        while True:
            page = await self.get(path, limit=_PAGE, cursor=cursor, **params)
            for item in cast("list[Body]", page["items"]):
                yield item
            cursor = page["next"]
            if cursor is None:
                return

    async def upload(self, kind: str, text: str, name: str) -> Body:
        """Import a CSV file."""
        sent = await self._http.post(
            "/v1/imports",
            params={"kind": kind, "name": name},
            content=text.encode(),
            headers={"content-type": "text/csv"},
        )
        return _answer(sent)

    async def download(self, path: str, target: Path) -> int:
        """Keep what an endpoint streams; how many bytes."""
        size = 0
        async with self._http.stream("GET", path) as response:
            if response.status_code >= _FIRST_ERROR:
                await response.aread()
                _answer(response)
            with target.open("wb") as file:
                async for block in response.aiter_bytes():
                    size += file.write(block)
        return size


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if value is not None}


def _answer(response: httpx.Response) -> Any:
    if response.status_code >= _FIRST_ERROR:
        request = response.request
        raise Said(f"{request.method} {request.url.path}: {response.status_code} {response.text[:600]}")
    return response.json() if response.content else {}
