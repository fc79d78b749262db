"""A connector in front of a carrier that a test answers for, and what was sent to it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from fairlead.connectors._kit.factory import AccountConfig, ConnectorFactory
from fairlead.engine.ports.carrier import BucketKey, BucketLevel, Credential, Limit, Secret
from fairlead.model.ids import AccountId, TenantId

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANY = Limit(per_second=1000, burst=1000)


class Levels:
    """Budgets that nothing keeps."""

    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


def opened(
    factory: ConnectorFactory,
    transport: httpx.AsyncBaseTransport,
    secrets: Mapping[str, str],
    settings: Mapping[str, Any] | None = None,
    real: Callable[[], datetime] = lambda: NOW,
) -> Any:
    config = AccountConfig(
        tenant=TenantId(UUID(int=1)),
        account=AccountId(UUID(int=2)),
        name="northwind/tr",
        limits={"auth": MANY, "read": MANY, "write": MANY},
        settings=settings or {},
    )
    credential = Credential(fields={name: Secret(value) for name, value in secrets.items()})
    http = httpx.AsyncClient(transport=transport)
    return factory.open(config, credential, http, Levels(), now=lambda: NOW, real=real)


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A transport that answers so, and everything it was asked."""
    asked: list[httpx.Request] = []

    def noted(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    return httpx.MockTransport(noted), asked
