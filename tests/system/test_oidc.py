"""Signing in at a real OpenID provider on loopback: a browser's whole way, and everyone who must not get in.

The house's clock stands in 2040 throughout: whatever is judged by the wrong clock fails here.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from fastapi import FastAPI

from fairlead.connectors.oidc.client import OidcClient
from fairlead.edge.api import problems, session
from fairlead.edge.api.door import Services
from fairlead.edge.api.site import Site
from fairlead.engine.passwords import Passwords
from fairlead.engine.people import Acting, Draft, People
from fairlead.engine.ports.people import OidcSettings
from fairlead.engine.sealing import Keyring, Sealer
from fairlead.engine.sign_in import SignIn
from fairlead.model.access import Principal, PrincipalState, Role
from fairlead.model.ids import PrincipalId, TenantId, show
from fairlead.store.database import Database
from fairlead.store.people import PeopleStore
from fairlead.store.sign_in import SignInStore

HOUSE = datetime(2040, 1, 1, tzinfo=UTC)
USERS = (
    oidc_provider_mock.User(
        sub="grace",
        claims={"email": "Grace@Example.com", "email_verified": True, "name": "Grace", "groups": ["ops", "x"]},
    ),
    oidc_provider_mock.User(sub="mallory", claims={"email": "grace@example.com", "email_verified": False}),
    oidc_provider_mock.User(sub="stranger", claims={"email": "stranger@example.com", "email_verified": True}),
    oidc_provider_mock.User(sub="quiet", claims={}),
)


class Case:
    """A tenant with an owner, a provider and a browser."""

    def __init__(
        self, people: People, door: SignIn, owner: Acting, browser: httpx.AsyncClient, issuer: str, app: FastAPI
    ) -> None:
        self.app = app
        self.people, self.door, self.owner, self.browser, self.issuer = people, door, owner, browser, issuer

    async def configure(self, **more: object) -> None:
        settings = OidcSettings(issuer=self.issuer, client_id="fairlead", **more)  # type: ignore[arg-type]
        await self.people.set_oidc(self.owner, settings, secret="a:secret/with%signs")

    async def invite(self, email: str, *, linkable: bool = True) -> PrincipalId:
        draft = Draft(name="Grace", email=email, roles=frozenset[Role](["operator"]), linkable=linkable)
        return (await self.people.create(self.owner, draft)).principal.id

    async def leave(self, return_to: str = "/devices") -> str:
        """Start here; returns the address at the provider."""
        answer = await self.browser.get("/v1/oidc/start", params={"tenant": "acme", "return_to": return_to})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def at_provider(self, url: str, sub: str) -> str:
        """Sign in there; returns the address that the provider sends the browser back to."""
        async with httpx.AsyncClient() as provider:
            answer = await provider.post(url, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def sign_in(self, sub: str) -> httpx.Response:
        return await self.browser.get(await self.at_provider(await self.leave(), sub))

    async def principal(self, who: PrincipalId) -> Principal:
        return (await self.people.principal(self.owner.principal.tenant, who)).principal


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=USERS) as server:
        yield f"http://localhost:{server.server_port}"


@pytest_asyncio.fixture(loop_scope="session")
async def case(database: Database, tenant: TenantId, issuer: str, tmp_path: Path) -> AsyncIterator[Case]:
    store, codes = PeopleStore(database), SignInStore(database)
    sealer = Sealer(Keyring(current="k1", keys={"k1": bytes(32)}))

    def clock() -> datetime:
        return HOUSE

    def real() -> datetime:
        return datetime.now(UTC)

    async with httpx.AsyncClient() as http:
        people = People(store, codes, sealer, clock=clock, real=real)
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        door = SignIn(codes, store, passwords, OidcClient(http), sealer, clock=clock, real=real)
        code = await people.first_setup_code(tenant) or ""
        ada = await door.redeem_setup_code(
            code, password="correct horse battery", name="Ada", email="ada@example.com", address="::1"
        )
        app = FastAPI()
        app.state.services, app.state.gate = Services(people, door, Site("https://fairlead.test")), door
        app.state.now, app.state.real_now = clock, real
        problems.install(app)
        for router in (session.session, session.oidc):
            app.include_router(router)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://fairlead.test") as browser:
            owner = Acting(principal=ada.principal, actor=show("usr", ada.principal.id))
            yield Case(people, door, owner, browser, issuer, app)


async def test_an_invited_person_is_linked_by_verified_email_and_known_by_subject_from_then_on(case: Case) -> None:
    await case.configure()
    grace = await case.invite("grace@example.com")
    answer = await case.sign_in("grace")
    assert (answer.status_code, answer.headers["location"]) == (302, "/devices"), answer.text
    me = (await case.browser.get("/v1/session")).json()
    assert (me["principal"], me["roles"]) == (show("usr", grace), ["operator"])
    assert (await case.principal(grace)).state is PrincipalState.ACTIVE
    links = await case.people.identities(case.owner.principal.tenant, grace)
    assert [(link.issuer, link.subject) for link in links] == [(case.issuer, "grace")]
    record = await case.people.principal(case.owner.principal.tenant, grace)
    assert not record.linkable
    moved = Draft(name="Grace", email="elsewhere@example.com", roles=frozenset[Role](["operator"]), linkable=False)
    await case.people.change(case.owner, grace, moved, state=PrincipalState.ACTIVE, version=record.version)
    assert (await case.sign_in("grace")).status_code == 302


@pytest.mark.parametrize("sub", ["stranger", "mallory", "quiet", "somebody-new"])
async def test_nobody_comes_to_exist_by_signing_in(case: Case, sub: str) -> None:
    await case.configure()
    await case.invite("grace@example.com")
    answer = await case.sign_in(sub)
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/sign-in-refused"
    assert "fairlead_session" not in case.browser.cookies
    people = await case.people.read_principals(case.owner, after=None, limit=100)
    assert len(people) == 2


async def test_an_email_that_was_not_invited_is_not_enough(case: Case) -> None:
    await case.configure()
    grace = await case.invite("grace@example.com", linkable=False)
    assert (await case.sign_in("grace")).status_code == 401
    await case.people.link(case.owner, grace, issuer=case.issuer, subject="grace")
    assert (await case.sign_in("grace")).status_code == 302


async def test_a_suspended_person_stays_out(case: Case) -> None:
    await case.configure()
    grace = await case.invite("grace@example.com")
    assert (await case.sign_in("grace")).status_code == 302
    record = await case.people.principal(case.owner.principal.tenant, grace)
    draft = Draft(name="Grace", email="grace@example.com", roles=frozenset[Role](["operator"]))
    await case.people.change(case.owner, grace, draft, state=PrincipalState.SUSPENDED, version=record.version)
    assert (await case.sign_in("grace")).status_code == 401


async def test_a_claim_decides_roles_where_the_tenant_says_so(case: Case) -> None:
    await case.configure(role_claim="groups", role_map={"ops": ["technician", "auditor"]})
    grace = await case.invite("grace@example.com")
    assert (await case.sign_in("grace")).status_code == 302
    assert (await case.principal(grace)).roles == {"technician", "auditor"}
    await case.configure(role_claim="groups", role_map={"admins": ["owner"]})
    assert (await case.sign_in("grace")).status_code == 401


async def test_an_answer_counts_once_and_in_the_browser_that_asked(case: Case) -> None:
    await case.configure()
    await case.invite("grace@example.com")
    back = await case.at_provider(await case.leave(), "grace")
    async with httpx.AsyncClient(transport=case.browser._transport, base_url="https://fairlead.test") as other:
        assert (await other.get(back)).status_code == 401
    assert (await case.browser.get(back)).status_code == 401  # the other browser's try used the flow up
    back = await case.at_provider(await case.leave(), "grace")
    assert (await case.browser.get(back)).status_code == 302
    case.browser.cookies.delete("fairlead_session")
    assert (await case.browser.get(back)).status_code == 401


async def test_a_code_of_another_sign_in_is_refused(case: Case) -> None:
    """The provider binds a code to its nonce: swapping codes between two sign-ins shows."""
    await case.configure()
    await case.invite("grace@example.com")
    one = parse_qs(urlsplit(await case.at_provider(await case.leave(), "grace")).query)
    url = await case.leave()
    two = parse_qs(urlsplit(await case.at_provider(url, "stranger")).query)
    answer = await case.browser.get("/v1/oidc/callback", params={"state": two["state"][0], "code": one["code"][0]})
    assert answer.status_code == 401
    assert "nonce" in answer.json()["detail"]


async def test_the_redirect_never_comes_from_the_host_header(case: Case) -> None:
    await case.configure()
    asked = {"params": {"tenant": "acme"}, "headers": {"host": "evil.example"}}
    answer = await case.browser.get("/v1/oidc/start", **asked)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"] == [
        "https://fairlead.test/v1/oidc/callback"
    ]
    case.app.state.services.add(Site())  # nobody set the address
    refused = await case.browser.get("/v1/oidc/start", **asked)
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/no-public-url")
    assert "api.public_url" in refused.json()["detail"]
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
        answer = await case.browser.get("/v1/oidc/start", params={"tenant": "acme"}, headers={"host": host})
        there = parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"]
        assert there == [f"https://{host}/v1/oidc/callback"]


async def test_the_request_is_what_the_standards_ask_for(case: Case) -> None:
    await case.configure()
    query = parse_qs(urlsplit(await case.leave("https://evil.example")).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["redirect_uri"] == ["https://fairlead.test/v1/oidc/callback"]
    assert query["scope"] == ["openid email profile"]
    cookie = (await case.browser.get("/v1/oidc/start", params={"tenant": "acme"})).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Path=/v1/oidc" in cookie


async def test_denial_and_nonsense_are_answered_plainly(case: Case) -> None:
    await case.configure()
    denied = await case.browser.get("/v1/oidc/callback", params={"state": "x", "error": "access_denied"})
    assert denied.status_code == 401
    assert (await case.browser.get("/v1/oidc/callback", params={"state": "x", "code": "y"})).status_code == 401
    await case.leave()
    url = await case.leave()
    state = parse_qs(urlsplit(url).query)["state"][0]
    wrong = await case.browser.get("/v1/oidc/callback", params={"state": state, "code": "made up"})
    assert wrong.status_code == 401
    assert (await case.browser.get("/v1/oidc/start", params={"tenant": "nobody"})).status_code == 404


async def test_an_expired_id_token_is_refused_by_the_machines_clock(case: Case) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(
            oidc_provider_mock.run_server_in_thread(access_token_max_age=timedelta(minutes=-5), user_claims=USERS)
        )
        case.issuer = f"http://localhost:{server.server_port}"
        await case.configure()
        await case.invite("grace@example.com")
        answer = await case.sign_in("grace")
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]


async def test_a_provider_that_is_gone_or_is_none_is_told_apart(case: Case) -> None:
    case.issuer = "http://localhost:9"
    await case.configure()
    assert (await case.browser.get("/v1/oidc/start", params={"tenant": "acme"})).status_code == 502
    case.issuer = "http://192.0.2.1/plain"
    await case.configure()
    plain = await case.browser.get("/v1/oidc/start", params={"tenant": "acme"})
    assert "https" in plain.json()["detail"]
