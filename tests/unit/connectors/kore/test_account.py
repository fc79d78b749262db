"""Two carriers, one contract: where an account of each kind is called, and with what."""

from base64 import b64decode
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from tests.unit.connectors.kore.carrier import DE, HS, NOW, Carrier, Levels, saying

from fairlead.connectors._kit.factory import BadAddress, UnknownKind
from fairlead.connectors._kit.tiers import Tier
from fairlead.connectors.programmable_wireless.factory import FACTORY as PROGRAMMABLE_WIRELESS
from fairlead.connectors.supersim.factory import FACTORY as SUPERSIM
from fairlead.engine.ports.carrier import Credential, Secret, Unavailable
from fairlead.model.ids import AccountId, TenantId
from fairlead.wiring.house import ConnectorTable, fence


@pytest.mark.parametrize(
    ("factory", "kind", "host"),
    [
        (SUPERSIM, "", "supersim.api.korewireless.com"),
        (SUPERSIM, "kore-basic", "supersim.api.korewireless.com"),
        (SUPERSIM, "twilio", "supersim.twilio.com"),
        (PROGRAMMABLE_WIRELESS, "kore", "programmable-wireless.api.korewireless.com"),
        (PROGRAMMABLE_WIRELESS, "twilio", "wireless.twilio.com"),
    ],
)
async def test_each_kind_has_its_address_and_its_proof(factory: Any, kind: str, host: str) -> None:
    carrier = Carrier(factory, saying({"sid": HS if factory is SUPERSIM else DE, "status": "active"}))
    await carrier.open(kind=kind).read_sim(HS if factory is SUPERSIM else DE)
    *before, read = carrier.seen
    assert read.url.host == host
    if kind in {"", "kore"}:
        (login,) = before
        assert str(login.url) == "https://api.korewireless.com/api-services/v1/auth/token"
        assert login.content == b"grant_type=client_credentials&client_id=the-id&client_secret=the-secret"
        assert read.headers["authorization"] == "Bearer token-1"
    else:
        assert before == []
        assert b64decode(read.headers["authorization"].removeprefix("Basic ")) == b"the-id:the-secret"


async def test_an_account_may_name_another_address() -> None:
    carrier = Carrier(SUPERSIM, saying({"sid": HS, "status": "active"}))
    await carrier.open(kind="twilio", base_url="https://carrier.example").read_sim(HS)
    assert carrier.seen[0].url.host == "carrier.example"


async def test_a_token_is_renewed_before_it_ends() -> None:
    carrier = Carrier(SUPERSIM, saying({"sid": HS, "status": "active"}))
    connector = carrier.open()
    await connector.read_sim(HS)
    carrier.at += timedelta(minutes=56)
    await connector.read_sim(HS)
    assert carrier.asked["POST /api-services/v1/auth/token"] == 2


def test_an_unknown_kind_and_a_hook_that_is_no_address_are_refused() -> None:
    with pytest.raises(UnknownKind, match="kore, kore-basic, twilio"):
        Carrier(SUPERSIM, saying({})).open(kind="vodafone")
    with pytest.raises(BadAddress):
        Carrier(SUPERSIM, saying({})).open(hook_url="http://fairlead.example/hook")


@dataclass
class Accounts:
    """One account as the store keeps it."""

    config: dict[str, object] = field(default_factory=dict)

    async def account(self, tenant: TenantId, name: str) -> object:
        return SimpleNamespace(
            id=AccountId(UUID(int=2)), name=name, connector="supersim", version=1, config=self.config
        )

    async def credential(self, tenant: TenantId, account: AccountId) -> Credential:
        return Credential(fields={"key_id": Secret("the-id"), "key_secret": Secret("the-secret")})


def table(carrier: Carrier, **config: object) -> ConnectorTable:
    http = httpx.AsyncClient(transport=httpx.MockTransport(carrier))
    reference = SimpleNamespace(mnc_lengths={})
    return ConnectorTable(
        cast("Any", Accounts(config)), cast("Any", Levels()), http, cast("Any", reference), lambda: NOW,
        fence=fence({"supersim": Tier.SILVER}, lab=False),
    )  # fmt: skip


@pytest.mark.parametrize(("config", "may"), [({}, False), ({"writes": "allowed"}, True), ({"writes": ""}, False)])
async def test_the_table_says_whether_an_account_may_be_written_to(config: dict[str, object], may: bool) -> None:
    why = await table(Carrier(SUPERSIM, saying({})), **config).withheld(TenantId(UUID(int=1)), "northwind")
    assert why == "" if may else why.startswith("because its connector is silver: reads only")


async def test_the_settings_of_an_account_reach_its_connector() -> None:
    carrier = Carrier(SUPERSIM, saying({"sid": HS, "status": "inactive"}))
    opener = table(carrier, kind="twilio", hook_url="https://fairlead.example/hooks/1")
    connector = cast("Any", await opener.connector(TenantId(UUID(int=1)), "northwind"))
    await connector.activate(HS)
    assert carrier.seen[0].url.host == "supersim.twilio.com"
    assert b"CallbackUrl=https%3A%2F%2Ffairlead.example%2Fhooks%2F1&CallbackMethod=POST" in carrier.seen[-1].content


@pytest.mark.parametrize(
    "config", [{"kind": "vodafone"}, {"base_url": "http://carrier.example"}, {"limits": 7}, {"hook_url": "ftp://x"}]
)
async def test_settings_that_open_nothing_stop_their_account_and_no_other(config: dict[str, object]) -> None:
    with pytest.raises(Unavailable, match="northwind"):
        await table(Carrier(SUPERSIM, saying({})), **config).connector(TenantId(UUID(int=1)), "northwind")
