"""Opens emnify workspaces: what wiring keeps in its table of carriers."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, http_of, instance_of
from fairlead.connectors.emnify.client import EmnifyClient
from fairlead.connectors.emnify.connector import MANIFEST, EmnifyConnector
from fairlead.connectors.emnify.translate import Translator
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest


class EmnifyFactory:
    """Opens emnify workspaces."""

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
    ) -> EmnifyConnector:
        """Open one account; no request is sent before the first call."""
        instance = instance_of(MANIFEST, config, credential)
        client = EmnifyClient(
            http_of(MANIFEST, config, credential, http=http, buckets=buckets, real=real), credential, real=real
        )
        translator = Translator(record=MANIFEST.capabilities, mnc_lengths=config.mnc_lengths)
        return EmnifyConnector(instance, client, translator, now)


FACTORY: Final = EmnifyFactory()
