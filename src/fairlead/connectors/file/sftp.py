"""The same folders over SFTP, through asyncssh (taken under EPL-2.0), which is an optional extra.

The server's host key is pinned in the account's settings: no other is accepted and nothing is looked
up in files of this machine; neither are its keys, agents or configuration used. One connection a visit.
"""

import asyncio
import importlib
import posixpath
import stat
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fairlead.connectors.file.mapping import BadMapping, Sftp
from fairlead.connectors.file.place import LARGEST, NotWritten, Seen, Shelf
from fairlead.engine.ports.carrier import AuthFailed, Secret

_FAREWELL_S: Final = 2.0


class SftpPlace:
    """A folder of an SFTP server."""

    def __init__(
        self, at: Sftp, folder: str, *, password: Secret | None, key: Secret | None, connect: timedelta
    ) -> None:
        """`key` is a private key in OpenSSH's or PEM form, without a passphrase. Raises `BadMapping` for neither."""
        if password is None and key is None:
            raise BadMapping("files.sftp: the credential has neither sftp_password nor sftp_key")
        self._at = at
        self._folder = folder
        self._password = password
        self._key = key
        self._connect = connect.total_seconds()

    @asynccontextmanager
    async def visit(self) -> AsyncGenerator[Shelf]:
        """Connect for as long as the block lasts. Raises `AuthFailed` where the server refuses the credential or is
        not the one whose key is pinned, `OSError` otherwise.
        """
        ssh = _asyncssh()
        try:
            connection = await self._connected(ssh)
        except ssh.PermissionDenied:
            raise AuthFailed(f"sftp {self._at.host}: the server refuses this credential") from None
        except ssh.HostKeyNotVerifiable:
            detail = f"sftp {self._at.host}: the server's key is not the one in files.sftp.host_key; nothing was sent"
            raise AuthFailed(detail) from None
        except (ssh.Error, TimeoutError) as error:
            raise OSError(f"sftp {self._at.host}: {type(error).__name__}") from None
        try:
            try:
                client: Any = await connection.start_sftp_client()
            except ssh.Error as error:
                raise OSError(f"sftp {self._at.host}: {type(error).__name__}") from None
            yield _SftpShelf(ssh, client, self._folder)
        finally:  # a farewell that fails says nothing about what was done before
            connection.close()
            with suppress(Exception):
                async with asyncio.timeout(_FAREWELL_S):
                    await connection.wait_closed()

    async def _connected(self, ssh: Any) -> Any:
        try:
            pinned = ssh.import_public_key(self._at.host_key)
            keys = [ssh.import_private_key(self._key.reveal())] if self._key is not None else []
        except ssh.KeyImportError:
            raise AuthFailed("sftp: expected a key as OpenSSH writes it in files.sftp.host_key and sftp_key") from None
        async with asyncio.timeout(self._connect):
            return await ssh.connect(
                self._at.host,
                self._at.port,
                username=self._at.user,
                password=self._password.reveal() if self._password else None,
                client_keys=keys or None,
                known_hosts=([pinned], [], []),
                server_host_key_algs=_algorithms(pinned),
                agent_path=None,
                config=None,
                keepalive_interval=0,
            )


def _algorithms(pinned: Any) -> list[str]:
    """Ask for the pinned kind of key: a server with several would else show another one."""
    name = str(pinned.get_algorithm())
    return ["rsa-sha2-512", "rsa-sha2-256"] if name == "ssh-rsa" else [name]


def _asyncssh() -> Any:
    try:
        return importlib.import_module("asyncssh")
    except ImportError:
        raise OSError("SFTP needs the extra: install fairlead[sftp]") from None


class _SftpShelf:
    def __init__(self, ssh: Any, client: Any, folder: str) -> None:
        self._ssh = ssh
        self._client = client
        self._top = folder

    def _path(self, *more: str) -> str:
        return posixpath.join(self._top, *filter(None, more))

    async def look(self, folder: str) -> Sequence[Seen]:
        try:
            names = await self._client.readdir(self._path(folder))
        except self._ssh.SFTPNoSuchFile:
            if folder:
                return []
            raise OSError(f"sftp: {self._top}: no such folder") from None
        except self._ssh.Error as error:
            raise OSError(f"sftp: {folder}: {error}") from None
        found: list[Seen] = []
        for one in names:
            attributes = one.attrs  # of the link itself, as `readdir` tells them: links are left out
            if stat.S_ISREG(attributes.permissions or 0):
                modified = datetime.fromtimestamp(attributes.mtime or 0, UTC)
                name = one.filename if isinstance(one.filename, str) else one.filename.decode("utf-8", "replace")
                found.append(Seen(folder=folder, name=name, size=attributes.size or 0, modified_at=modified))
        return sorted(found, key=lambda seen: seen.name)

    async def read(self, seen: Seen) -> bytes:
        try:
            async with self._client.open(self._path(seen.folder, seen.name), "rb") as file:
                content: bytes = await file.read(LARGEST + 1)
        except self._ssh.Error as error:
            raise OSError(f"sftp: {seen.name}: {error}") from None
        if len(content) > LARGEST:
            raise OSError(f"{seen.name} is larger than {LARGEST} bytes")
        return content

    async def put(self, folder: str, name: str, content: bytes) -> None:
        unfinished, whole = self._path(folder, f".{name}.tmp"), self._path(folder, name)
        try:
            if folder:
                await self._client.makedirs(self._path(folder), exist_ok=True)
            async with self._client.open(unfinished, "wb") as file:
                await file.write(content)
        except (self._ssh.Error, OSError) as error:
            raise NotWritten(f"sftp: {whole}: {error}") from None
        try:
            await self._client.posix_rename(unfinished, whole)
        except self._ssh.SFTPOpUnsupported:
            await self._plainly(unfinished, whole)
        except self._ssh.Error as error:
            raise OSError(f"sftp: {whole}: {error}") from None

    async def _plainly(self, unfinished: str, whole: str) -> None:
        """A server without the extension does not replace: a file of that name is the same ticket already."""
        try:
            await self._client.rename(unfinished, whole)
        except self._ssh.Error as error:
            if not await self._client.exists(whole):
                raise OSError(f"sftp: {whole}: {error}") from None
