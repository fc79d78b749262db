"""Opens Control Center accounts: what wiring keeps in its table of carriers."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, http_of, instance_of
from fairlead.connectors.control_center.client import ControlCenterClient
from fairlead.connectors.control_center.connector import MANIFEST, ControlCenterConnector
from fairlead.connectors.control_center.translate import Translator
from fairlead.connectors.control_center.words import read_words
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest


class ControlCenterFactory:
    """Opens Control Center accounts."""

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
    ) -> ControlCenterConnector:
        """Open one account; no request is sent before the first call. Raises `BadSetting`."""
        instance = instance_of(MANIFEST, config, credential)
        words = read_words(config.settings)
        client = ControlCenterClient(
            http_of(MANIFEST, config, credential, http=http, buckets=buckets, real=real), credential
        )
        translator = Translator(record=MANIFEST.capabilities, words=words)
        return ControlCenterConnector(instance, client, translator, now)


FACTORY: Final = ControlCenterFactory()
