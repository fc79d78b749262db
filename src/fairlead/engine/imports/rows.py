"""What every kind of import shares: what reading a row needs to know, and how a row is refused as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from fairlead.model.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What reading a row needs to know besides the row."""

    reference: Reference
    accounts: Mapping[str, int | None]  # names, with the length of their ICCIDs where they say it
    account: str | None  # of rows that name none
    now: datetime
    mint: Callable[[], UUID]


Values: TypeAlias = dict[str, Any]
Finish: TypeAlias = Callable[[Values, Setting], None]  # completes or raises `BadRow`


class BadRow(ValueError):
    """A row whose cells do not fit together."""

    def __init__(self, column: str | None, value: str | None, expected: str) -> None:
        super().__init__(expected)
        self.column = column
        self.value = value
        self.expected = expected


def needed(values: Values, *names: str) -> None:
    """Raise `BadRow` for the first of these that a row leaves empty."""
    for name in names:
        if name not in values:
            raise BadRow(name, None, f"a value for {name}")


def account_of(values: Values, setting: Setting, what: str) -> str:
    """The carrier account of a row, or of the whole file. Raises `BadRow`."""
    account = values.get("account", setting.account)
    if account is None:
        raise BadRow("account", None, f"the carrier account of this {what}, here or for the whole file")
    if account not in setting.accounts:
        known = ", ".join(sorted(setting.accounts)) or "none yet: add it first"
        raise BadRow("account", account, f"a carrier account ({known})")
    return str(account)
