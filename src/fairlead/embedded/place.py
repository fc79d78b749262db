"""Where engines live when we are root: their unprivileged user must be able to reach programs and data.

A checkout below /root, or a temporary directory of root's, is closed to everybody else, and
PostgreSQL refuses to be root. Rather than open a person's directories, such data goes to
/var/lib/fairlead under a name made of the path that was asked for, with a link left where it was
expected; programs are copied there once per version. Everyone who is not root never comes here.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fairlead.embedded.process import Account, give

SHELTER: Final = Path("/var/lib/fairlead")


def closed_to(account: Account, path: Path) -> Path | None:
    """The outermost of what stands above `path` that `account` may not pass through (or run), or None."""
    for directory in reversed(path.resolve().parents):
        if not directory.exists():
            return None
        if not _may_pass(account, directory.stat()):
            return directory
    return None


def home(requested: Path, account: Account | None, *, shelter: Path = SHELTER) -> Path:
    """The directory in which engines keep data asked for at `requested`: made, and reachable by `account`."""
    chosen = requested.absolute().resolve()
    chosen.mkdir(parents=True, exist_ok=True)
    if account is None:
        return chosen
    if closed_to(account, chosen) is not None:
        name = hashlib.sha256(os.fsencode(chosen)).hexdigest()[:12]
        sheltered = shelter / f"{chosen.name.lstrip('.')}-{name}"
        _open_directory(sheltered)
        if not any(chosen.iterdir()):
            chosen.rmdir()
            chosen.symlink_to(sheltered, target_is_directory=True)
        chosen = sheltered
    chosen.chmod(chosen.stat().st_mode | stat.S_IXOTH)
    return chosen


def engine_directory(home: Path, name: str, account: Account | None) -> Path:
    """The directory of one engine below `home`, owned by its user and closed to everybody else."""
    directory = home / name
    directory.mkdir(mode=0o700, exist_ok=True)
    give(directory, account)
    return directory


def program(
    path: Path, *, version: str, account: Account | None, parts: Sequence[Path] = (), shelter: Path = SHELTER
) -> Path:
    """A program that `account` can run: in place, or a copy made once per version.

    `parts` are the directories that the program needs beside it (its libraries are found by relative
    paths); the first stands beside all others and holds the program.
    """
    if account is None or closed_to(account, path / "itself") is None:
        return path
    sources = tuple(parts) or (path,)
    copy = shelter / "programs" / f"{sources[0].name}-{version}"
    if not copy.exists():
        _open_directory(copy.parent)
        fresh = copy.with_name(f".{copy.name}.{os.getpid()}")
        fresh.mkdir()
        for source in sources:
            target = fresh / source.name
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy2(source, target)
        for part in (fresh, *fresh.rglob("*")):
            if not part.is_symlink():
                part.chmod(0o755 if part.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            fresh.rename(copy)
        except OSError:  # another process of ours was faster
            shutil.rmtree(fresh, ignore_errors=True)
    return copy / path.relative_to(sources[0].parent)


def _open_directory(path: Path) -> None:
    """Make a directory that everybody may pass through, whatever our umask."""
    for directory in (*reversed(path.parents), path):
        if not directory.exists():
            directory.mkdir(exist_ok=True)
            directory.chmod(0o755)


def _may_pass(account: Account, found: os.stat_result) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
