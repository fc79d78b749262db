"""An account of the family in front of answers made by hand, without a socket."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from fairlead.connectors._kit.factory import AccountConfig, ConnectorFactory
from fairlead.engine.ports.carrier import BucketKey, BucketLevel, Credential, ProviderId, Secret
from fairlead.model.ids import AccountId, TenantId

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HS = ProviderId("HS" + "a1" * 16)
DE = ProviderId("DE" + "b2" * 16)
FLEET = "HF" + "c3" * 16
ICCID = "8990010000000000010"


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


class Carrier:
    """Answers each request; tokens are numbered."""

    def __init__(self, factory: ConnectorFactory, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.factory = factory
        self.answer = answer
        self.asked: Counter[str] = Counter()
        self.seen: list[httpx.Request] = []
        self.at = NOW

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked[f"{request.method} {request.url.path}"] += 1
        self.seen.append(request)
        if request.url.path.endswith("/auth/token"):
            return httpx.Response(200, json={"access_token": f"token-{len(self.seen)}", "expires_in": 3600})
        return self.answer(request)

    def open(self, *, secret: str = "whsec", **more: Any) -> Any:
        config = AccountConfig(tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x", **more)
        fields = {"key_id": Secret("the-id"), "key_secret": Secret("the-secret"), "webhook_secret": Secret(secret)}
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return self.factory.open(
            config, Credential(fields=fields), http, Levels(), now=lambda: self.at, real=lambda: self.at
        )


def saying(value: object, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json=value)
