"""Opens accounts of carriers by files: what wiring keeps in its table of carriers."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, instance_of
from fairlead.connectors.file.cabinet import MANIFEST
from fairlead.connectors.file.connector import FileConnector
from fairlead.connectors.file.mapping import Files, read_mapping, verbs_of
from fairlead.connectors.file.place import LocalPlace, Place
from fairlead.connectors.file.sftp import SftpPlace
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest


class FileFactory:
    """Opens accounts whose carrier has files and no interface."""

    def __init__(self, place: Callable[[AccountConfig, Files, Credential], Place] | None = None) -> None:
        """`place`: where the files are, if not where the settings say; for tests."""
        self._place = place or place_of

    @property
    def manifest(self) -> Manifest:
        """What the connector can do."""
        return MANIFEST

    def verbs(self, config: Mapping[str, Any]) -> frozenset[str]:
        """The verbs that an account's tickets have a word for. Raises `BadMapping`."""
        return verbs_of(config)

    def open(
        self,
        config: AccountConfig,
        credential: Credential,
        http: httpx.AsyncClient,  # noqa: ARG002 - the same signature for all connectors
        buckets: BucketStore,  # noqa: ARG002
        *,
        now: Callable[[], datetime],
        real: Callable[[], datetime] = real_now,
    ) -> FileConnector:
        """Open one account; no file is touched before the first call. Raises `BadMapping`."""
        instance = instance_of(MANIFEST, config, credential)
        files = read_mapping(config.settings)
        return FileConnector(instance, config, files, self._place(config, files, credential), now=now, real=real)


def place_of(config: AccountConfig, files: Files, credential: Credential) -> Place:
    """A folder of this machine, or SFTP."""
    if files.sftp is None:
        return LocalPlace(config.files_below, str(config.tenant), files.folder)
    return SftpPlace(
        files.sftp,
        files.folder,
        password=credential.fields.get("sftp_password"),
        key=credential.fields.get("sftp_key"),
        connect=config.bounds.total,
    )


FACTORY: Final = FileFactory()
