"""What an import needs from the store: a place to stage rows, checks over all of them, one application."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, get_args

from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry

Kind = Literal[
    "devices", "sims", "presence", "sessions", "prices", "usage", "contracts", "coverage", "skus", "sunsets",
    "certificates",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# The columns of a staged row, in order, by kind; `line` is the row's line in the file.
STAGED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "devices": (
        "line", "new_id", "name", "own_name", "serial", "imei", "eid", "mac", "sku", "region", "device_group",
        "device_batch", "tags", "home_country", "state",
    ),
    "sims": (
        "line", "new_card", "new_profile", "new_subscription", "iccid", "iccid_raw", "imsi", "msisdn", "device_name",
        "device_serial", "device_imei", "account", "plan", "state", "slot", "form_factor", "technology", "eid",
        "multi_imsi", "enabled", "home_country", "apn",
    ),
    "presence": (
        "line", "device_name", "iccid", "imei", "imsi", "country", "plmn", "first_at", "last_at", "apn", "rat", "cell",
    ),
    "sessions": (
        "line", "device_name", "iccid", "imei", "imsi", "country", "plmn", "first_at", "last_at", "apn", "rat", "cell",
        "ip", "bytes", "open",
    ),
    "prices": (
        "line", "plan", "currency", "activation_nano", "monthly_nano", "per_mb_nano", "valid_from", "included_bytes",
    ),
    "usage": (
        "line", "iccid", "record_id", "kind", "started_at", "ended_at", "up_bytes", "down_bytes", "bytes", "zone",
        "plmn", "country", "final", "observed_at", "dated",
    ),
    "contracts": (
        "line", "account", "number", "starts_on", "ends_on", "notice_days", "committed_sims", "commitment",
    ),
    "coverage": ("line", "account", "country", "rats", "source", "as_of"),
    "skus": ("line", "sku", "rats", "bands", "source", "as_of"),
    "sunsets": ("line", "country", "rat", "plmn", "off_on", "confidence", "source", "as_of"),
    "certificates": (
        "line", "sku", "country", "topic", "number", "valid_from", "valid_until", "source", "as_of",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with one row."""

    line: int  # where the row begins, from 1; the header is a line too
    column: str | None
    value: str | None
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an import did."""

    created: int
    changed: int
    unchanged: int
    particulars: Mapping[str, int] = field(default_factory=dict[str, int])  # such as devices touched


class Load(Protocol):
    """One import under way, in one transaction: it commits when `apply` was called, else nothing happened."""

    async def stage(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Take rows, as `STAGED` orders them."""
        ...

    async def check(self) -> Sequence[Fault]:
        """What only all rows and the fleet together show; such rows are then left out of `apply`."""
        ...

    async def apply(self) -> Applied:
        """Write the staged rows. Twice is once: rows that change nothing are counted as unchanged."""
        ...

    async def append(self, entries: Sequence[Entry]) -> None:
        """Journal lines in the same transaction."""
        ...


class ImportStore(Protocol):
    """Applies imports."""

    def load(self, tenant: TenantId, kind: Kind, *, now: datetime) -> AbstractAsyncContextManager[Load]:
        """Begin an import; one at a time a tenant."""
        ...

    async def accounts(self, tenant: TenantId) -> Mapping[str, int | None]:
        """Carrier accounts by name, with the length of their ICCIDs where they say it."""
        ...
