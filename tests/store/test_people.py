"""People, tokens, sign-in and their HTTP door on PostgreSQL: nobody gives or gets more than they hold, and every secret is shown once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from fastapi import FastAPI

from fairlead.edge.api import journal as journal_door
from fairlead.edge.api import own_token, problems
from fairlead.edge.api import people as people_door
from fairlead.edge.api import session as session_door
from fairlead.edge.api.door import Services
from fairlead.edge.api.site import Site
from fairlead.engine.journal import Journal
from fairlead.engine.passwords import PasswordRefused, Passwords
from fairlead.engine.people import Acting, Draft, MovedOn, NoSuchPrincipal, NotAllowed, NotFitting, People
from fairlead.engine.ports.journal import Filter
from fairlead.engine.ports.people import AttemptKind, EmailTaken, LastOwner, OidcPort, OidcSettings
from fairlead.engine.sealing import Keyring, Sealer
from fairlead.engine.sign_in import SignedIn, SignIn, SignInRefused, TooManyAttempts, local, pause_after
from fairlead.engine.signing import SigningKeys
from fairlead.model.access import Principal, PrincipalKind, PrincipalState, Role
from fairlead.model.ids import TenantId, read, show
from fairlead.store.database import Database
from fairlead.store.journal import JournalStore
from fairlead.store.people import PeopleStore
from fairlead.store.sign_in import SignInStore

NOW = datetime(2026, 11, 20, 8, 43, tzinfo=UTC)
PASSWORD = "correct horse battery"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class World:
    """Everything of this part, wired."""

    tenant: TenantId
    clock: Clock
    people: People
    door: SignIn
    journal: Journal
    sealer: Sealer

    async def owner(self) -> SignedIn:
        code = await self.people.first_setup_code(self.tenant)
        assert code is not None
        return await self.door.redeem_setup_code(
            code, password=PASSWORD, name="Ada", email="Ada@Example.com", address="192.0.2.1"
        )

    async def person(self, by: Principal, *roles: Role, email: str = "grace@example.com", **more: Any) -> SignedIn:
        made = await self.people.create(acting(by), Draft(name="Grace", email=email, roles=frozenset(roles), **more))
        code = await self.people.invite(acting(by), made.principal.id)
        return await self.door.redeem_setup_code(code, password=PASSWORD + "!", address="192.0.2.2")

    async def actions(self) -> list[str]:
        found = await self.journal.page(self.tenant, Filter(), below=None, limit=1000)
        return [kept.line.action.value for kept in reversed(found)]

    def app(self, base: str = "https://fairlead.test") -> httpx.AsyncClient:
        app = FastAPI()
        app.state.services = Services(self.people, self.door, self.journal, Site())
        app.state.gate = self.door
        app.state.now = app.state.real_now = self.clock
        problems.install(app)
        for router in (
            session_door.session, session_door.setup, session_door.oidc, people_door.router, people_door.secret_router,
            own_token.router, people_door.tokens, people_door.secret_tokens, people_door.provider, journal_door.router,
            journal_door.secret_router,
        ):  # fmt: skip
            app.include_router(router)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base)


class NoOidc:
    """No provider can be reached."""

    async def begin(self, settings: Any, **_: Any) -> str:
        raise AssertionError

    async def finish(self, settings: Any, secret: Any, **_: Any) -> Any:
        raise AssertionError


def acting(principal: Principal) -> Acting:
    return Acting(principal=principal, actor=show("usr", principal.id))


async def build(database: Database, tenant: TenantId, directory: Path, oidc: OidcPort | None = None) -> World:
    clock = Clock()
    store, codes = PeopleStore(database), SignInStore(database)
    sealer = Sealer(Keyring(current="k1", keys={"k1": bytes(32)}))
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    journal = Journal(JournalStore(database), SigningKeys(directory / "data", clock=clock), clock=clock)
    return World(
        tenant=tenant,
        clock=clock,
        people=People(store, codes, sealer, clock=clock, real=clock),
        door=SignIn(codes, store, passwords, oidc or NoOidc(), sealer, clock=clock, real=clock),
        journal=journal,
        sealer=sealer,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database, tenant: TenantId, tmp_path: Path) -> World:
    return await build(database, tenant, tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def web(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.app() as client:
        yield client


# --- the first owner ---------------------------------------------------------------------------


async def test_the_setup_code_makes_one_owner_once(world: World) -> None:
    code = await world.people.first_setup_code(world.tenant)
    assert code is not None
    made = await world.door.redeem_setup_code(
        code, password=PASSWORD, name="Ada", email="ada@example.com", address="::1"
    )
    assert made.principal.roles == {"owner"}
    with pytest.raises(SignInRefused):
        await world.door.redeem_setup_code(code, password=PASSWORD, name="Eve", email="eve@example.com", address="::1")
    assert await world.people.first_setup_code(world.tenant) is None


async def test_two_who_use_the_code_at_once_make_one_owner(world: World) -> None:
    code = await world.people.first_setup_code(world.tenant) or ""
    tries = [
        world.door.redeem_setup_code(code, password=PASSWORD, name=f"n{n}", email=f"n{n}@example.com", address="::1")
        for n in range(4)
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, SignedIn) for one in done) == 1
    assert sum(isinstance(one, SignInRefused) for one in done) == 3


async def test_a_code_expires_and_a_new_one_replaces_it(world: World) -> None:
    old = await world.people.first_setup_code(world.tenant) or ""
    new = await world.people.first_setup_code(world.tenant) or ""
    assert await world.door.setup_code(old) is None
    assert await world.door.setup_code(new) is not None
    world.clock.forward(hours=24)
    assert await world.door.setup_code(new) is None
    for nonsense in ("", "flc_x", new[:-1], new.replace("flc", "flt"), "flc_" + "z" * 26 + "_" + "a" * 52):
        assert await world.door.setup_code(nonsense) is None


# --- passwords ---------------------------------------------------------------------------------


async def test_signing_in_with_a_password(world: World) -> None:
    await world.owner()
    found = await world.door.sign_in_password(
        tenant="acme", email=" ADA@example.COM ", password=PASSWORD, address="::1"
    )
    assert found.principal.name == "Ada"
    assert found.cookie not in repr(found)
    assert (await world.actions())[-1] == "sign_in.succeeded"


@pytest.mark.parametrize(
    ("tenant_name", "email", "password"),
    [
        ("acme", "ada@example.com", "wrong"),
        ("acme", "eve@example.com", PASSWORD),
        ("other", "ada@example.com", PASSWORD),
    ],
)
async def test_every_failure_looks_the_same(world: World, tenant_name: str, email: str, password: str) -> None:
    await world.owner()
    with pytest.raises(SignInRefused) as refused:
        await world.door.sign_in_password(tenant=tenant_name, email=email, password=password, address="::1")
    assert str(refused.value) == ""


async def test_failures_are_counted_even_when_they_come_together(world: World) -> None:
    await world.owner()
    tries = [
        world.door.sign_in_password(tenant="acme", email="ada@example.com", password="wrong", address="::1")
        for _ in range(12)
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, SignInRefused) for one in done) == 5
    assert sum(isinstance(one, TooManyAttempts) for one in done) == 7
    with pytest.raises(TooManyAttempts):
        await world.door.sign_in_password(tenant="acme", email="ada@example.com", password=PASSWORD, address="::2")
    world.clock.forward(minutes=16)
    await world.door.sign_in_password(tenant="acme", email="ada@example.com", password=PASSWORD, address="::2")
    for _ in range(4):  # the success cleared the account's count
        with pytest.raises(SignInRefused):
            await world.door.sign_in_password(tenant="acme", email="ada@example.com", password="wrong", address="::2")


async def test_an_address_that_tries_many_accounts_is_slowed_down(world: World) -> None:
    await world.owner()
    for n in range(30):
        with pytest.raises(SignInRefused):
            await world.door.sign_in_password(
                tenant="acme", email=f"x{n}@example.com", password="wrong", address="192.0.2.9"
            )
    with pytest.raises(TooManyAttempts):
        await world.door.sign_in_password(tenant="acme", email="y@example.com", password="wrong", address="192.0.2.9")
    await world.door.sign_in_password(tenant="acme", email="ada@example.com", password=PASSWORD, address="192.0.2.10")


def test_pauses_grow_and_end() -> None:
    account = [pause_after(AttemptKind.ACCOUNT, n) for n in range(1, 20)]
    assert account[:7] == [0, 0, 0, 0, 1, 2, 4]
    assert account == sorted(account)
    assert pause_after(AttemptKind.ADDRESS, 10_000) == 900


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "ada@example.com ", "x" * 1025])
async def test_poor_passwords_are_refused_and_the_code_stays_good(world: World, password: str) -> None:
    code = await world.people.first_setup_code(world.tenant) or ""
    with pytest.raises(PasswordRefused):
        await world.door.redeem_setup_code(code, password=password, name="Ada", email="ada@example.com", address="::1")
    assert await world.door.setup_code(code) is not None


async def test_a_new_password_ends_sessions(world: World) -> None:
    ada = await world.owner()
    with pytest.raises(SignInRefused):
        await world.door.change_password(ada.principal, current="wrong", password="another long password")
    await world.door.change_password(ada.principal, current=PASSWORD, password="another long password")
    assert await world.door.by_session(ada.cookie, csrf=None, writing=False, now=world.clock()) is None
    await world.door.sign_in_password(
        tenant="acme", email="ada@example.com", password="another long password", address="::1"
    )


# --- sessions ----------------------------------------------------------------------------------


async def test_a_session_idles_out_and_ends(world: World) -> None:
    ada = await world.owner()

    async def known() -> bool:
        return await world.door.by_session(ada.cookie, csrf=None, writing=False, now=world.clock()) is not None

    for _ in range(23):
        world.clock.forward(hours=7)
        assert await known()
    world.clock.forward(hours=7)  # a week is over: 168 hours
    assert not await known()
    again = await world.door.sign_in_password(tenant="acme", email="ada@example.com", password=PASSWORD, address="::1")
    ada = again
    world.clock.forward(hours=8)
    assert not await known()


async def test_a_page_that_only_listens_does_not_keep_its_session_alive(world: World) -> None:
    ada = await world.owner()
    for hours in (3, 3):
        world.clock.forward(hours=hours)
        assert await world.door.by_session(ada.cookie, csrf=None, writing=False, now=world.clock(), use=False)
    world.clock.forward(hours=2)  # eight hours since somebody did something
    assert await world.door.by_session(ada.cookie, csrf=None, writing=False, now=world.clock(), use=False) is None


async def test_writing_needs_the_csrf_value_of_this_very_session(world: World) -> None:
    ada = await world.owner()
    other = await world.door.sign_in_password(tenant="acme", email="ada@example.com", password=PASSWORD, address="::1")
    now = world.clock()
    assert await world.door.by_session(ada.cookie, csrf=ada.csrf, writing=True, now=now)
    for wrong in (None, "", other.csrf, ada.csrf[:-1], "é"):
        assert await world.door.by_session(ada.cookie, csrf=wrong, writing=True, now=now) is None


async def test_suspending_ends_sessions_and_tokens_at_once(world: World) -> None:
    ada = await world.owner()
    grace = await world.person(ada.principal, "operator")
    _, text = await world.people.create_token(acting(grace.principal), name="t", roles=["operator"])
    assert await world.door.by_token(text, now=world.clock())
    record = await world.people.principal(world.tenant, grace.principal.id)
    draft = Draft(name="Grace", email="grace@example.com", roles=frozenset(["operator"]))
    await world.people.change(
        acting(ada.principal), grace.principal.id, draft, state=PrincipalState.SUSPENDED, version=record.version
    )
    assert await world.door.by_session(grace.cookie, csrf=None, writing=False, now=world.clock()) is None
    assert await world.door.by_token(text, now=world.clock()) is None
    with pytest.raises(SignInRefused):
        await world.door.sign_in_password(
            tenant="acme", email="grace@example.com", password=PASSWORD + "!", address="::1"
        )


# --- tokens ------------------------------------------------------------------------------------


async def test_a_token_is_narrowed_expires_and_can_be_revoked(world: World) -> None:
    ada = await world.owner()
    token, text = await world.people.create_token(
        acting(ada.principal), name="nightly", roles=["auditor"], expires_at=NOW + timedelta(days=1)
    )
    found = await world.door.by_token(text, now=world.clock())
    assert found is not None
    assert (found.token, found.principal.roles, found.principal.id) == (token.id, {"auditor"}, ada.principal.id)
    assert await world.door.by_token(text, now=NOW + timedelta(days=1)) is None
    assert await world.people.revoke_token(acting(ada.principal), token.id)
    assert not await world.people.revoke_token(acting(ada.principal), token.id)
    assert await world.door.by_token(text, now=world.clock()) is None


@pytest.mark.parametrize(
    "text", ["", "x", "flt_", "flt_a_b", "flt_" + "7" * 26 + "_" + "a" * 52, "flt_" + "é" * 26 + "_" + "a" * 52]
)
async def test_a_text_that_is_no_token_is_nobody(world: World, text: str) -> None:
    assert await world.door.by_token(text, now=NOW) is None


async def test_a_token_of_another_tenant_with_the_same_secret_is_nobody(world: World, database: Database) -> None:
    ada = await world.owner()
    _, text = await world.people.create_token(acting(ada.principal), name="t", roles=["owner"])
    other = TenantId(read("ten", "ten_" + "1" * 26))
    async with database.nameless() as conn:
        await conn.execute("select create_tenant(%s, 'other', %s)", (other, NOW))
    assert await world.door.by_token(f"flt_{'1' * 26}_{text[-52:]}", now=NOW) is None


async def test_a_token_holder_never_gets_more_than_whoever_made_it(world: World) -> None:
    ada = await world.owner()
    grace = (await world.person(ada.principal, "operator")).principal
    with pytest.raises(NotAllowed):
        await world.people.create_token(acting(grace), name="t", roles=["owner"])
    with pytest.raises(NotAllowed, match=r"changes\.approve"):
        await world.people.create_token(acting(grace), name="t", roles=["approver"])
    robot = await world.people.create(
        acting(ada.principal), Draft(name="exporter", kind=PrincipalKind.TOKEN_HOLDER, roles=frozenset(["auditor"]))
    )
    assert robot.principal.sponsor == ada.principal.id
    with pytest.raises(NotAllowed):
        await world.people.create_token(acting(ada.principal), name="t", roles=["owner"], holder=robot.principal.id)
    with pytest.raises(NotAllowed):
        await world.people.create_token(acting(ada.principal), name="t", roles=["operator"], holder=grace.id)
    _, text = await world.people.create_token(
        acting(ada.principal), name="t", roles=["auditor"], holder=robot.principal.id
    )
    found = await world.door.by_token(text, now=world.clock())
    assert found is not None
    assert found.principal.answerable == ada.principal.id


# --- principals --------------------------------------------------------------------------------


async def test_nobody_reaches_above_themselves(world: World) -> None:
    ada = await world.owner()
    security = (await world.person(ada.principal, "security")).principal
    by = acting(security)
    with pytest.raises(NotAllowed):
        await world.people.create(by, Draft(name="x", email="x@example.com", roles=frozenset(["owner"])))
    with pytest.raises(NotAllowed):
        await world.people.invite(by, ada.principal.id)
    with pytest.raises(NotAllowed):
        await world.people.remove(by, ada.principal.id, version=1)
    with pytest.raises(NotAllowed):
        await world.people.link(by, ada.principal.id, issuer="https://id.example.com", subject="mine")
    own = Draft(name="x", email="grace@example.com", roles=frozenset(["owner"]))
    with pytest.raises(NotAllowed):
        await world.people.change(by, security.id, own, state=PrincipalState.ACTIVE, version=2)


async def test_somebody_always_owns_the_tenant(world: World) -> None:
    ada = await world.owner()
    record = await world.people.principal(world.tenant, ada.principal.id)
    with pytest.raises(LastOwner):
        await world.people.remove(acting(ada.principal), ada.principal.id, version=record.version)
    grace = await world.person(ada.principal, "owner")
    draft = Draft(name="x", email=None, kind=PrincipalKind.PERSON, roles=frozenset(["auditor"]))
    versions = {
        who: (await world.people.principal(world.tenant, who)).version for who in (ada.principal.id, grace.principal.id)
    }
    both = await asyncio.gather(
        *(
            world.people.change(
                acting(me), me.id, Draft(name="x", email=f"{me.name}@example.com", roles=draft.roles),
                state=PrincipalState.ACTIVE, version=versions[me.id],
            )
            for me in (ada.principal, grace.principal)
        ),
        return_exceptions=True,
    )  # fmt: skip
    assert sorted(type(one).__name__ for one in both) == ["LastOwner", "PrincipalRecord"]


async def test_a_removed_person_leaves_no_name_and_no_way_in(world: World) -> None:
    ada = await world.owner()
    grace = await world.person(ada.principal, "operator")
    record = await world.people.principal(world.tenant, grace.principal.id)
    await world.people.remove(acting(ada.principal), grace.principal.id, version=record.version, reason="left")
    with pytest.raises(NoSuchPrincipal):
        await world.people.principal(world.tenant, grace.principal.id)
    assert "Grace" not in {
        r.principal.name for r in await world.people.read_principals(acting(ada.principal), after=None, limit=9)
    }
    await world.person(ada.principal, "operator")  # the address is free again


async def test_drafts_that_contradict_themselves_are_refused(world: World) -> None:
    by = acting((await world.owner()).principal)
    for draft, pointer in (
        (Draft(name="v", email="v@example.com", roles=frozenset(["vendor"])), "/expires_at"),
        (
            Draft(name="v", email="v@example.com", roles=frozenset(["vendor"]), expires_at=NOW - timedelta(days=1)),
            "/expires_at",
        ),
        (Draft(name="p", roles=frozenset(["auditor"])), "/email"),
        (Draft(name="p", email="p@example.com", roles=frozenset()), "/roles"),
        (
            Draft(name="p", email="p@example.com", roles=frozenset(["owner"]), departments=frozenset(["x"])),
            "/departments",
        ),
    ):
        with pytest.raises(NotFitting) as refused:
            await world.people.create(by, draft)
        assert refused.value.pointer == pointer
    with pytest.raises(EmailTaken):
        await world.people.create(by, Draft(name="p", email="ADA@example.com", roles=frozenset(["auditor"])))


async def test_an_edit_from_an_old_version_is_refused(world: World) -> None:
    ada = (await world.owner()).principal
    made = await world.people.create(acting(ada), Draft(name="p", email="p@example.com", roles=frozenset(["auditor"])))
    draft = Draft(name="q", email="p@example.com", roles=frozenset(["auditor"]))
    await world.people.change(acting(ada), made.principal.id, draft, state=PrincipalState.SUSPENDED, version=1)
    with pytest.raises(MovedOn) as moved:
        await world.people.change(acting(ada), made.principal.id, draft, state=PrincipalState.SUSPENDED, version=1)
    assert moved.value.version == 2


async def test_a_vendor_is_out_when_the_time_is_up(world: World) -> None:
    ada = await world.owner()
    vendor = await world.person(ada.principal, "vendor", expires_at=NOW + timedelta(hours=2))
    assert await world.door.by_session(vendor.cookie, csrf=None, writing=False, now=NOW + timedelta(hours=1))
    assert await world.door.by_session(vendor.cookie, csrf=None, writing=False, now=NOW + timedelta(hours=2)) is None


async def test_client_secrets_lie_sealed(world: World, database: Database) -> None:
    ada = await world.owner()
    settings = OidcSettings(
        issuer="https://id.example.com", client_id="c", role_claim="groups", role_map={"ops": ["operator"]}
    )
    await world.people.set_oidc(acting(ada.principal), settings, secret="very secret")
    async with database.tenant(world.tenant) as conn:
        row = await (await conn.execute("select client_secret, role_map from oidc_provider")).fetchone()
    assert row is not None
    assert row[0].startswith("fs1.k1.")
    kept = await world.people.oidc_settings(world.tenant)
    assert kept is not None
    assert "very secret" not in repr(kept)
    assert kept.role_map == {"ops": ["operator"]}


async def test_what_happens_to_people_is_journaled_without_their_names(world: World, database: Database) -> None:
    ada = await world.owner()
    await world.person(ada.principal, "operator")
    assert await world.actions() == [
        "setup_code.created", "setup_code.redeemed", "principal.created", "sign_in.succeeded", "principal.created",
        "setup_code.created", "setup_code.redeemed", "sign_in.succeeded",
    ]  # fmt: skip
    async with database.tenant(world.tenant) as conn:
        rows = await (await conn.execute("select j::text from journal j")).fetchall()
    text = " ".join(row[0] for row in rows)
    for personal in ("Ada", "Grace", "example.com", "192.0.2."):
        assert personal not in text


# --- the HTTP door -----------------------------------------------------------------------------


def test_return_paths_stay_here() -> None:
    assert local("/devices?x=1") == "/devices?x=1"
    for elsewhere in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/\t/x",
        "/é",
    ):
        assert local(elsewhere) == "/"
