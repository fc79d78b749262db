"""What an operator may set: defaults, then a TOML file, then FAIRLEAD_* variables, then flags.

One table names every key with its default, how it is read and what it is for; documentation and
`fairlead config check` print from it. A key nobody knows is refused with the nearest one we do,
because a misspelt setting that is silently ignored is worse than a server that does not start.
`load` refuses what cannot be read; `Config.check` finds what does not fit together.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

PREFIX: Final = "FAIRLEAD_"
# Variables of ours that are no settings of the server.
OTHER_VARIABLES: Final = frozenset({
    "FAIRLEAD_CONFIG", "FAIRLEAD_KEYRING", "FAIRLEAD_CARRIER_SPECS", "FAIRLEAD_URL", "FAIRLEAD_TOKEN",
    "FAIRLEAD_NATS_CORE_PASSWORD", "FAIRLEAD_NATS_SYS_PASSWORD", "FAIRLEAD_NATS_AUTH_PASSWORD",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One setting that is wrong."""

    key: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.key} = {self.value}: expected {self.expected}"


class ConfigRefused(Exception):
    """The configuration cannot be read; `faults` names each key."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class LabClock:
    """FAIRLEAD_CLOCK: a clock of the lab's own."""

    rate: float
    epoch: datetime | None  # None: the real instant at the start


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything an operator set, read and typed."""

    env: Literal["lab", "production"]
    data_dir: Path
    clock: LabClock | None
    api_host: str
    api_port: int
    api_public_url: str | None
    mqtt_host: str
    mqtt_port: int
    tls_cert: Path | None
    tls_key: Path | None
    database_app: str | None = field(repr=False)
    database_door: str | None = field(repr=False)
    database_owner: str | None = field(repr=False)
    nats_url: str | None = field(repr=False)
    carriers_sweep_s: float
    carriers_files: Path | None
    log_format: Literal["json", "text"]
    log_level: Literal["debug", "info", "warning", "error"]

    @property
    def embedded_database(self) -> bool:
        """Whether we run PostgreSQL ourselves."""
        return self.database_app is None

    @property
    def embedded_nats(self) -> bool:
        """Whether we run NATS ourselves."""
        return self.nats_url is None

    def check(self) -> list[Fault]:
        """What does not fit together; empty when all is well."""
        faults: list[Fault] = []
        if self.env == "production" and self.clock is not None:
            faults.append(Fault(key="clock", value="set", expected="no clock of its own in production"))
        for key, host in (("api.host", self.api_host), ("mqtt.host", self.mqtt_host)):
            if not _is_loopback(host) and (self.tls_cert is None or self.tls_key is None):
                faults.append(Fault(key=key, value=host, expected="a loopback address, or tls.cert and tls.key"))
        if (self.tls_cert is None) != (self.tls_key is None):
            faults.append(Fault(key="tls", value="one of two", expected="both tls.cert and tls.key, or neither"))
        faults += self._paths()
        given = [key for key in ("app", "door", "owner") if getattr(self, f"database_{key}") is not None]
        if given and not {"app", "door"} <= set(given):
            faults.append(Fault(key="database", value=", ".join(given), expected="both database.app and database.door"))
        if self.env == "production" and self.embedded_database and not self.data_dir.is_absolute():
            faults.append(Fault(key="data_dir", value=str(self.data_dir), expected="an absolute path in production"))
        if self.api_port == self.mqtt_port and self.api_port:
            faults.append(Fault(key="mqtt.port", value=str(self.mqtt_port), expected="another port than api.port"))
        return faults

    def _paths(self) -> list[Fault]:
        """Paths that do not lead where they should."""
        faults = [
            Fault(key=key, value=str(path), expected="a file that can be read")
            for key, path in (("tls.cert", self.tls_cert), ("tls.key", self.tls_key))
            if path is not None and not path.is_file()
        ]
        given = self.carriers_files
        if given is not None and not (given.is_absolute() and given.is_dir()):
            expected = "a directory that is there, by its absolute path"
            faults.append(Fault(key="carriers.files", value=str(given), expected=expected))
        return faults

    def shown(self) -> dict[str, str]:
        """Every setting as text, passwords masked: what `fairlead config check` prints."""
        return {key: _masked(getattr(self, key.replace(".", "_"))) for key in SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key."""

    read: Callable[[str], Any]
    default: Any
    doc: str


def _text(value: str) -> str:
    if not value:
        raise ValueError("a text that is not empty")
    return value


def _one_of(*values: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return value

    return read


def _port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65_535:  # noqa: PLR2004 - sixteen bits
        raise ValueError("a port from 0 (any free one) to 65535")
    return int(value)


def _seconds(value: str) -> float:
    try:
        read = float(value)
    except ValueError:
        read = 0.0
    if not 0.5 <= read <= 86_400:  # noqa: PLR2004 - twice a second to once a day
        raise ValueError("seconds from 0.5 to 86400")
    return read


def _url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ValueError(f"an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return read


def _origin(value: str) -> str:
    expected = "scheme, host and perhaps a port, such as https://fairlead.example.com: https outside loopback"
    try:
        parts = urlsplit(value)
        plain = bool(parts.hostname) and parts.username is None and parts.password is None and parts.port != 0
    except ValueError as error:
        raise ValueError(expected) from error
    rest = parts.path not in {"", "/"} or "?" in value or "#" in value or not value.isascii() or not value.isprintable()
    if not plain or rest or parts.scheme not in {"http", "https"}:
        raise ValueError(expected)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError(expected)
    return value.rstrip("/")


def _clock(value: str) -> LabClock:
    rate, _, epoch = value.partition("@")
    expected = "RATE or RATE@EPOCH, such as 3600@2026-01-01T00:00:00Z"
    try:
        begun = datetime.fromisoformat(epoch) if epoch else None
        read = float(rate)
    except ValueError as error:
        raise ValueError(expected) from error
    if not 0 < read <= 86_400 or (begun is not None and begun.tzinfo is None):  # noqa: PLR2004 - a day a second
        raise ValueError(expected)
    return LabClock(rate=read, epoch=begun.astimezone(UTC) if begun else None)


def _dsn(value: str) -> str:
    """As a URL, or as `key=value` pairs, which is how `fairlead bootstrap` prints it."""
    if urlsplit(value).scheme not in {"postgresql", "postgres"} and not re.match(r"\s*\w+\s*=", value):
        raise ValueError("an address that begins with postgresql:// or postgres://, or pairs such as host=db user=me")
    return value


SETTINGS: Final[Mapping[str, Setting]] = {
    "env": Setting(read=_one_of("lab", "production"), default="lab", doc="production refuses what a lab may do"),
    "data_dir": Setting(read=Path, default=Path("~/.local/share/fairlead"), doc="engines, keys and files of ours"),
    "clock": Setting(read=_clock, default=None, doc="lab only: RATE or RATE@EPOCH"),
    "api.host": Setting(read=_text, default="127.0.0.1", doc="where the HTTP API listens"),
    "api.port": Setting(read=_port, default=8080, doc="its port"),
    "api.public_url": Setting(read=_origin, default=None, doc="how browsers reach it: the only name it answers to"),
    "mqtt.host": Setting(read=_text, default="127.0.0.1", doc="where devices reach MQTT"),
    "mqtt.port": Setting(read=_port, default=1883, doc="its port"),
    "tls.cert": Setting(read=Path, default=None, doc="certificate chain, PEM; required outside loopback"),
    "tls.key": Setting(read=Path, default=None, doc="its private key, PEM"),
    "database.app": Setting(read=_dsn, default=None, doc="DSN of fairlead_app; none: we run PostgreSQL"),
    "database.door": Setting(read=_dsn, default=None, doc="DSN of fairlead_door"),
    "database.owner": Setting(read=_dsn, default=None, doc="DSN of fairlead_owner, for migrations"),
    "nats.url": Setting(read=_url("nats", "tls"), default=None, doc="NATS; none: we run it"),
    "carriers.sweep_s": Setting(
        read=_seconds, default=300.0, doc="real seconds between two readings of a carrier's inventory"
    ),
    "carriers.files": Setting(
        read=Path,
        default=None,
        doc="directory below which accounts of carriers by files may name folders; none: nowhere",
    ),
    "log.format": Setting(read=_one_of("json", "text"), default="text", doc="one JSON object a line, or for people"),
    "log.level": Setting(read=_one_of("debug", "info", "warning", "error"), default="info", doc="the least shown"),
}


def load(
    *, file: Path | None = None, environ: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> Config:
    """Read the configuration. `flags` are keys as in `SETTINGS`. Raises `ConfigRefused` naming every fault."""
    environ = os.environ if environ is None else environ
    named = file or (Path(environ["FAIRLEAD_CONFIG"]) if environ.get("FAIRLEAD_CONFIG") else None)
    faults: list[Fault] = []
    texts: dict[str, str] = {}
    if named is not None:
        texts |= _from_file(named, faults)
    texts |= _from_environment(environ, faults)
    texts |= _known({key: value for key, value in (flags or {}).items() if value}, faults)
    values: dict[str, Any] = {}
    for key, setting in SETTINGS.items():
        try:
            values[key.replace(".", "_")] = setting.read(texts[key]) if key in texts else setting.default
        except ValueError as error:
            faults.append(Fault(key=key, value=_masked(texts[key]), expected=str(error)))
    if faults:
        raise ConfigRefused(*faults)
    values["data_dir"] = cast("Path", values["data_dir"]).expanduser()
    return Config(**values)


def _from_file(path: Path, faults: list[Fault]) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.append(Fault(key=str(path), value=type(error).__name__, expected=f"a TOML file ({error})"))
        return {}
    flat: dict[str, str] = {}
    for key, value in found.items():
        inner = cast("dict[str, Any]", value) if isinstance(value, dict) else None
        flat |= {f"{key}.{name}": _plain(one) for name, one in inner.items()} if inner else {key: _plain(value)}
    return _known(flat, faults)


def _from_environment(environ: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    by_variable = {PREFIX + key.replace(".", "_").upper(): key for key in SETTINGS}
    found: dict[str, str] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or not value:
            continue
        if variable in by_variable:
            found[by_variable[variable]] = value
        else:
            faults.append(Fault(key=variable, value="set", expected=_nearest(variable, list(by_variable))))
    return found


def _known(texts: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    for key, value in texts.items():
        if key not in SETTINGS:
            faults.append(Fault(key=key, value=_masked(value), expected=_nearest(key, list(SETTINGS))))
    return {key: value for key, value in texts.items() if key in SETTINGS}


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"a setting we know; did you mean {near[0]}?" if near else f"one of {', '.join(known)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _masked(value: Any) -> str:
    text = "" if value is None else re.sub(r"://([^:/@]*):[^@]*@", r"://\1:***@", str(value))
    return re.sub(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", r"\1***", text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
