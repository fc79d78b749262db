"""Files of the data directory that only the server may read: signing keys and the keyring.

Written whole or not at all, mode 0600, flushed to disk before they take their name. A file that
others may read is refused, as ssh does: a key that leaked quietly is worse than a start that fails.
"""

import os
from pathlib import Path
from typing import Final

_MODE: Final = 0o600
_OTHERS: Final = 0o077


class FileOpenToOthers(RuntimeError):
    """A private file can be read by others than its owner."""


def read_private(path: Path) -> bytes | None:
    """The content, or None where there is no such file; raises `FileOpenToOthers`."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise FileOpenToOthers(f"{path} is open to others (mode {mode & 0o777:04o}): chmod 600 it")
            return file.read()
    except FileNotFoundError:
        return None


def write_private(path: Path, content: bytes, *, replace: bool) -> bool:
    """Write a file of mode 0600. Without `replace` an existing file wins and False comes back."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
            return True
        try:
            path.hardlink_to(temporary)  # atomic, and refuses where the name is taken
        except FileExistsError:
            return False
        return True
    finally:
        temporary.unlink(missing_ok=True)
