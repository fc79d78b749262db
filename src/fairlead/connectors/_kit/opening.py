"""The factory of a connector that is opened as most are: a manifest, and what makes the connector of an `Opening`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import httpx

from fairlead.connectors._kit.buckets import real_now
from fairlead.connectors._kit.factory import AccountConfig, http_of, instance_of
from fairlead.connectors._kit.http import Http
from fairlead.engine.ports.carrier import BucketStore, CarrierInstance, Connector, Credential, Manifest

C_co = TypeVar("C_co", bound=Connector, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an account stands on while it is opened."""

    manifest: Manifest
    instance: CarrierInstance
    config: AccountConfig
    credential: Credential
    shared: httpx.AsyncClient
    buckets: BucketStore
    now: Callable[[], datetime]
    real: Callable[[], datetime]

    def http(self, config: AccountConfig | None = None) -> Http:
        """The account's HTTP, by other settings where a carrier puts its own in. Raises `BadAddress`."""
        return http_of(
            self.manifest,
            config or self.config,
            self.credential,
            http=self.shared,
            buckets=self.buckets,
            real=self.real,
        )


@dataclass(frozen=True, slots=True)
class Factory(Generic[C_co]):
    """Opens accounts of one carrier."""

    manifest: Manifest
    make: Callable[[Opening], C_co]

    def open(
        self,
        config: AccountConfig,
        credential: Credential,
        http: httpx.AsyncClient,
        buckets: BucketStore,
        *,
        now: Callable[[], datetime],
        real: Callable[[], datetime] = real_now,
    ) -> C_co:
        """Open one account; no request is sent before the first call.

        Raises `MissingCredential` and `BadAddress`, and what a carrier has of its own: `BadSetting`, `UnknownKind`.
        """
        return self.make(
            Opening(
                manifest=self.manifest,
                instance=instance_of(self.manifest, config, credential),
                config=config,
                credential=credential,
                shared=http,
                buckets=buckets,
                now=now,
                real=real,
            )
        )
