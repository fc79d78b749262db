"""Opens Super SIM accounts: what wiring keeps in its table of carriers."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors.kore.account import kinds
from fairlead.connectors.kore.opening import opened
from fairlead.connectors.supersim.connector import MANIFEST, SuperSimConnector
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest

KINDS: Final = kinds(twilio="https://supersim.twilio.com")


class SuperSimFactory:
    """Opens Super SIM accounts."""

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
    ) -> SuperSimConnector:
        """Open one account; no request is sent before the first call. Raises `UnknownKind`."""
        instance, client, hook = opened(MANIFEST, KINDS, config, credential, http=http, buckets=buckets, real=real)
        return SuperSimConnector(instance, MANIFEST, client, hook, now)


FACTORY: Final = SuperSimFactory()
