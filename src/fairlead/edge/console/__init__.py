"""The web console's files, as a browser asks for them.

The console is built by `make console` into `dist/` beside this file and shipped in the wheel. It is
an API client like any other: nothing here knows what it shows. `Front` stands before the API's
application and hands on every path that is the API's; wiring says which those are.

Everything is small and read into memory once: no path of a request ever reaches the file system.
A build that replaces another under a running server is noticed by the time of its `index.html`.
"""

import gzip
import hashlib
import mimetypes
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

DIST: Final = Path(__file__).parent / "dist"
NONCE_PLACE: Final = b"__CSP_NONCE__"  # where the build leaves room for a nonce: console/vite.config.ts
_ASSETS: Final = "/assets/"  # names with a content hash: they never change
_NOT_BUILT: Final = """\
The console is not built here.

Build it with `make console` (Node 20 or newer; where there is none it is taken from PyPI),
then load this page again. The API answers under /v1 all the same.
"""

# `style-src` has the nonce for the component library's own style tag; styles set by scripts through the
# object model need nothing. No other host is ever asked for anything.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_STRICT: Final = "max-age=31536000"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of the build."""

    body: bytes
    zipped: bytes | None  # where the build made one
    media_type: str
    etag: str


class Console:
    """The build in `directory`, ready to answer."""

    def __init__(self, directory: Path = DIST) -> None:
        self._directory = directory
        self._read_at: int | None = None  # the index's time when the files were read
        self._index: bytes | None = None
        self._files: Mapping[str, File] = {}

    def answer(self, path: str, headers: Headers, *, secure: bool) -> Response:
        """What a browser gets for a path that is not the API's."""
        self._look()
        if self._index is None:
            return PlainTextResponse(_NOT_BUILT, status_code=404, headers={**_HEADERS, "Cache-Control": "no-store"})
        found = self._files.get(path)
        if found is not None:
            response = _file(found, headers, lasting=path.startswith(_ASSETS))
        elif path.startswith(_ASSETS):
            response = PlainTextResponse("no such asset: the console was built anew\n", status_code=404)
        else:
            response = self._page(self._index)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        if secure:
            response.headers["Strict-Transport-Security"] = _STRICT
        return response

    @staticmethod
    def _page(index: bytes) -> Response:
        nonce = secrets.token_urlsafe(16)
        return Response(
            index.replace(NONCE_PLACE, nonce.encode()),
            media_type="text/html",
            headers={"Cache-Control": "no-store", "Content-Security-Policy": _POLICY.format(nonce=nonce)},
        )

    def _look(self) -> None:
        index = self._directory / "index.html"
        try:
            changed = index.stat().st_mtime_ns
        except OSError:
            self._index, self._read_at = None, None
            return
        if changed == self._read_at:
            return
        self._index = index.read_bytes()
        self._files = {
            f"/{place.relative_to(self._directory).as_posix()}": _read(place)
            for place in sorted(self._directory.rglob("*"))
            if place.is_file() and place.suffix != ".gz" and place != index and not place.name.startswith(".")
        }
        self._read_at = changed


class Front:
    """The API's application with the console before it."""

    def __init__(self, api: App, console: Console, *, api_roots: Collection[str]) -> None:
        self._api = api
        self._console = console
        self._roots = frozenset(api_roots)  # first parts of the API's paths: `v1`, `healthz`, …

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request: the console's pages are read, everything else is the API's to answer or refuse."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._api(scope, receive, send)
            return
        path = str(scope["path"])
        if path.lstrip("/").partition("/")[0] in self._roots:
            await self._api(scope, receive, send)
            return
        response = self._console.answer(path, Headers(scope=scope), secure=scope.get("scheme") == "https")
        await response(scope, receive, send)


def _read(place: Path) -> File:
    body = place.read_bytes()
    beside = place.with_name(place.name + ".gz")
    zipped = beside.read_bytes() if beside.is_file() else None
    if zipped is not None and gzip.decompress(zipped) != body:
        zipped = None  # left by another build
    media_type = _TYPES.get(place.suffix) or mimetypes.guess_type(place.name)[0] or "application/octet-stream"
    return File(
        body=body, zipped=zipped, media_type=media_type, etag=f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    )


def _file(found: File, headers: Headers, *, lasting: bool) -> Response:
    said = {
        "ETag": found.etag,
        "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
        "Vary": "Accept-Encoding",
    }
    asked = headers.get("if-none-match", "")
    if found.etag in [one.strip().removeprefix("W/") for one in asked.split(",")]:
        return Response(status_code=304, headers=said)
    if found.zipped is not None and _takes_gzip(headers):
        return Response(found.zipped, media_type=found.media_type, headers=said | {"Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.media_type, headers=said)


def _takes_gzip(headers: Headers) -> bool:
    for one in headers.get("accept-encoding", "").split(","):
        name, _, quality = one.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
