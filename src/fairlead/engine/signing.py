"""The Ed25519 key that signs checkpoints: in a file of the data directory, never in the database.

Whoever could rewrite the database could rewrite a chain of hashes too; what they cannot do is sign
the result. A rotation is in two steps, so that the old key can sign the line that introduces the
new one: `prepare_next`, then `take_next`. Public keys of all times stay in a plain file beside the
key, for auditors who want them from somewhere else than the export itself.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fairlead.engine.private_file import read_private, write_private
from fairlead.model.journal import instant, key_id

_CURRENT: Final = "journal.key"
_NEXT: Final = "journal.key.next"
_PUBLIC: Final = "journal-public-keys.txt"


class KeyFileUnreadable(RuntimeError):
    """The signing key's file holds no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key pair; prints without its private half."""

    key_id: str
    public_key: bytes
    since: datetime
    private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature, 64 bytes."""
        return self.private.sign(message)


class SigningKeys:
    """The current key, made on first use; reread when another process rotated it."""

    def __init__(self, directory: Path, *, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock
        self._loaded: SigningKey | None = None
        self._inode = -1

    @property
    def current(self) -> SigningKey:
        """The key that signs now; raises `KeyFileUnreadable` or `FileOpenToOthers`."""
        path = self._directory / _CURRENT
        inode = path.stat().st_ino if path.exists() else -1
        if self._loaded is None or inode != self._inode:
            self._loaded = self._load_or_make(_CURRENT)
            self._inode = path.stat().st_ino
        return self._loaded

    @property
    def public(self) -> dict[str, bytes]:
        """Public keys of all times, by their name, as far as this data directory knows them: outside the database."""
        found = {self.current.key_id: self.current.public_key}
        path = self._directory / _PUBLIC
        for line in path.read_text(encoding="ascii").splitlines() if path.exists() else ():
            words = line.split()
            with contextlib.suppress(ValueError, IndexError):
                key = bytes.fromhex(words[0])
                found[key_id(key)] = key
        return found

    def prepare_next(self) -> SigningKey:
        """The key that will follow; the same one again when a rotation was cut short."""
        return self._load_or_make(_NEXT)

    def take_next(self) -> None:
        """The prepared key becomes the current one; the old private half is gone."""
        (self._directory / _NEXT).replace(self._directory / _CURRENT)

    def _load_or_make(self, name: str) -> SigningKey:
        path = self._directory / name
        content = read_private(path)
        if content is None:
            private = Ed25519PrivateKey.generate().private_bytes_raw().hex()
            made = json.dumps({"private": private, "since": instant(self._clock())}).encode()
            if write_private(path, made, replace=False):
                self._publish(_parse(path, made))
            content = read_private(path)
        if content is None:
            raise KeyFileUnreadable(f"{path} vanished while it was read")
        return _parse(path, content)

    def _publish(self, key: SigningKey) -> None:
        with (self._directory / _PUBLIC).open("a", encoding="ascii") as file:
            file.write(f"{key.public_key.hex()} {key.key_id} {instant(key.since)}\n")


def _parse(path: Path, content: bytes) -> SigningKey:
    try:
        fields = json.loads(content)
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(fields["private"]))
        since = datetime.fromisoformat(fields["since"])
    except (ValueError, KeyError, TypeError) as cause:
        raise KeyFileUnreadable(f"{path} holds no signing key") from cause
    public = private.public_key().public_bytes_raw()
    return SigningKey(key_id=key_id(public), public_key=public, since=since, private=private)
