"""The operator's commands on a database: tenants that do not see each other, keys that come and go."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from fairlead.config import load
from fairlead.edge.api.app import create_app
from fairlead.engine import resealing
from fairlead.engine.sealing import CannotOpen, open_keyring
from fairlead.model.ids import AccountId, TenantId
from fairlead.store import migrate
from fairlead.store.database import Database, Dsns
from fairlead.store.sealed import COLUMNS
from fairlead.wiring.house import House
from fairlead.wiring.run import open_house
from fairlead_cli.main import build
from fairlead_cli.shell import Surroundings

PASSWORD = "correct horse battery staple"


class Operator:
    """Somebody with the settings of the database, typing."""

    def __init__(self, dsns: Dsns, data: Path) -> None:
        self.dsns, self.data = dsns, data
        self.flags = {"data_dir": str(data), "database.app": dsns.app, "database.door": dsns.door}

    async def types(self, *words: str, owner: bool = False) -> tuple[int, str, str]:
        flags = self.flags | ({"database.owner": self.dsns.owner or ""} if owner else {})
        settings = [text for key, value in flags.items() for text in ("--set", f"{key}={value}")]
        around = Surroundings(env={"HOME": str(self.data)})
        at = words.index("--") if "--" in words else len(words)
        given = [*words[:at], *settings, *words[at:]]
        result = await asyncio.to_thread(
            CliRunner().invoke, build(), given, obj=around, env={"COLUMNS": "200", "NO_COLOR": "1"}
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    async def told(self, *words: str, owner: bool = False) -> Any:
        code, out, err = await self.types(*words, "--json", owner=owner)
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def operator(database_dsns: Dsns, tmp_path: Path) -> Operator:
    return Operator(database_dsns, tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def house(operator: Operator) -> AsyncIterator[House]:
    async with open_house(load(environ={}, flags=operator.flags), operator.dsns) as opened:
        yield opened


def api(house: House) -> httpx.ASGITransport:
    services = house.services()
    services.add(CollectorRegistry(), under=CollectorRegistry)
    return httpx.ASGITransport(create_app(services))


async def owner_of(door: httpx.ASGITransport, code: str) -> httpx.AsyncClient:
    """A browser of the first owner, signed in by the printed code."""
    browser = httpx.AsyncClient(transport=door, base_url="http://127.0.0.1")
    given = {"code": code, "password": PASSWORD, "name": "Ada", "email": "ada@example.com"}
    answer = await browser.post("/v1/setup", json=given)
    assert answer.status_code == 201, answer.text
    browser.headers["x-csrf-token"] = answer.json()["csrf"]
    return browser


# --- schema --------------------------------------------------------------------------------------


async def test_migrate_says_what_it_ran_and_needs_the_owner(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await operator.told("migrate", "--all", owner=True) == {"ran": []}
    later = [
        migrate.Migration(number=9999, phase="pre", name="later", text="create table later (id int)"),
        migrate.Migration(number=9999, phase="post", name="later", text="drop table later"),
    ]
    known = [*migrate.migrations(), *later]
    monkeypatch.setattr(migrate, "migrations", lambda: known)
    assert await operator.told("migrate", "--pre", "--dry-run", owner=True) == {"would_run": ["9999_later.pre"]}
    code, _, err = await operator.types("tenant", "list")
    assert (code, "fairlead migrate --pre" in err) == (4, True)
    assert (await operator.types("migrate", "--post", owner=True))[0] == 4
    assert await operator.told("migrate", "--pre", owner=True) == {"ran": ["9999_later.pre"]}
    assert await operator.told("tenant", "list") == {"items": [], "next": None}
    assert await operator.told("migrate", owner=True) == {"ran": ["9999_later.post"]}
    code, _, err = await operator.types("migrate")
    assert (code, "database.owner" in err) == (1, True)
    assert (await operator.types("migrate", "--pre", "--post", owner=True))[0] == 2


# --- tenants -------------------------------------------------------------------------------------


async def test_two_tenants_have_owners_and_do_not_see_each_other(operator: Operator, house: House) -> None:
    acme = await operator.told("tenant", "create", "acme")
    umbrella = await operator.told("tenant", "create", "umbrella", "--cell", "eu-1")
    listed = (await operator.told("tenant", "list"))["items"]
    assert [(row["name"], row["cell"], row["state"]) for row in listed] == [
        ("acme", "home", "active"), ("umbrella", "eu-1", "active"),
    ]  # fmt: skip
    door = api(house)
    ada, eve = await owner_of(door, acme["setup_code"]), await owner_of(door, umbrella["setup_code"])
    imported = await ada.post(
        "/v1/imports", params={"kind": "devices"}, content=b"name,imei\ntrk-1,490154203237518\n",
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    assert imported.status_code == 200, imported.text
    account = {"name": "meridian", "connector": "none", "carrier": "meridian", "home_country": "DE"}
    made = await ada.post("/v1/carriers", json=account)
    assert made.status_code == 201, made.text
    device = (await ada.get("/v1/devices")).json()["items"][0]
    assert device["name"] == "trk-1"
    assert (await ada.get("/v1/tenant")).json()["name"] == "acme"
    assert (await eve.get("/v1/tenant")).json()["name"] == "umbrella"
    people = (await ada.get("/v1/principals")).json()["items"]
    assert len(people) == 1
    for path in (f"/v1/devices/{device['id']}", "/v1/devices/trk-1", f"/v1/principals/{people[0]['id']}"):
        assert (await ada.get(path)).status_code == 200, path
        assert (await eve.get(path)).status_code == 404, path
    for path in ("/v1/devices", "/v1/carriers", "/v1/subscriptions", "/v1/changes"):
        found = (await eve.get(path)).json()
        assert (found["items"] if isinstance(found, dict) else found) == [], path
    lines = (await eve.get("/v1/journal", params={"limit": 100})).json()["items"]
    assert lines
    assert not any(word in json.dumps(lines) for word in ("trk-1", "meridian", "acme", people[0]["id"]))
    assert [line["subject_id"] for line in lines if line["action"] == "tenant.created"] == ["umbrella"]
    taken = await eve.post(
        "/v1/imports", params={"kind": "devices"}, content=b"name,imei\nmine,490154203237518\n",
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    assert taken.status_code == 422, "an identity belongs to one tenant"
    for browser in (ada, eve):
        await browser.aclose()


async def test_a_tenant_is_made_once_and_by_a_good_name(operator: Operator, house: House) -> None:
    first = await operator.told("tenant", "create", "acme")
    code, _, err = await operator.types("tenant", "create", "acme")
    assert (code, "There is a tenant of that name" in err) == (4, True)
    for bad in ("Acme", "a b", "-a", "a-", "ä", "a" * 64, "a.b", "", "acme\n"):
        code, _, err = await operator.types("tenant", "create", *(["--"] if bad[:1] == "-" else []), bad)
        assert (code, "/name" in err) == (2, True), bad
    assert (await operator.types("tenant", "create", "fine", "--cell", "EU 1"))[0] == 2
    assert [row["name"] for row in (await operator.told("tenant", "list"))["items"]] == ["acme"]
    again = await operator.told("tenant", "code", "acme")
    assert again["setup_code"] != first["setup_code"]
    await (await owner_of(api(house), again["setup_code"])).aclose()
    assert (await operator.types("tenant", "code", "acme"))[0] == 4
    assert (await operator.types("tenant", "code", "nobody"))[0] == 3


async def test_without_a_database_nothing_is_made(tmp_path: Path) -> None:
    around = Surroundings(env={"HOME": str(tmp_path)})
    ran = await asyncio.to_thread(CliRunner().invoke, build(), ["tenant", "list", "--data", str(tmp_path)], obj=around)
    assert ran.exit_code == 1
    assert "fairlead up" in ran.stderr
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240


# --- keys ----------------------------------------------------------------------------------------


async def seal_account(house: House, tenant: TenantId, number: int) -> AccountId:
    """An account with a credential, sealed with the key in force."""
    account = AccountId(number_id(number))
    sealed = house.accounts._sealed(
        tenant, account, "soracom", {"auth_key_id": "keyId-x", "auth_key": f"secret-{number}"}
    )
    async with house.database.tenant(tenant) as tx:
        await tx.execute(
            "insert into account (tenant, id, name, connector, carrier, config, credential, staleness_s, created_at,"
            " updated_at) values (%s, %s, %s, 'soracom', 'c', '{}', %s, 60, %s, %s)",
            (tenant, account, f"a{number}", sealed, NOW, NOW),
        )
    return account


NOW = datetime(2026, 3, 1, tzinfo=UTC)


def number_id(number: int) -> Any:
    from uuid import UUID

    return UUID(int=(1 << 100) + number)


async def test_after_resealing_the_old_key_can_go(
    operator: Operator, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("acme", "umbrella", "idle"):
        await operator.told("tenant", "create", name)
    tenants = {row.tenant.name: row.id for row in await house.tenants.all()}
    accounts = [await seal_account(house, tenants["acme"], number) for number in range(5)]
    await seal_account(house, tenants["umbrella"], 9)
    async with house.database.tenant(tenants["umbrella"]) as tx:
        from fairlead.engine.people import oidc_place

        sealed = house.sealer.seal(b"client secret", oidc_place(tenants["umbrella"]))
        await tx.execute(
            "insert into oidc_provider (tenant, issuer, client_id, client_secret, scopes, updated_at)"
            " values (%s, 'https://id.example.com', 'x', %s, 'openid', %s)",
            (tenants["umbrella"], sealed, NOW),
        )
    old = (await operator.told("keys", "list"))["items"]
    assert [(key["current"], key["secrets"]) for key in old] == [(True, 7)]
    fresh = (await operator.told("keys", "rotate"))["current"]
    code, _, err = await operator.types("keys", "drop", old[0]["name"])
    assert (code, "7 secrets are sealed with" in err) == (1, True)
    assert house.sealer.current == fresh, "a running process reads the rotated keyring"

    batch = resealing.Resealing.tenant

    async def small(self: resealing.Resealing, tenant: TenantId) -> resealing.Resealed:
        return await batch(self, tenant, batch=2)

    monkeypatch.setattr(resealing.Resealing, "tenant", small)
    assert await operator.told("keys", "reseal") == {"resealed": 7, "unreadable": 0}
    assert await operator.told("keys", "reseal") == {"resealed": 0, "unreadable": 0}
    assert {key["name"]: key["secrets"] for key in (await operator.told("keys", "list"))["items"]} == {
        old[0]["name"]: 0, fresh: 7,
    }  # fmt: skip
    assert (await operator.types("keys", "drop", fresh))[0] == 1
    assert await operator.told("keys", "drop", old[0]["name"]) == {"dropped": old[0]["name"]}
    assert open_keyring(operator.data).names == (fresh,)
    for number, account in enumerate(accounts):
        opened = await house.accounts.credential(tenants["acme"], account)
        assert opened is not None
        assert opened.fields["auth_key"].reveal() == f"secret-{number}"
    for name, lines in {"acme": 3, "umbrella": 1, "idle": 0}.items():
        async with house.database.tenant(tenants[name]) as tx:
            rows = await (
                await tx.execute("select payload from journal where action = 'secret.rotated' order by id")
            ).fetchall()
        assert len(rows) == lines, name
    _, out, err = await operator.types("keys", "list")
    assert "secret-" not in out + err


async def test_what_no_key_opens_is_told_and_left_alone(operator: Operator, house: House) -> None:
    await operator.told("tenant", "create", "acme")
    tenant = (await house.tenants.all())[0].id
    account = await seal_account(house, tenant, 1)
    await seal_account(house, tenant, 2)
    async with house.database.tenant(tenant) as tx:
        await tx.execute(
            "update account set credential = convert_to(replace(convert_from(credential, 'UTF8'), 'fs1.', 'fs1.lost'), 'UTF8')"
            " where id = %s",
            (account,),
        )
    await operator.told("keys", "rotate")
    code, _, err = await operator.types("keys", "reseal")
    assert (code, "1: their key is not in this keyring" in err) == (1, True)
    with pytest.raises(CannotOpen):
        await house.accounts.credential(tenant, account)
    missing = [key for key in (await operator.told("keys", "list"))["items"] if not key["in_keyring"]]
    assert [key["secrets"] for key in missing] == [1]


async def test_a_keyring_in_a_variable_is_not_rotated(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_KEYRING", open_keyring(operator.data).text())
    before = open_keyring(operator.data).names
    code, _, err = await operator.types("keys", "rotate")
    assert (code, "FAIRLEAD_KEYRING" in err) == (1, True)
    assert open_keyring(operator.data).names == before


async def test_every_sealed_column_of_the_schema_is_resealed(database: Database) -> None:
    """Migrations mark a sealed column with the comment `-- sealed`."""
    import re

    marked = set()
    for migration in migrate.migrations():
        table = ""
        for line in migration.text.splitlines():
            if found := re.match(r"(?:create|alter) table (\w+)", line):
                table = found[1]
            if found := re.match(r"\s*(?:alter table \w+ )?(?:add column )?(\w+) \w+.*-- sealed\b", line):
                marked.add((table, found[1]))
    assert ("account", "credential") in marked
    assert marked == {(one.table, one.column) for one in COLUMNS}
