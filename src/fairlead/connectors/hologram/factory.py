"""Opens Hologram organisations: what wiring keeps in its table of carriers."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, http_of, instance_of
from fairlead.connectors.hologram.client import HologramClient
from fairlead.connectors.hologram.connector import MANIFEST, HologramConnector
from fairlead.connectors.hologram.translate import Translator
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest


class HologramFactory:
    """Opens Hologram organisations."""

    @property
    def manifest(self) -> Manifest:
        """What the connector can do."""
        return MANIFEST

    def open(
        self,
        config: AccountConfig,
        credential: Credential,
        http: httpx.AsyncClient,
        buckets: BucketStore,
        *,
        now: Callable[[], datetime],
        real: Callable[[], datetime] = real_now,
    ) -> HologramConnector:
        """Open one account; no request is sent before the first call."""
        instance = instance_of(MANIFEST, config, credential)
        client = HologramClient(
            http_of(MANIFEST, config, credential, http=http, buckets=buckets, real=real), credential
        )
        translator = Translator(record=MANIFEST.capabilities)
        return HologramConnector(instance, client, translator, now)


FACTORY: Final = HologramFactory()
