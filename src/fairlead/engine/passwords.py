"""Passwords: argon2id with the library's RFC 9106 parameters, off the event loop, two at a time.

Hashing takes 64 MiB and tens of milliseconds by design, so a flood of sign-ins is held to a few
at once instead of filling memory. Where there is no such account, a hash of nothing is checked, so
the time an answer takes does not say whether somebody is known.
"""

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 1024
_AT_ONCE: Final = 2


class PasswordRefused(ValueError):
    """A password that is not taken; says what is expected."""


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str, *, not_like: tuple[str, ...] = ()) -> str:
        """The hash of a new password; raises `PasswordRefused`. `not_like`: name, e-mail."""
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise PasswordRefused(f"expected {MIN_LENGTH} to {MAX_LENGTH} characters")
        if password.strip().casefold() in {text.strip().casefold() for text in not_like}:
            raise PasswordRefused("expected something else than the name or e-mail address")
        if len(set(password)) < MIN_LENGTH // 3:
            raise PasswordRefused("expected more than a few characters repeated")
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def holds(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one behind a hash; without a hash it takes as long and is False."""
        async with self._slots:
            return await asyncio.to_thread(self._holds, kept, password[: MAX_LENGTH + 1])

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _holds(self, kept: str | None, password: str) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash(secrets.token_hex())
        try:
            return self._hasher.verify(kept or self._nobody, password) and kept is not None
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
