"""What a hook believes: the signatures as their carriers publish them, and nothing else."""

import contextlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.kore.carrier import DE, HS

from fairlead.connectors.kore.hook import Hook
from fairlead.engine.ports.carrier import BadSignature, Secret

URL = "https://fairlead.example/hooks/1?account=tr"
FORM = {"content-type": "application/x-www-form-urlencoded"}
KORE = Hook(signs="kore", url=URL, secret=Secret("whsec"))
TWILIO = Hook(signs="twilio", url=URL, secret=Secret("token"))


def test_kores_own_example() -> None:
    hook = Hook(signs="kore", url="https://testendpoint.com#cbs=kore", secret=Secret("12345"))
    body = b"field1=value1&field2=value2"
    assert hook.kore(body) == "f562d3959f68b5a30fc7a63f8bbf40987f633575f4231ffceb4f76dd154ea3ce"
    assert hook.heard({**FORM, "kore-signature": hook.kore(body)}, body)[0].kind == "unknown"


def test_twilios_own_example() -> None:
    hook = Hook(signs="twilio", url="https://mycompany.com/myapp.php?foo=1&bar=2", secret=Secret("12345"))
    call = {"Digits": "1234", "To": "+18005551212", "From": "+12349013030", "Caller": "+12349013030"}
    assert hook.twilio(urlencode({**call, "CallSid": "CA1234567890ABCDE"}).encode()) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.mark.parametrize("sim", [HS, DE])
def test_a_callback_names_its_sim_its_word_and_its_event(sim: str) -> None:
    body = urlencode({"AccountSid": "AC1", "SimSid": sim, "SimStatus": "active"}).encode()
    headers = {**FORM, "kore-signature": KORE.kore(body), "kore-idempotency-token": "t-1"}
    (one,) = KORE.heard(headers, body)
    assert (one.kind, one.sim, one.word, one.event, one.outcome) == ("state", sim, "active", "t-1", None)
    headers = {**FORM, "x-twilio-signature": TWILIO.twilio(body), "i-twilio-idempotency-token": "t-2"}
    assert TWILIO.heard(headers, body)[0].event == "t-2"


def test_a_message_is_told_as_one() -> None:
    body = urlencode({"Sid": "HC" + "0" * 32, "SimSid": HS, "Status": "delivered"}).encode()
    (one,) = KORE.heard({**FORM, "kore-signature": KORE.kore(body)}, body)
    assert (one.kind, one.sim, one.word) == ("sms", HS, "delivered")


def test_an_event_stream_brings_several_however_its_json_is_spaced() -> None:
    events = b'[ {"id": "e-1", "type": "super-sim.connection", "data": {"sim": {"sid": "%s"}}},\n {"id": "e-2"}, 7 ]'
    body = events % HS.encode()
    compact = body.replace(b" ", b"").replace(b"\n", b"")
    headers = {"content-type": "application/json", "kore-signature": KORE.kore(compact)}
    first, second = KORE.heard(headers, body)
    assert (first.event, first.word, first.sim, first.kind) == ("e-1", "super-sim.connection", HS, "state")
    assert (second.event, second.kind) == ("e-2", "unknown")


@pytest.mark.parametrize("hook", [KORE, TWILIO])
def test_one_letter_more_one_address_off_or_no_secret_is_not_believed(hook: Hook) -> None:
    body = urlencode({"SimSid": HS}).encode()
    sign = {
        "kore": lambda one: {"kore-signature": one.kore(body)},
        "twilio": lambda one: {"x-twilio-signature": one.twilio(body)},
    }
    good = {**FORM, **sign[hook.signs](hook)}
    assert hook.heard(good, body)
    elsewhere = Hook(signs=hook.signs, url="https://fairlead.example/hooks/2", secret=hook.secret)
    for other, headers, given_body in (
        (hook, good, body + b"x"),
        (elsewhere, good, body),
        (hook, {**FORM, "kore-signature": "", "x-twilio-signature": ""}, body),
        (Hook(signs=hook.signs, url=hook.url, secret=None), good, body),
        (Hook(signs=hook.signs, url="", secret=hook.secret), {**FORM, **sign[hook.signs](hook)}, body),
    ):
        with pytest.raises(BadSignature):
            other.heard(headers, given_body)


def test_an_empty_secret_is_none() -> None:
    hook = Hook(signs="kore", url=URL, secret=Secret(""))
    with pytest.raises(BadSignature):
        hook.heard({**FORM, "kore-signature": hook.kore(b"a=1")}, b"a=1")


@given(st.binary(max_size=200), st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""]))
def test_any_signed_bytes_are_events_or_not_believed(body: bytes, kind: str) -> None:
    for hook in (KORE, TWILIO):
        with contextlib.suppress(BadSignature):
            proof = {"kore-signature": hook.kore(body), "x-twilio-signature": hook.twilio(body)}
            assert all(one.raw is not None for one in hook.heard({"content-type": kind, **proof}, body))
