"""Which names the server answers to, once it has one of its own."""

import httpx
import pytest

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import Services
from fairlead.edge.api.site import Site
from fairlead.engine.timekeeper import Timekeeper

FAR, NEAR = "192.0.2.7", "127.0.0.1"


async def ask(url: str | None, host: str, path: str = "/v1/session", *, peer: str = FAR) -> httpx.Response:
    app = create_app(Services(Timekeeper(), Site(url)))
    transport = httpx.ASGITransport(app, client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        return await client.get(path, headers={"host": host})


@pytest.mark.parametrize(
    "host", ["fairlead.example.com", "FairLead.Example.com", "fairlead.example.com:443", "fairlead.example.com."]
)
async def test_its_own_name_is_answered(host: str) -> None:
    assert (await ask("https://fairlead.example.com", host)).status_code == 401  # sign in


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "fairlead.example.com.evil.example", "x@fairlead.example.com", "fairlead.example.com:8443",
        "fairlead.example.com/x", "", "192.0.2.1", "localhost", "127.0.0.1", "[::1", "fairlead.example.com:x",
    ],
)  # fmt: skip
async def test_every_other_name_is_misdirected(host: str) -> None:
    answer = await ask("https://fairlead.example.com", host)
    assert answer.status_code == 421
    assert answer.json()["type"] == "/problems/unknown-host"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_port_of_its_own_is_part_of_the_name() -> None:
    assert (await ask("https://fairlead.example.com:8443", "fairlead.example.com:8443")).status_code == 401
    assert (await ask("https://fairlead.example.com:8443", "fairlead.example.com:443")).status_code == 421


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_come_by_address(path: str) -> None:
    assert (await ask("https://fairlead.example.com", "10.1.2.3:8080", path)).status_code == 200


async def test_figures_are_scraped_by_address_and_never_by_a_strange_name() -> None:
    assert (await ask("https://fairlead.example.com", "10.1.2.3:8080", "/metrics", peer=NEAR)).status_code == 200
    assert (await ask("https://fairlead.example.com", "rebound.example", "/metrics", peer=NEAR)).status_code == 421


async def test_programs_on_this_machine_ask_loopback() -> None:
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080"):
        assert (await ask("https://fairlead.example.com", host, peer=NEAR)).status_code == 401


async def test_without_an_address_of_its_own_any_name_does() -> None:
    assert (await ask(None, "anything.example")).status_code == 401


async def test_cookies_are_secure_where_browsers_come_by_tls() -> None:
    scope = {
        "type": "http",
        "scheme": "http",
        "path": "/",
        "headers": [],
        "server": ("127.0.0.1", 80),
        "query_string": b"",
    }
    from starlette.requests import Request

    assert Site("https://fairlead.example.com").secure(Request(scope))
    assert not Site("http://localhost:8080").secure(Request(scope))
    assert not Site().secure(Request(scope))
