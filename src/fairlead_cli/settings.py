"""Which server, and with which token: flags before environment before the client's own file.

The file is `~/.config/fairlead/client.toml` (under `$XDG_CONFIG_HOME` where that is set), written by
`fairlead login` with mode 0600. A token is kept under the address it was made at and is sent to no
other: pointing `--url` elsewhere does not carry it along.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from fairlead_cli.client import Exit, trouble

DEFAULT_URL: Final = "http://127.0.0.1:8080"
URL_VARIABLE: Final = "FAIRLEAD_URL"
TOKEN_VARIABLE: Final = "FAIRLEAD_TOKEN"  # noqa: S105 - a variable's name
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where requests go, and where each setting comes from."""

    url: str
    url_from: str  # flag, environment, file or default
    token: str | None
    token_from: str


def resolve(*, url: str | None, token: str | None, env: Mapping[str, str]) -> Settings:
    """The settings in force."""
    kept = _Kept.read(file_of(env))
    given = [(url, "flag"), (env.get(URL_VARIABLE), "environment"), (kept.server, "file"), (DEFAULT_URL, "default")]
    address, address_from = next((text.rstrip("/"), source) for text, source in given if text)
    if not address.startswith(("http://", "https://")):
        raise trouble(Exit.USAGE, "The server's address is not valid", f"{address!r}; expected http://… or https://…")
    tokens = [(token, "flag"), (env.get(TOKEN_VARIABLE), "environment"), (kept.tokens.get(address), "file")]
    secret, secret_from = next(((text, source) for text, source in tokens if text), (None, "nowhere"))
    return Settings(url=address, url_from=address_from, token=secret, token_from=secret_from)


def forget(env: Mapping[str, str], url: str) -> Path:
    """Keep the token of a server no longer; gives the file."""
    path = file_of(env)
    before = _Kept.read(path)
    _write(path, replace(before, tokens={one: token for one, token in before.tokens.items() if one != url.rstrip("/")}))
    return path


def keep(env: Mapping[str, str], url: str, token: str) -> Path:
    """Keep a token and make its server the one that is asked from now on; gives the file."""
    path = file_of(env)
    before = _Kept.read(path)
    _write(path, replace(before, server=url.rstrip("/"), tokens={**before.tokens, url.rstrip("/"): token}))
    return path


def _write(path: Path, after: "_Kept") -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(after.text())
    fresh.replace(path)


def file_of(env: Mapping[str, str]) -> Path:
    """Where the client's file is."""
    base = env.get("XDG_CONFIG_HOME")
    home = Path(base) if base else Path(env.get("HOME") or Path.home()) / ".config"
    return home / "fairlead" / "client.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    server: str | None
    tokens: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "_Kept":
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(server=None, tokens={})
        except (OSError, ValueError) as error:
            raise trouble(Exit.USAGE, "The client's file cannot be read", f"{path}: {error}") from error
        server, tokens = found.get("server"), found.get("tokens", {})
        if not isinstance(server, str | None) or not isinstance(tokens, dict):
            raise trouble(Exit.USAGE, "The client's file is not as expected", f"{path}: expected server and [tokens]")
        texts = cast("dict[str, Any]", tokens)
        return cls(server=server, tokens={name: str(text) for name, text in texts.items()})

    def text(self) -> str:
        lines = ["# Written by `fairlead login`. Each token is sent to its own server only."]
        lines += [f"server = {_text(self.server)}", "", "[tokens]"] if self.server else ["[tokens]"]
        lines += [f"{_text(url)} = {_text(token)}" for url, token in sorted(self.tokens.items())]
        return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # every JSON string of printable text is a TOML basic string
