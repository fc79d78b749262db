"""Opens an account of either product: its kind, its HTTP, its entry and its hook."""

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from fairlead.connectors._kit.factory import AccountConfig, http_of, instance_of
from fairlead.connectors.kore.account import Kind, addressed, entry_of, kind_of
from fairlead.connectors.kore.client import KoreClient
from fairlead.connectors.kore.hook import Hook
from fairlead.engine.ports.carrier import BucketStore, CarrierInstance, Credential, Manifest


def opened(
    manifest: Manifest,
    kinds: Mapping[str, Kind],
    config: AccountConfig,
    credential: Credential,
    *,
    http: httpx.AsyncClient,
    buckets: BucketStore,
    real: Callable[[], datetime],
) -> tuple[CarrierInstance, KoreClient, Hook]:
    """What a connector stands on. Raises `MissingCredential`, `UnknownKind` and `BadAddress`."""
    instance = instance_of(manifest, config, credential)
    kind = kind_of(kinds, config)
    sender = http_of(manifest, addressed(kind, config), credential, http=http, buckets=buckets, real=real)
    client = KoreClient(sender, entry_of(kind, sender, credential, real=real), hook_url=config.hook_url)
    secret = credential.fields.get("webhook_secret")
    return instance, client, Hook(signs=kind.signs, url=config.hook_url, secret=secret)
