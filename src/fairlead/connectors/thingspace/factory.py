"""Opens ThingSpace accounts: what wiring keeps in its table of carriers."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, BadSetting, http_of, instance_of
from fairlead.connectors._kit.states import own_states, plain
from fairlead.connectors.thingspace.client import ThingSpaceClient
from fairlead.connectors.thingspace.connector import MANIFEST, Activation, ThingSpaceConnector
from fairlead.connectors.thingspace.translate import STATES, Translator
from fairlead.engine.ports.carrier import BucketStore, Credential, Manifest


class ThingSpaceFactory:
    """Opens ThingSpace accounts."""

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
    ) -> ThingSpaceConnector:
        """Open one account; no request is sent before the first call. Raises `BadSetting`."""
        instance = instance_of(MANIFEST, config, credential)
        account = _text(config.settings, "account_name")
        if not account:
            raise BadSetting("account_name", account, "the billing account, such as 0000123456-00001")
        waiver = config.settings.get("etf_waiver", False)
        if not isinstance(waiver, bool):
            raise BadSetting("etf_waiver", waiver, "true or false")
        activation = Activation(
            plan=_text(config.settings, "service_plan"), zip_code=_text(config.settings, "mdn_zip_code")
        )
        states = {**STATES, **{plain(word): state for word, state in own_states(config.settings).items()}}
        client = ThingSpaceClient(
            http_of(MANIFEST, config, credential, http=http, buckets=buckets, real=real),
            credential, account, real=real,
        )  # fmt: skip
        translator = Translator(record=MANIFEST.capabilities, states=states)
        return ThingSpaceConnector(instance, client, translator, now, activation=activation, etf_waiver=waiver)


def _text(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name, "")
    if not isinstance(value, str):
        raise BadSetting(name, value, "text, with its leading zeros")
    return value


FACTORY: Final = ThingSpaceFactory()
