"""The console's files before the API: pages, assets, the policy, and paths that stay the API's. Needs no build."""

import gzip
import os
import re
from pathlib import Path

import httpx
import pytest

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import Services
from fairlead.edge.console import Console, Front
from fairlead.engine.timekeeper import Timekeeper
from fairlead.wiring.run import api_roots

INDEX = '<!doctype html><meta property="csp-nonce" nonce="__CSP_NONCE__"><script nonce="__CSP_NONCE__" src="/assets/a-1.js"></script>'
SCRIPT = b"console.log('fairlead');\n" * 50


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "assets" / "a-1.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "a-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "mark.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / ".built-from").write_text("a digest")
    return tmp_path


def client(directory: Path, base_url: str = "http://fairlead.test") -> httpx.AsyncClient:
    app = Front(create_app(Services(Timekeeper())), Console(directory), api_roots=api_roots())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url)


@pytest.mark.parametrize(
    "path",
    ["/", "/fleet?country=DE", "/devices/trk-00001", "/devices/trk.00001.js", "/v10", "/%2e%2e/%2e%2e/etc/passwd"],
)
async def test_every_path_of_the_console_is_its_page(dist: Path, path: str) -> None:
    async with client(dist) as http:
        answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_policy_permits_nothing_but_our_own_and_the_nonce_is_fresh(dist: Path) -> None:
    async with client(dist) as http:
        first, second = [await http.get("/"), await http.get("/fleet")]
    nonces = [re.findall(r'nonce="([^"]+)"', answer.text) for answer in (first, second)]
    assert len(set(nonces[0])) == 1
    assert nonces[0][0] != nonces[1][0] != "__CSP_NONCE__"
    policy = dict(part.strip().split(" ", 1) for part in first.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": f"'self' 'nonce-{nonces[0][0]}'",
        "img-src": "'self' data:", "font-src": "'self'", "connect-src": "'self'", "frame-ancestors": "'none'",
        "base-uri": "'none'", "form-action": "'self'",
    }  # fmt: skip
    for name, value in {
        "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cross-origin-opener-policy": "same-origin",
    }.items():  # fmt: skip
        assert first.headers[name] == value
    assert "strict-transport-security" not in first.headers
    async with client(dist, "https://fairlead.test") as http:
        assert "max-age" in (await http.get("/")).headers["strict-transport-security"]


async def test_assets_are_kept_for_ever_and_sent_zipped_to_who_takes_it(dist: Path) -> None:
    async with client(dist) as http:
        plain = await http.get("/assets/a-1.js", headers={"accept-encoding": "identity"})
        refused = await http.get("/assets/a-1.js", headers={"accept-encoding": "gzip;q=0"})
        zipped = await http.get("/assets/a-1.js", headers={"accept-encoding": "br, gzip;q=0.8"})
        again = await http.get("/assets/a-1.js", headers={"if-none-match": zipped.headers["etag"]})
        head = await http.head("/assets/a-1.js")
    assert plain.content == refused.content == zipped.content == SCRIPT
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < len(SCRIPT)
    assert zipped.headers["content-type"].startswith("text/javascript")
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == "Accept-Encoding"
    assert (again.status_code, again.content) == (304, b"")
    assert (head.status_code, head.content) == (200, b"")


async def test_other_files_are_asked_for_again_and_a_missing_asset_is_not_a_page(dist: Path) -> None:
    async with client(dist) as http:
        mark, missing, dot = [await http.get(path) for path in ("/mark.svg", "/assets/old-9.js", "/.built-from")]
    assert mark.headers["cache-control"] == "no-cache"
    assert mark.headers["content-type"].startswith("image/svg+xml")
    assert missing.status_code == 404
    assert "<script" not in missing.text
    assert "a digest" not in dot.text


async def test_a_zipped_file_of_another_build_is_left_alone(dist: Path) -> None:
    (dist / "assets" / "a-1.js.gz").write_bytes(gzip.compress(b"older"))
    async with client(dist) as http:
        answer = await http.get("/assets/a-1.js", headers={"accept-encoding": "gzip"})
    assert answer.content == SCRIPT
    assert "content-encoding" not in answer.headers


async def test_a_new_build_is_served_without_a_restart(dist: Path) -> None:
    async with client(dist) as http:
        assert "a-1.js" in (await http.get("/")).text
        (dist / "index.html").write_text(INDEX.replace("a-1", "b-2"))
        (dist / "assets" / "b-2.js").write_bytes(b"new")
        os.utime(dist / "index.html", ns=(1, 1))
        assert "b-2.js" in (await http.get("/")).text
        assert (await http.get("/assets/b-2.js")).content == b"new"


async def test_the_api_keeps_its_paths_and_all_that_writes(dist: Path) -> None:
    async with client(dist) as http:
        unknown = await http.get("/v1/no-such-thing", headers={"accept": "text/html"})
        alive = await http.get("/healthz")
        posted = await http.post("/fleet")
        wrong = await http.delete("/v1/clock")
        described = await http.get("/v1/openapi.json")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert unknown.json()["type"] == "/problems/not-found"
    assert alive.json() == {"ok": True, "faults": {}}
    assert (posted.status_code, posted.headers["content-type"]) == (404, "application/problem+json")
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, "application/problem+json")
    assert described.json()["openapi"].startswith("3.1")


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    async with client(tmp_path / "dist") as http:
        page, alive = await http.get("/"), await http.get("/healthz")
    assert page.status_code == 404
    assert "make console" in page.text
    assert alive.status_code == 200
