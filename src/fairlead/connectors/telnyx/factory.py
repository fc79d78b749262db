"""Opens Telnyx accounts: what wiring keeps in its table of carriers."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, http_of, instance_of
from fairlead.connectors.telnyx.client import TelnyxClient
from fairlead.connectors.telnyx.connector import MANIFEST, TelnyxConnector
from fairlead.connectors.telnyx.translate import Translator
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest


class TelnyxFactory:
    """Opens Telnyx accounts."""

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
    ) -> TelnyxConnector:
        """Open one account; no request is sent before the first call."""
        instance = instance_of(MANIFEST, config, credential)
        client = TelnyxClient(http_of(MANIFEST, config, credential, http=http, buckets=buckets, real=real), credential)
        translator = Translator(record=MANIFEST.capabilities, mnc_lengths=config.mnc_lengths)
        return TelnyxConnector(instance, client, translator, now)


FACTORY: Final = TelnyxFactory()
