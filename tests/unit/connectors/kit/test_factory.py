from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from fairlead.connectors._kit.factory import AccountConfig, MissingCredential
from fairlead.connectors.soracom.factory import FACTORY
from fairlead.engine.ports.carrier import BucketKey, BucketLevel, Credential, Secret
from fairlead.model.ids import AccountId, TenantId


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


@pytest.mark.parametrize("names", [[], ["auth_key_id"], ["auth_key_id", "auth_key", "pin"]])
def test_a_credential_must_have_the_manifests_fields(names: list[str]) -> None:
    config = AccountConfig(tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x")
    credential = Credential(fields={name: Secret("swordfish") for name in names})
    with pytest.raises(MissingCredential, match="auth_key") as refusal:
        FACTORY.open(config, credential, httpx.AsyncClient(), Levels(), now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert "swordfish" not in str(refusal.value)
