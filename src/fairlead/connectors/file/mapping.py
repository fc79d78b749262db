"""What an account says about its carrier's files: which file is which, and their words in ours. Pure.

It stands in the account's settings under `files` (written as YAML, kept as JSON). Everything is read
and refused when the account is saved: a column that is misspelt here would silently empty a fleet.
`BadMapping` names the place and what was expected.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from fairlead.engine.ports.carrier import ReasonCode
from fairlead.model.subscription import SubscriptionState, Verb

UNITS: Final[Mapping[str, int]] = {
    "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3,
}  # fmt: skip
VERBS: Final = frozenset({"activate", "suspend", "deactivate", "terminate"})
_TICKET: Final = ("ticket", "iccid", "action", "requested_at")
_PARTIAL: Final = (".part", ".partial", ".tmp", ".filepart", ".crdownload")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Hours = Annotated[float, msgspec.Meta(ge=0, le=24 * 90)]


class BadMapping(ValueError):
    """Settings that cannot be read; names the place and what was expected."""


class _Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A misspelt name is refused, never ignored."""


class Form(_Strict, kw_only=True, frozen=True):
    """How their CSV is written."""

    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "iso-8859-1", "utf-16"] = "utf-8-sig"
    time_zone: Text = "UTC"  # of times that do not say
    dates: tuple[Text, ...] = ("iso",)  # tried in order: `iso`, or strptime's letters


class IccidForm(_Strict, kw_only=True, frozen=True):
    """How they write ICCIDs."""

    digits: Literal[19, 20] | None = None  # with the check digit; None: as it stands
    check_digit: bool = True  # False: they leave it out, and it is computed here and left out of tickets


class Ready(_Strict, kw_only=True, frozen=True):
    """How a file says that it is whole."""

    by: Literal["stable", "done", "rename"] = "stable"
    seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 60  # `stable`: unchanged for so long
    suffix: Text = ".done"  # `done`: beside `name.csv` stands `name.csv.done`
    partial: tuple[Text, ...] = _PARTIAL  # `rename`: these are still being written (ignored whatever `by` says)


class Instant(_Strict, kw_only=True, frozen=True):
    """Where an export says of which moment it is: its own column, else its name, else the file's time."""

    column: str = ""
    name: str = ""  # a regular expression whose one group is the time
    format: Text = "%Y%m%d%H%M%S"  # of what the name holds


class Kind(_Strict, kw_only=True, frozen=True):
    """What every kind of file has."""

    glob: Text
    columns: dict[str, Text]  # our name → their column
    folder: str = ""  # below the account's
    exported: Instant = Instant()


class Inventory(Kind, kw_only=True, frozen=True):
    """All SIMs."""

    states: dict[Text, SubscriptionState]  # their word → ours


class Usage(Kind, kw_only=True, frozen=True):
    """Bytes by SIM and period."""

    period: Literal["hour", "day", "month"] = "day"
    unit: Text = "B"
    final_after_h: Hours = 72
    source: Literal["raw", "rated"] = "rated"


class Sessions(Kind, kw_only=True, frozen=True):
    """Data sessions, open ones without an end."""

    history_days: Annotated[int, msgspec.Meta(ge=1, le=400)] = 31


class Invoices(Kind, kw_only=True, frozen=True):
    """What lines cost."""

    currency: str = ""  # where no column says it


class Confirmations(Kind, kw_only=True, frozen=True):
    """What became of tickets."""

    results: dict[Text, Literal["done", "refused", "open"]]  # their word → ours
    reasons: dict[Text, ReasonCode] = {}  # their code → ours


class Tickets(_Strict, kw_only=True, frozen=True):
    """How a change is asked for."""

    folder: Text = "tickets"  # they read it there and may take it away
    kept: Text = "tickets-sent"  # our copy, which tells what is open
    columns: dict[str, Text] = msgspec.field(default_factory=lambda: {name: name for name in _TICKET})
    words: dict[str, Text]  # our verb → their word; a verb without one cannot be asked for
    confirmations: Confirmations | None = None
    answer_within_h: Annotated[float, msgspec.Meta(gt=0, le=24 * 90)] = 72
    look_again_h: Annotated[float, msgspec.Meta(gt=0, le=24 * 7)] = 1


class Sftp(_Strict, kw_only=True, frozen=True):
    """Where the folder is, if not on this machine."""

    host: Text
    user: Text
    host_key: Text  # `ssh-ed25519 AAAA…`: this one and no other
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 22


class Files(_Strict, kw_only=True, frozen=True):
    """All of it."""

    folder: Text
    inventory: Inventory
    sftp: Sftp | None = None
    form: Form = Form()
    iccid: IccidForm = IccidForm()
    ready: Ready = Ready()
    usage: Usage | None = None
    sessions: Sessions | None = None
    invoices: Invoices | None = None
    tickets: Tickets | None = None


# Our column names by kind: (those that must be mapped, those that may be).
COLUMNS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "inventory": (
        frozenset({"iccid", "state"}),
        frozenset({"imsi", "msisdn", "eid", "imei", "plan", "group", "changed"}),
    ),
    "usage": (frozenset({"iccid", "start"}), frozenset({"uplink", "downlink", "total"})),
    "sessions": (
        frozenset({"iccid", "start"}),
        frozenset({"id", "end", "plmn", "rat", "ip", "apn", "imei", "imsi"}),
    ),
    "invoices": (frozenset({"amount"}), frozenset({"iccid", "start", "currency", "item"})),
    "tickets": (frozenset({"ticket", "iccid", "action"}), frozenset({"requested_at"})),
    "tickets.confirmations": (frozenset({"ticket", "iccid", "result"}), frozenset({"code", "text", "at"})),
}


def read_mapping(config: Mapping[str, Any]) -> Files:
    """Read the `files` of an account's settings. Raises `BadMapping`."""
    if "files" not in config:
        raise BadMapping("files: missing; expected folder, inventory and what else the carrier exports")
    try:
        found = msgspec.convert(config["files"], Files, strict=True)
    except msgspec.ValidationError as error:
        text, _, at = str(error).partition(" - at `$")
        raise BadMapping(f"files{at.rstrip('`')}: {text}") from error
    _check(found)
    return found


def _check(files: Files) -> None:
    tickets = files.tickets
    kinds: dict[str, Kind | Tickets | None] = {
        "inventory": files.inventory, "usage": files.usage, "sessions": files.sessions, "invoices": files.invoices,
        "tickets": tickets, "tickets.confirmations": tickets.confirmations if tickets else None,
    }  # fmt: skip
    for name, kind in kinds.items():
        if kind is not None:
            _columns(name, kind.columns)
            _relative(f"{name}.folder", kind.folder)
        if isinstance(kind, Kind):
            _named(f"{name}.exported", kind.exported)
            if "/" in kind.glob:
                raise BadMapping(
                    f"files.{name}.glob: {kind.glob!r}; expected a file name with * and ?, without folders"
                )
    if files.sftp is None:
        _relative("folder", files.folder)
    if files.usage is not None:
        _counted(files.usage)
    if tickets is not None:
        _asked(tickets)
    try:
        ZoneInfo(files.form.time_zone)
    except (ValueError, OSError, KeyError):
        raise BadMapping(
            f"files.form.time_zone: {files.form.time_zone!r}; expected a name such as Europe/London"
        ) from None


def _counted(usage: Usage) -> None:
    if usage.unit not in UNITS:
        raise BadMapping(f"files.usage.unit: {usage.unit!r}; expected one of {', '.join(UNITS)}")
    if not {"total", "downlink", "uplink"} & set(usage.columns):
        raise BadMapping("files.usage.columns: expected total, or uplink and downlink")


def _asked(tickets: Tickets) -> None:
    _relative("tickets.kept", tickets.kept)
    if tickets.kept == tickets.folder:
        raise BadMapping("files.tickets.kept: expected another folder than tickets.folder, which they empty")
    unknown = set(tickets.words) - VERBS
    if unknown:
        raise BadMapping(f"files.tickets.words: {sorted(unknown)}; expected some of {sorted(VERBS)}")


def _columns(kind: str, columns: Mapping[str, str]) -> None:
    must, may = COLUMNS[kind]
    if must - set(columns):
        raise BadMapping(f"files.{kind}.columns: {', '.join(sorted(must - set(columns)))} missing")
    unknown = set(columns) - must - may
    if unknown:
        known = ", ".join(sorted(must | may))
        raise BadMapping(f"files.{kind}.columns: {', '.join(sorted(unknown))} unknown; expected some of {known}")


def _relative(place: str, path: str) -> None:
    if path.startswith("/") or "\\" in path or "\0" in path or ".." in path.split("/"):
        raise BadMapping(f"files.{place}: {path!r}; expected a folder below the one of this account, without ..")


def _named(place: str, instant: Instant) -> None:
    try:
        groups = re.compile(instant.name).groups if instant.name else 1
        datetime(2000, 1, 1).strftime(instant.format)  # noqa: DTZ001 - only the letters are tried
    except (re.error, ValueError) as error:
        raise BadMapping(f"files.{place}.name: {error}") from error
    if groups != 1:
        raise BadMapping(f"files.{place}.name: expected a regular expression with exactly one group, the time")


def verbs_of(config: Mapping[str, Any]) -> frozenset[str]:
    """What can be asked of an account: the verbs that its tickets have a word for. Raises `BadMapping`."""
    tickets = read_mapping(config).tickets
    words = set(tickets.words) if tickets else set[str]()
    return frozenset(words | ({Verb.RESUME.value} if "activate" in words else set[str]()))
