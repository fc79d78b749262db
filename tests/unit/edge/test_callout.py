"""The MQTT door's questions and answers, without a broker."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest

from fairlead.edge.mqtt.callout import Callout, MalformedQuestion, Question, permissions, read_question
from fairlead.engine.ports.devicedoor import Admitted, Refusal, Refused
from fairlead.model.ids import DeviceId, TenantId
from fairlead.wire import nkey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVER = nkey.read_seed(nkey.write_seed(b"s" * 32, nkey.Role.SERVER))
OTHER = nkey.read_seed(nkey.write_seed(b"o" * 32, nkey.Role.SERVER))
ISSUER_SEED = nkey.write_seed(b"i" * 32, nkey.Role.ACCOUNT)
USER = nkey.read_seed(nkey.write_seed(b"u" * 32, nkey.Role.USER)).public
SECRET = "correct-horse-battery"


def asked(signer: nkey.Signer = SERVER, **changes: Any) -> bytes:
    claims: dict[str, Any] = {
        "aud": "nats-authorization-request",
        "nats": {
            "server_id": {"id": SERVER.public},
            "user_nkey": USER,
            "client_info": {"type": "mqtt", "mqtt_id": "acme/a"},
            "connect_opts": {"user": "acme/a", "pass": SECRET},
        },
    }
    return nkey.sign_token(claims | changes, signer, issued_at=0).encode()


def test_a_server_s_question_is_read() -> None:
    question = read_question(asked())
    assert question == Question(
        server=SERVER.public, user=USER, username="acme/a", client_id="acme/a", mqtt=True, secret=SECRET
    )
    assert SECRET not in repr(question)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a.b.c",
        asked(OTHER),  # signed by another server than it names
        asked(nkey.read_seed(ISSUER_SEED)),  # not a server's key at all
        asked(aud="something else"),
        asked(nats="text"),
        asked(nats={"server_id": {"id": SERVER.public}}),
        asked(nats={"server_id": {"id": SERVER.public}, "client_info": {}, "connect_opts": {"user": 5}}),
    ],
)
def test_what_is_no_server_s_question_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedQuestion) as refusal:
        read_question(data)
    assert SECRET not in str(refusal.value)


def answered(decision: Admitted | Refused, *, longest: timedelta = timedelta(hours=12)) -> dict[str, Any]:
    callout = Callout(Mock(), Mock(), issuer_seed=ISSUER_SEED, clock=lambda: NOW, longest=longest)
    claims = nkey.read_token(callout.answer(read_question(asked()), decision).encode(), nkey.Role.ACCOUNT)
    assert (claims["sub"], claims["aud"]) == (USER, SERVER.public)
    return claims["nats"]


def admitted(expires: datetime) -> Admitted:
    return Admitted(tenant=TenantId(UUID(int=1)), device=DeviceId(UUID(int=2)), expires=expires)


def test_a_device_gets_its_own_topics_and_nothing_else() -> None:
    body = answered(admitted(NOW + timedelta(hours=1)))
    assert "error" not in body
    user = nkey.read_token(body["jwt"].encode(), nkey.Role.ACCOUNT)
    own = ["fairlead.v1.acme.a.shadow", "fairlead.v1.acme.a.shadow.>"]
    assert (user["sub"], user["name"], user["aud"]) == (USER, "acme/a", "DEV")
    assert user["exp"] == int((NOW + timedelta(hours=1)).timestamp())
    assert user["nats"]["pub"] == {"allow": own}
    assert user["nats"]["sub"] == {"allow": own}
    assert user["nats"]["allowed_connection_types"] == ["MQTT"]
    assert (user["nats"]["payload"], user["nats"]["subs"]) == (65_536, 20)
    assert user["nats"] == permissions("acme", "a", expires=NOW)["nats"]


def test_no_connection_is_admitted_for_longer_than_the_limit() -> None:
    body = answered(admitted(NOW + timedelta(days=900)), longest=timedelta(hours=6))
    user = nkey.read_token(body["jwt"].encode(), nkey.Role.ACCOUNT)
    assert user["exp"] == int((NOW + timedelta(hours=6)).timestamp())


def test_a_credential_that_has_just_expired_opens_nothing() -> None:
    assert answered(admitted(NOW)) == {"type": "authorization_response", "version": 2, "error": "expired"}


@pytest.mark.parametrize("reason", list(Refusal))
def test_a_refusal_is_an_answer_without_a_user(reason: Refusal) -> None:
    body = answered(Refused(reason=reason))
    assert body["error"] == reason.value
    assert "jwt" not in body
    assert SECRET not in json.dumps(body)
