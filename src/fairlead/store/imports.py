"""Applies imports: COPY into a temporary table, then a few statements over the whole set.

Implements `engine.ports.imports.ImportStore`. The whole import is one transaction with one import a
tenant at a time, so a check and the write that relies on it see the same fleet. Identities are
claimed in the directory as part of the check: where another device (perhaps another tenant's) holds
one, the claims are rolled back to a savepoint, the row is left out, and the rest claim again.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from fairlead.engine.ports.imports import STAGED, Applied, Fault, Kind
from fairlead.model.device import DEVICE_STATES, NEXT_STATES, SUBSCRIPTION_WORDS
from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry
from fairlead.model.rules import Rule
from fairlead.store.clock import compute
from fairlead.store.database import Connection, Database
from fairlead.store.journal import append
from fairlead.store.statements import load
from fairlead.store.usage import TAKE, month_of, write_facts

_SQL: Final = load("imports")
_USAGE: Final = load("usage")  # of this kind the statements are those that readings of carriers go through
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_MONTHS_AHEAD: Final = timedelta(days=62)
_FEW: Final = 10_000  # devices whose clocks are read by name; of more, all are read

# What happens to a kind's rows, by names of statements, in order.
_RESOLVE: Final[Mapping[Kind, Sequence[str]]] = {
    "devices": (
        "devices_resolve_name", "devices_resolve_serial", "devices_resolve_imei", "devices_resolve_eid",
        "devices_resolve_mac", "devices_resolve_new",
    ),
    "sims": (
        "sims_resolve_account", "sims_resolve_device_name", "sims_resolve_device_serial", "sims_resolve_device_imei",
        "sims_resolve_profile", "sims_resolve_card", "sims_resolve_new",
    ),
    "presence": (
        "presence_resolve_device_name", "presence_resolve_device_iccid", "presence_resolve_device_imsi",
        "presence_resolve_device_imei", "presence_resolve_sim", "presence_resolve_imei",
    ),
    "sessions": (
        "presence_resolve_device_name", "presence_resolve_device_iccid", "presence_resolve_device_imsi",
        "presence_resolve_device_imei", "presence_resolve_sim", "presence_resolve_imei",
    ),
    "usage": ("resolve", "resolve_hash"),
}  # fmt: skip
_CHECK: Final[Mapping[Kind, Sequence[str]]] = {
    "devices": (
        "devices_check_ambiguous", "devices_check_name_taken", "devices_check_repeated", "devices_check_repeated_id",
        "devices_check_repeated_imei", "devices_check_repeated_eid", "devices_check_state",
    ),
    "sims": ("sims_check_device", "sims_check_repeated"),
    "presence": ("presence_check_device",),
    "sessions": ("presence_check_device", "sessions_check_sim"),
    "prices": ("prices_check_repeated", "prices_check_currency"),
    "usage": ("check_line", "check_repeated"),
    "contracts": ("contracts_check_repeated",),
    "coverage": ("coverage_check_repeated",),
    "skus": ("skus_check_repeated",),
    "sunsets": ("sunsets_check_repeated",),
    "certificates": ("certificates_check_repeated",),
}  # fmt: skip
_CLAIM: Final[Mapping[Kind, Sequence[str]]] = {
    "devices": ("devices_release", "claim_imei", "claim_eid"),
    "sims": ("sims_release", "claim_iccid", "claim_imsi"),
}
_APPLY: Final[Mapping[Kind, Sequence[str]]] = {
    "devices": (
        "devices_insert", "devices_insert_fact", "devices_touch_new", "devices_update", "devices_update_fact",
        "touched_to_dirty",
    ),
    "sims": (
        "sims_insert_card", "sims_update_card", "sims_insert_profile", "sims_update_profile",
        "sims_insert_subscription", "sims_update_subscription", "sims_update_fact", "sims_touch", "touched_to_dirty",
    ),
    "presence": (
        "presence_collapse", "presence_extend", "presence_known", "presence_insert", "presence_update_fact",
        "presence_touch", "touched_to_dirty",
    ),
    "sessions": (
        "presence_collapse", "presence_extend", "presence_known", "sessions_known", "sessions_insert",
        "presence_insert", "presence_update_fact", "presence_touch", "sessions_feed", "touched_to_dirty",
    ),
    "usage": TAKE,
}  # fmt: skip
_COUNTS: Final[Mapping[Kind, str]] = {
    "devices": "devices_counts", "sims": "sims_counts", "presence": "presence_counts", "sessions": "presence_counts",
    "usage": "counts",
}  # fmt: skip
_TABLE: Final[Mapping[Kind, str]] = {
    "devices": "devices_table", "sims": "sims_table", "presence": "presence_table", "sessions": "presence_table",
    "prices": "prices_table", "usage": "table", "contracts": "contracts_table", "coverage": "coverage_table",
    "skus": "skus_table", "sunsets": "sunsets_table", "certificates": "certificates_table",
}  # fmt: skip
# Kinds that no device knows of: one statement applies them and counts what it did.
_AT_ONCE: Final[Mapping[Kind, str]] = {
    "prices": "prices_apply", "contracts": "contracts_apply", "coverage": "coverage_apply", "skus": "skus_apply",
    "sunsets": "sunsets_apply", "certificates": "certificates_apply",
}  # fmt: skip
_PARENTS: Final[Mapping[Kind, Sequence[str]]] = {
    "presence": ("presence",), "sessions": ("presence", "session"), "usage": ("usage_record",),
}  # fmt: skip


class ImportStore:
    """The imports of every tenant."""

    def __init__(self, database: Database, rules: Sequence[Rule] = ()) -> None:
        """`rules` are those whose clocks are read again with the presence that arrived; none: later, with all."""
        self._database = database
        self._rules = rules

    async def accounts(self, tenant: TenantId) -> Mapping[str, int | None]:
        """Carrier accounts by name, with the length of their ICCIDs where they say it."""
        async with self._database.tenant(tenant) as conn:
            return dict(await (await conn.execute(_SQL["accounts"])).fetchall())

    @asynccontextmanager
    async def load(self, tenant: TenantId, kind: Kind, *, now: datetime) -> AsyncGenerator["Load"]:
        """Begin an import; without `apply` nothing of it remains."""
        async with self._database.tenant(tenant) as conn:
            loading = Load(self._database, conn, tenant, kind, now)
            await loading.begin()
            yield loading
            if not loading.applied:
                raise psycopg.Rollback
        if loading.unread is not None and self._rules:
            async with self._database.tenant(tenant) as conn:  # one of its own: the hourly reading writes the same rows
                await compute(conn, tenant, self._rules, now, loading.unread or None)


class Load:
    """One import under way; see `engine.ports.imports.Load`."""

    def __init__(self, database: Database, conn: Connection, tenant: TenantId, kind: Kind, now: datetime) -> None:
        self.unread: Sequence[UUID] | None = None  # whose clocks this file may have begun or ended; empty: all
        self._database = database
        self._conn = conn
        self._tenant = tenant
        self._kind: Kind = kind
        self._texts = _USAGE if kind == "usage" else _SQL
        self._values: dict[str, Any] = {
            "tenant": tenant,
            "now": now,
            "words": list(DEVICE_STATES),
            "states": [word.value for word in SUBSCRIPTION_WORDS.values()],
            "from_states": [int(start) for start, after in NEXT_STATES.items() for _ in after],
            "to_states": [int(state) for after in NEXT_STATES.values() for state in after],
            "month": month_of(now),
            "source": "session" if kind == "sessions" else "import",
        }
        self._repeats = 0  # rows that say what another row of the file says
        self.applied = False

    async def begin(self) -> None:
        """Make the staging table and keep other imports of this tenant waiting."""
        await self._conn.execute(_SQL["lock"], self._values)
        if self._kind == "usage":
            await self._run("lock")
            await self._run("table")
            return
        await self._run(_TABLE[self._kind])
        await self._run("touched_table")

    async def stage(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Take rows, as `STAGED` orders them."""
        text = await asyncio.to_thread(_copy_text, rows)
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in STAGED[self._kind])
        query = sql.SQL("copy import_row ({}) from stdin").format(columns)
        async with self._conn.cursor() as cursor, cursor.copy(query) as copy:
            await copy.write(text)

    async def check(self) -> Sequence[Fault]:
        """What only all rows and the fleet together show; such rows are left out from here on."""
        await self._conn.execute("analyze import_row", prepare=False)
        for name in _RESOLVE.get(self._kind, ()):
            await self._run(name)
        faults: list[Fault] = []
        for name in _CHECK[self._kind]:
            faults += await self._faults(name)
        await self._leave_out(faults)
        if self._kind == "usage":
            return faults + await self._against_known()
        return faults + await self._claim()

    async def _against_known(self) -> list[Fault]:
        """What the file says of records that are known: nothing new, a correction, or another record's id."""
        found = await self._one("count_repeats")
        self._repeats = found[0]
        await self._run("collapse")
        await self._conn.execute("analyze import_row", prepare=False)
        await self._prepare_months()
        await self._run("resolve_seen")
        await self._run("resolve_former")
        faults = await self._faults("check_moved")
        await self._leave_out(faults)
        return faults

    async def _claim(self) -> list[Fault]:
        """Claim identities; each round leaves out the rows whose identity another device holds."""
        faults: list[Fault] = []
        while self._kind in _CLAIM:
            release, *claims = _CLAIM[self._kind]
            found: list[Fault] = []
            async with self._conn.transaction():
                await self._run(release)
                for name in claims:
                    found += await self._faults(name)
                if found:
                    raise psycopg.Rollback
            if not found:
                break
            faults += found
            await self._leave_out(found)
        return faults

    async def apply(self) -> Applied:
        """Write the staged rows."""
        if self._kind in _AT_ONCE:
            created, changed, rows = await self._one(_AT_ONCE[self._kind])
            self.applied = True
            return Applied(created=created, changed=changed, unchanged=rows - created - changed)
        if self._kind in {"presence", "sessions"}:
            await self._prepare_months()
        for name in _APPLY[self._kind]:
            await self._run(name)
        created, changed, unchanged, devices = await self._one(_COUNTS[self._kind])
        if self._kind == "usage":
            await write_facts(self._conn, "given_lines", self._values)
            unchanged += self._repeats
        if self._kind in {"presence", "sessions"} and devices:
            self.unread = await self._touched() if devices <= _FEW else ()
        self.applied = True
        return Applied(created=created, changed=changed, unchanged=unchanged, particulars={"devices": devices})

    async def _touched(self) -> Sequence[UUID]:
        rows = await self._conn.execute("select device from import_touched", prepare=False)
        return [row[0] for row in await rows.fetchall()]

    async def append(self, entries: Sequence[Entry]) -> None:
        """Journal lines in the same transaction."""
        await append(self._conn, entries)

    async def _prepare_months(self) -> None:
        """Partitions for the months of the file, before this transaction holds anything of those tables."""
        first, last = await self._one("bounds" if self._kind == "usage" else "presence_bounds")
        if first is None:
            return
        async with self._database.nameless() as other:
            for parent in _PARENTS[self._kind]:
                await other.execute(
                    _SQL["ensure_months"], {"parent": parent, "first": first, "last": last + _MONTHS_AHEAD}
                )

    async def _leave_out(self, faults: Sequence[Fault]) -> None:
        if faults:
            lines = sorted({fault.line for fault in faults})
            await self._conn.execute(_SQL["leave_out"], {"lines": lines}, prepare=False)

    async def _faults(self, name: str) -> list[Fault]:
        found = await self._conn.execute(self._texts[name], self._values, prepare=False)
        return [
            Fault(line=line, column=column, value=value, expected=expected)
            for line, column, value, expected in await found.fetchall()
        ]

    async def _run(self, name: str) -> None:
        await self._conn.execute(self._texts[name], self._values, prepare=False)

    async def _one(self, name: str) -> tuple[Any, ...]:
        row = await (await self._conn.execute(self._texts[name], self._values, prepare=False)).fetchone()
        return row or ()


def _copy_text(rows: Sequence[tuple[Any, ...]]) -> bytes:
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows).encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return r"\N"
        case str():
            return value.translate(_ESCAPES)
        case bool():
            return "t" if value else "f"
        case int() | UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case _:
            raise TypeError(f"a staged row holds text, numbers, instants and ids, not {type(value).__name__}")
