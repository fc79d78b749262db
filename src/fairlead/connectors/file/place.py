"""Where the files are: a folder of this machine here, SFTP in `sftp.py`; both give a `Shelf` for one visit.

Path safety: an account's folder lies below `<carriers.files>/<tenant>`, so that no tenant can name
another's, and every step down is opened by the kernel with O_NOFOLLOW from the folder above: no
symbolic link is ever followed, whatever is swapped in meanwhile. Only regular files are read.

`put` makes a file appear whole under its name or not at all. What it raises says which: `NotWritten`
before the name can have appeared, any other OSError when nobody knows.
"""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

LARGEST: Final = 128 * 1024 * 1024  # bytes of a file that is read at all
_DOWN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class NotWritten(OSError):
    """The file is certainly not there under its name."""


class NoPlace(OSError):
    """The folder cannot be used; says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file in a folder."""

    folder: str  # below the account's; empty: the account's own
    name: str
    size: int
    modified_at: datetime


class Shelf(Protocol):
    """The folders of one account during one visit."""

    async def look(self, folder: str) -> Sequence[Seen]:
        """The regular files of a folder; none where there is no such folder yet."""
        ...

    async def read(self, seen: Seen) -> bytes:
        """A whole file."""
        ...

    async def put(self, folder: str, name: str, content: bytes) -> None:
        """Write a file that appears whole or not at all; the same name again replaces it. Makes the folder."""
        ...


class Place(Protocol):
    """Where an account's files are."""

    def visit(self) -> AbstractAsyncContextManager[Shelf]:
        """Go there. Raises `OSError`."""
        ...


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, below: Path | None, tenant: str, folder: str) -> None:
        """`below` is what the server's settings allow; None: nothing."""
        self._below = below
        self._tenant = tenant
        self._folder = folder

    @asynccontextmanager
    async def visit(self) -> AsyncGenerator[Shelf]:
        """Open the account's folder for as long as the block lasts."""
        if self._below is None:
            raise NoPlace(
                "this server reads no folders: set carriers.files (FAIRLEAD_CARRIERS_FILES) to the directory"
                " below which accounts may name theirs"
            )
        top = await asyncio.to_thread(self._open, self._below)
        try:
            yield _LocalShelf(top)
        finally:
            os.close(top)

    def _open(self, below: Path) -> int:
        wanted = below / self._tenant / self._folder
        try:
            at = os.open(below.resolve(strict=True), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise NoPlace(f"{below}: {error.strerror}; it is what carriers.files names") from None
        try:
            return _down(at, f"{self._tenant}/{self._folder}")
        except OSError as error:
            raise NoPlace(f"{wanted}: {error.strerror}; make this folder, without symbolic links in it") from None
        finally:
            os.close(at)


def _down(at: int, path: str) -> int:
    """The folder below `at`, one step after the other and never over a symbolic link."""
    here = os.dup(at)
    for step in filter(None, path.split("/")):
        if step in {".", ".."}:
            os.close(here)
            raise NoPlace(f"{path}: a step upwards")
        try:
            deeper = os.open(step, _DOWN, dir_fd=here)
        finally:
            os.close(here)
        here = deeper
    return here


class _LocalShelf:
    def __init__(self, top: int) -> None:
        self._top = top

    async def look(self, folder: str) -> Sequence[Seen]:
        return await asyncio.to_thread(self._look, folder)

    async def read(self, seen: Seen) -> bytes:
        return await asyncio.to_thread(self._read, seen)

    async def put(self, folder: str, name: str, content: bytes) -> None:
        await asyncio.to_thread(self._put, folder, name, content)

    def _look(self, folder: str) -> list[Seen]:
        try:
            here = _down(self._top, folder)
        except FileNotFoundError:
            return []
        try:
            found: list[Seen] = []
            for name in sorted(os.listdir(here)):  # noqa: PTH208 - of an open folder, not of a path
                try:
                    known = os.stat(name, dir_fd=here, follow_symlinks=False)
                except FileNotFoundError:
                    continue  # taken away meanwhile
                if stat.S_ISREG(known.st_mode):
                    modified = datetime.fromtimestamp(known.st_mtime, UTC)
                    found.append(Seen(folder=folder, name=name, size=known.st_size, modified_at=modified))
            return found
        finally:
            os.close(here)

    def _read(self, seen: Seen) -> bytes:
        here = _down(self._top, seen.folder)
        try:
            file = os.open(seen.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=here)
        finally:
            os.close(here)
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(f"{seen.name} is no regular file")
            content = opened.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise OSError(f"{seen.name} is larger than {LARGEST} bytes")
        return content

    def _put(self, folder: str, name: str, content: bytes) -> None:
        try:
            here = self._made(folder)
        except OSError as error:
            raise NotWritten(f"{folder}: {error.strerror}") from None
        unfinished = f".{name}.tmp"
        try:
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(unfinished, flags, 0o640, dir_fd=here), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise NotWritten(f"{folder}/{name}: {error.strerror}") from None
            os.rename(unfinished, name, src_dir_fd=here, dst_dir_fd=here)
            os.fsync(here)
        finally:
            os.close(here)

    def _made(self, folder: str) -> int:
        here = os.dup(self._top)
        for step in filter(None, folder.split("/")):
            try:
                with suppress(FileExistsError):
                    os.mkdir(step, 0o750, dir_fd=here)
                deeper = os.open(step, _DOWN, dir_fd=here)
            finally:
                os.close(here)
            here = deeper
        return here
