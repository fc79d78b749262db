"""What is done to a device: messages and resets, which nothing makes idempotent."""

import pytest
from tests.contract.bench import Bench, done

from fairlead.engine.ports.carrier import OutcomeUnknown, ReasonCode, Refused

needs = pytest.mark.needs


@needs("SendsSms")
async def test_two_messages_are_two(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    connector = bench.open()
    for _ in range(2):
        assert (await done(bench, connector, await connector.send_sms(line, "wake up"))).changed is True
    assert [text for _, text in bench.card(line).messages] == ["wake up", "wake up"]
    assert bench.executed("send_sms", line) == 2


@needs("SendsSms", sms_letters="plain")
async def test_letters_that_may_be_lost_are_not_sent(bench: Bench) -> None:
    line = bench.line(device=True)
    outcome = await bench.open().send_sms(line, "Ölçüm: {çalış}")
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.INVALID_REQUEST
    assert (bench.asked("send_sms"), bench.card(line).messages) == (0, [])


@needs("SendsSms", sms_letters="any")
async def test_a_message_keeps_its_letters(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    connector = bench.open()
    await done(bench, connector, await connector.send_sms(line, "Ölçüm: {çalış}"))
    assert [text for _, text in bench.card(line).messages] == ["Ölçüm: {çalış}"]


@needs("SendsSms")
async def test_a_lost_reply_to_a_message_is_unknown_and_not_sent_again(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    bench.fault("lose_reply", "send_sms", at_most=1)
    with pytest.raises(OutcomeUnknown):
        await bench.open().send_sms(line, "wake up")
    assert bench.executed("send_sms", line) == 1


@needs("SendsSms")
async def test_a_text_that_cannot_be_carried_is_refused_and_not_cut(bench: Bench) -> None:
    line = bench.line(device=True)
    for text in ("", bench.long_text):
        assert isinstance(await bench.open().send_sms(line, text), Refused)
    assert bench.card(line).messages == []


@needs("ResetsConnection")
async def test_a_reset_ends_the_session_and_the_device_may_come_back(bench: Bench) -> None:
    line = bench.line(device=True)
    session = bench.online(line)
    connector = bench.open()
    await done(bench, connector, await connector.reset_connection(line))
    assert (session.open, bench.executed("reset_connection", line)) == (False, 1)
    assert bench.online(line).id != session.id


@needs("ResetsConnection", resets_only_sessions=True)
async def test_without_a_session_there_is_nothing_to_reset(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    assert (await done(bench, connector, await connector.reset_connection(line))).changed is False
    assert bench.asked("reset_connection") == 0


@needs("ResetsConnection")
async def test_a_lost_reply_to_a_reset_is_unknown(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    bench.fault("lose_reply", "reset_connection", at_most=1)
    with pytest.raises(OutcomeUnknown):
        await bench.open().reset_connection(line)
    assert bench.executed("reset_connection", line) == 1
