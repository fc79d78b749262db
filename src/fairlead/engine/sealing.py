"""Seals secrets before they are stored: carrier keys, PSKs, client secrets.

AES-256-GCM with the place of the secret (tenant, table, row, column) as additional data, so a
sealed text copied to another row opens nowhere. The key's name stands in the sealed text; keys
live in a file of the data directory (0600) or in FAIRLEAD_KEYRING, never in the database. Rotation
adds a key and seals with it from then on; old keys stay until `reseal` has been over every row.
Nothing here ever prints a key or a secret.
"""

import binascii
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fairlead.engine.private_file import read_private, write_private
from fairlead.model.ids import TenantId

_FORM: Final = "fs1"  # sealed text: fs1.<key id>.<base64 of nonce and ciphertext>
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12  # NIST SP 800-38D §5.2.1.1
_FILE: Final = "keyring.json"


class CannotOpen(Exception):
    """A sealed text does not open here: unknown key, another place, or changed bytes."""


class KeyringUnreadable(RuntimeError):
    """The keyring holds no usable keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a secret is kept; part of what is authenticated."""

    tenant: TenantId
    table: str
    row: str
    column: str

    def aad(self) -> bytes:
        """The additional data: each part with its length, so that no two places read the same."""
        parts = ("fairlead seal v1", str(self.tenant), self.table, self.row, self.column)
        return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Sealing keys by name, and which one seals; prints names only."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all keys."""
        return tuple(self.keys)

    def rotated(self) -> "Keyring":
        """The same keyring with a new current key."""
        name = f"k{len(self.keys) + 1}-{secrets.token_hex(3)}"
        return Keyring(current=name, keys={**self.keys, name: secrets.token_bytes(_KEY_BYTES)})

    def without(self, name: str) -> "Keyring":
        """The same keyring after a key's last secret was resealed; the current key cannot go."""
        if name == self.current:
            raise KeyringUnreadable(f"{name} is the current key: rotate first")
        return Keyring(current=self.current, keys={known: key for known, key in self.keys.items() if known != name})

    def text(self) -> str:
        """The form in which a keyring is kept in its file or in FAIRLEAD_KEYRING. Secret."""
        keys = {name: b64encode(key).decode() for name, key in self.keys.items()}
        return json.dumps({"current": self.current, "keys": keys})


def read_keyring(text: str) -> Keyring:
    """A keyring from what `Keyring.text` gave; raises `KeyringUnreadable` without showing any of it."""
    try:
        found: Any = json.loads(text)
        keys = {str(name): b64decode(key, validate=True) for name, key in cast("dict[str, str]", found["keys"]).items()}
        current = str(found["current"])
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise KeyringUnreadable('expected {"current": name, "keys": {name: base64 of 32 bytes}}') from None
    if current not in keys or any(len(key) != _KEY_BYTES or "." in name for name, key in keys.items()):
        raise KeyringUnreadable("the current key is missing, or a key has not 32 bytes")
    return Keyring(current=current, keys=keys)


def open_keyring(directory: Path, environment: str | None = None) -> Keyring:
    """The installation's keyring: FAIRLEAD_KEYRING where it is set, else the file, made on first use."""
    if environment:
        return read_keyring(environment)
    path = directory / _FILE
    if (content := read_private(path)) is None:
        write_private(path, Keyring(current="", keys={}).rotated().text().encode(), replace=False)
        content = read_private(path) or b""
    return read_keyring(content.decode())


class KeyringFile:
    """The keyring of a data directory as it is now: read again when somebody rotated it meanwhile."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE
        self._loaded = open_keyring(directory)
        self._inode = self._path.stat().st_ino

    def __call__(self) -> Keyring:
        """Raises `KeyringUnreadable` or `FileOpenToOthers`; a file that is gone leaves what was read."""
        try:
            inode = self._path.stat().st_ino  # a keyring is written whole, as a new file
        except FileNotFoundError:
            return self._loaded
        if inode != self._inode and (content := read_private(self._path)) is not None:
            self._loaded, self._inode = read_keyring(content.decode()), inode
        return self._loaded


def keep_keyring(directory: Path, keyring: Keyring) -> None:
    """Write the keyring's file, whole."""
    write_private(directory / _FILE, keyring.text().encode(), replace=True)


class Sealer:
    """Seals and opens with one keyring, or with whatever keyring is in force when it is asked."""

    def __init__(self, keyring: Keyring | Callable[[], Keyring]) -> None:
        self._given = keyring

    @property
    def _keyring(self) -> Keyring:
        return self._given if isinstance(self._given, Keyring) else self._given()

    @property
    def current(self) -> str:
        """The name of the key that seals now."""
        return self._keyring.current

    def __repr__(self) -> str:
        return f"Sealer({self._keyring!r})"

    def seal(self, secret: bytes, place: Place) -> str:
        """A sealed text that opens at this place only."""
        keyring = self._keyring
        name = keyring.current
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(keyring.keys[name]).encrypt(nonce, secret, place.aad())
        return f"{_FORM}.{name}.{b64encode(sealed).decode()}"

    def open(self, sealed: str, place: Place) -> bytes:
        """The secret; raises `CannotOpen`, which names the key but nothing of the secret."""
        form, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        key = self._keyring.keys.get(name)
        if form != _FORM or key is None:
            raise CannotOpen(f"{place.table}.{place.column}: sealed with key {name!r}, which this keyring lacks")
        try:
            raw = b64decode(body, validate=True)
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.aad())
        except (InvalidTag, ValueError, binascii.Error):
            raise CannotOpen(f"{place.table}.{place.column}: not sealed here, or changed since") from None

    def stale(self, sealed: str) -> bool:
        """Whether a sealed text was made with another key than the current one."""
        return not sealed.startswith(self.mark())

    def mark(self) -> str:
        """How every text begins that the current key seals: what the store compares with."""
        return f"{_FORM}.{self.current}."

    def reseal(self, sealed: str, place: Place) -> str:
        """The same secret under the current key."""
        return self.seal(self.open(sealed, place), place)
