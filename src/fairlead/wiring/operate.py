"""What whoever runs Fairlead does on the database itself: migrate, back up, make tenants, change sealing keys.

None of this has an endpoint, because no principal of a tenant may do it. The database is the one
that the configuration names; where it names none, the embedded one of `data_dir`, found running
beside `fairlead up` or started for as long as the command lasts.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from fairlead.config import Config, ConfigRefused, Fault
from fairlead.embedded.postgres import Postgres, programs
from fairlead.embedded.process import DirectoryInUse
from fairlead.engine.ports.tenants import TenantRow
from fairlead.engine.private_file import read_private
from fairlead.engine.resealing import Resealed
from fairlead.engine.sealing import Keyring, keep_keyring, open_keyring, read_keyring
from fairlead.engine.tenants import HOME_CELL
from fairlead.model.ids import TenantId
from fairlead.store import bootstrap
from fairlead.store.database import Dsns
from fairlead.store.migrate import PHASES, Phase
from fairlead.store.migrate import migrate as migrate_database
from fairlead.wiring.house import House
from fairlead.wiring.run import DATABASE, PASSWORD, checked, embedded_dsns, open_house

KEYRING: str = "FAIRLEAD_KEYRING"


class NothingHere(RuntimeError):
    """The data directory holds no database yet."""


class NotEmbedded(RuntimeError):
    """The database is one of the operator's own: its tools reach it without us."""


class NotNew(RuntimeError):
    """The data directory holds a database already."""


class NoSuchTenant(LookupError):
    """The installation has no tenant of that name."""


class KeyInUse(RuntimeError):
    """A sealing key cannot go; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """A tenant, and the code that makes its first owner."""

    id: TenantId
    name: str
    setup_code: str | None  # None: it has an owner


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """One key of the keyring, or one that secrets were sealed with and the keyring lacks."""

    name: str
    current: bool
    known: bool
    secrets: int


# --- schema --------------------------------------------------------------------------------------


async def migrate(
    path: Path | None, overrides: Mapping[str, str], *, phases: Collection[Phase] = PHASES, dry_run: bool = False
) -> list[str]:
    """Run (or list) what has not run yet of these phases. Raises `SchemaUnfit`, `ConfigRefused`."""
    async with _database(checked(path, overrides)) as dsns:
        if dsns.owner is None:
            raise ConfigRefused(Fault(key="database.owner", value="not set", expected="the DSN of fairlead_owner"))
        return await migrate_database(dsns.owner, phases=phases, dry_run=dry_run)


# --- the embedded database, with the programs of its wheel ----------------------------------------


async def run_program(
    path: Path | None, overrides: Mapping[str, str], program: Sequence[str], *, new: bool = False
) -> int:
    """Run `pg_dump`, `pg_restore`, `psql` … as the cluster's superuser; answers the program's exit code.

    `new` makes the cluster, its roles and an empty database first: what `pg_restore` fills.
    Raises `NotEmbedded`, `NothingHere`, `NotNew`, `FileNotFoundError`.
    """
    config = checked(path, overrides)
    if config.database_app is not None:
        raise NotEmbedded("database.app is set: use your own PostgreSQL's programs")
    if new and (config.data_dir / PASSWORD).exists():
        raise NotNew(f"{config.data_dir} holds a database already")
    if not new and not (config.data_dir / PASSWORD).exists():
        raise NothingHere(f"{config.data_dir} holds no database: run `fairlead up` first, or say --new")
    if new:
        config.data_dir.mkdir(parents=True, exist_ok=True)
    async with _cluster(config) as admin:
        if new:
            await embedded_dsns(config, admin)
        known = conninfo_to_dict(admin)
        environment = os.environ | {
            "PGHOST": str(known["host"]), "PGPORT": str(known["port"]), "PGUSER": str(known["user"]),
            "PGPASSWORD": str(known["password"]), "PGDATABASE": DATABASE,
        }  # fmt: skip
        found = programs() / "bin" / program[0]
        process = await asyncio.create_subprocess_exec(str(found), *program[1:], env=environment)
        return await process.wait()


# --- tenants -------------------------------------------------------------------------------------


async def create_tenant(
    path: Path | None, overrides: Mapping[str, str], name: str, *, cell: str = HOME_CELL
) -> NewTenant:
    """A new tenant and its first owner's code. Raises `NotFitting`, `TenantExists`."""
    async with _house(path, overrides) as house:
        number = await house.tenants.create(name, cell=cell)
        return NewTenant(id=number, name=name, setup_code=await house.people.first_setup_code(number))


async def setup_code(path: Path | None, overrides: Mapping[str, str], name: str) -> NewTenant:
    """Another code for a tenant that has no owner yet: the first one was lost. Raises `NoSuchTenant`."""
    async with _house(path, overrides) as house:
        found = await house.tenants.named(name)
        if found is None:
            raise NoSuchTenant(name)
        return NewTenant(id=found.id, name=name, setup_code=await house.people.first_setup_code(found.id))


async def list_tenants(path: Path | None, overrides: Mapping[str, str]) -> Sequence[TenantRow]:
    """Every tenant by name."""
    async with _house(path, overrides) as house:
        return await house.tenants.all()


# --- sealing keys --------------------------------------------------------------------------------


async def sealing_keys(path: Path | None, overrides: Mapping[str, str]) -> list[SealingKey]:
    """The keyring's keys, and how many secrets each seals."""
    config = checked(path, overrides)
    async with _house(path, overrides) as house:
        used = await house.resealing.keys([row.id for row in await house.tenants.all()])
    keyring = _keyring(config)
    return [
        SealingKey(name=name, current=name == keyring.current, known=name in keyring.names, secrets=used[name])
        for name in dict.fromkeys((*keyring.names, *sorted(used)))
    ]


def rotate_key(path: Path | None, overrides: Mapping[str, str]) -> str:
    """Add a key to the keyring's file; it seals from now on. Answers its name."""
    config = checked(path, overrides)
    return _keep(config, _keyring(config).rotated()).current


async def reseal(
    path: Path | None,
    overrides: Mapping[str, str],
    *,
    told: Callable[[str, Resealed], None] = lambda _name, _done: None,
) -> int:
    """Bring every tenant's secrets under the current key; `told` hears of each tenant. Answers how many moved."""
    total = 0
    async with _house(path, overrides) as house:
        for row in await house.tenants.all():
            done = await house.resealing.tenant(row.id)
            told(row.tenant.name, done)
            total += done.done
    return total


async def drop_key(path: Path | None, overrides: Mapping[str, str], name: str) -> None:
    """Take a key out of the keyring's file, once nothing is sealed with it. Raises `KeyInUse`."""
    found = {key.name: key for key in await sealing_keys(path, overrides)}
    key = found.get(name)
    if key is None or not key.known:
        raise KeyInUse(f"the keyring has no key {name}")
    if key.current:
        raise KeyInUse(f"{name} is the key that seals: run `fairlead keys rotate` first")
    if key.secrets:
        raise KeyInUse(f"{key.secrets} secrets are sealed with {name}: run `fairlead keys reseal` first")
    config = checked(path, overrides)
    _keep(config, _keyring(config).without(name))


def _keyring(config: Config) -> Keyring:
    given = os.environ.get(KEYRING)
    return read_keyring(given) if given else open_keyring(config.data_dir)


def _keep(config: Config, keyring: Keyring) -> Keyring:
    if os.environ.get(KEYRING):
        raise ConfigRefused(
            Fault(key=KEYRING, value="set", expected="a keyring in data_dir: a variable is yours to edit")
        )
    keep_keyring(config.data_dir, keyring)
    return keyring


# --- where the database is -----------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _house(path: Path | None, overrides: Mapping[str, str]) -> AsyncGenerator[House]:
    config = checked(path, overrides)
    async with _database(config) as dsns, open_house(config, dsns) as house:
        yield house


@contextlib.asynccontextmanager
async def _database(config: Config) -> AsyncGenerator[Dsns]:
    if config.database_app is not None and config.database_door is not None:
        yield Dsns(app=config.database_app, door=config.database_door, owner=config.database_owner)
        return
    password = read_private(config.data_dir / PASSWORD)
    if password is None:
        raise NothingHere(f"{config.data_dir} holds no database: run `fairlead up` first, or set database.app")
    async with _cluster(config) as admin:
        yield bootstrap.dsns(admin, database=DATABASE, password=password.decode())


@contextlib.asynccontextmanager
async def _cluster(config: Config) -> AsyncGenerator[str]:
    """The superuser's DSN of the embedded cluster: found running beside `fairlead up`, or started for us."""
    postgres = Postgres(config.data_dir / "engines")
    try:
        admin, ours = await asyncio.to_thread(postgres.start), True
    except DirectoryInUse:
        admin, ours = postgres.dsn(), False
    try:
        yield admin
    finally:
        if ours:
            await asyncio.shield(asyncio.to_thread(postgres.stop))
