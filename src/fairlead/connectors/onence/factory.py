"""Opens 1NCE accounts, by v1 or by v2: what wiring keeps in its table of carriers."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, http_of, instance_of
from fairlead.connectors.onence.client import OnenceClient, Version
from fairlead.connectors.onence.connector import MANIFEST_V1, MANIFEST_V2, OnenceConnector, OnenceV1Connector
from fairlead.connectors.onence.translate import Translator
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest


class OnenceFactory:
    """Opens accounts by one version of the interface; the account says which by the connector it names."""

    def __init__(self, version: Version, manifest: Manifest, kind: type[OnenceConnector]) -> None:
        self._version: Version = version
        self._manifest = manifest
        self._kind = kind

    @property
    def manifest(self) -> Manifest:
        """What the connector can do."""
        return self._manifest

    def open(
        self,
        config: AccountConfig,
        credential: Credential,
        http: httpx.AsyncClient,
        buckets: BucketStore,
        *,
        now: Callable[[], datetime],
        real: Callable[[], datetime] = real_now,
    ) -> OnenceConnector:
        """Open one account; no request is sent before the first call."""
        instance = instance_of(self._manifest, config, credential)
        over = http_of(self._manifest, config, credential, http=http, buckets=buckets, real=real)
        client = OnenceClient(over, credential, version=self._version, real=real)
        translator = Translator(record=self._manifest.capabilities, mnc_lengths=config.mnc_lengths)
        return self._kind(instance, client, translator, now, self._manifest)


FACTORY: Final = OnenceFactory("v1", MANIFEST_V1, OnenceV1Connector)
FACTORY_V2: Final = OnenceFactory("v2", MANIFEST_V2, OnenceConnector)
