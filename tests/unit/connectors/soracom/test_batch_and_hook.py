"""Batch jobs whose replies are not what was asked for, event handlers, and letters of a message."""

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.soracom.test_client import LINE, Carrier

from fairlead.connectors._kit.letters import encoding_of
from fairlead.connectors.soracom.hook import BODY, heard
from fairlead.engine.ports.carrier import (
    Accepted,
    BadSignature,
    Done,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
)
from fairlead.model.subscription import Verb

JOB = "batch suspend g j"


def jobs(status: str, tasks: list[object]) -> Carrier:
    def answer(request: httpx.Request) -> httpx.Response:
        value: object = {"jobId": "j", "status": status}
        if request.url.path.endswith("/tasks"):
            value = tasks
        elif request.url.path == "/batch_groups":
            value = [{"batchGroupName": "fairlead", "batchGroupId": "g"}]
        return httpx.Response(200, json=value)

    return Carrier(answer)


def task(status: str, code: int | None = None, body: object = None) -> dict[str, object]:
    response = {} if code is None else {"response": {"statusCode": code, "body": body}}
    return {"status": status, "request": {"path": f"/v1/sims/{LINE}/suspend", "method": "POST"}, **response}


@pytest.mark.parametrize(
    ("given", "kind", "reason"),
    [
        (task("success", 200, {"simId": LINE, "status": "suspended"}), Done, None),
        (task("success", 200, {"simId": LINE, "status": "active"}), Accepted, None),
        (task("success", 200, {"simId": "other", "status": "suspended"}), Accepted, None),
        (task("success", 200, None), Accepted, None),
        (task("error", 400, {"code": "X", "message": "no"}), Refused, ReasonCode.CONFLICT_STATE),
        (task("error", 404, {}), Refused, ReasonCode.NOT_FOUND),
        (task("error", 500, {}), Accepted, None),
        (task("error"), Accepted, None),
        (task("pending"), Refused, ReasonCode.PROVIDER_UNAVAILABLE),
    ],
)
async def test_a_task_is_believed_as_far_as_it_shows_something(
    given: dict[str, object], kind: type, reason: ReasonCode | None
) -> None:
    ends = await jobs("failed", [given, 7, None]).open().follow_many(JOB)
    assert not isinstance(ends, Accepted)
    (outcome,) = ends.values()
    assert list(ends) == [LINE]
    assert isinstance(outcome, kind)
    assert getattr(outcome, "reason", None) is reason


async def test_a_job_that_does_not_name_itself_settles_nothing() -> None:
    carrier = jobs("running", [])
    inner = carrier.answer
    carrier.answer = lambda request: httpx.Response(200, json={}) if request.method == "POST" else inner(request)
    with pytest.raises(OutcomeUnknown):
        await carrier.open().change_many(Verb.SUSPEND, [LINE])


async def test_a_batch_of_nothing_of_twins_or_of_another_verb_is_not_sent() -> None:
    carrier = jobs("running", [])
    connector = carrier.open()
    for verb, sims in ((Verb.SUSPEND, [LINE, LINE]), (Verb.TERMINATE, [ProviderId("1")]), (Verb.SUSPEND, [])):
        assert not isinstance(await connector.change_many(verb, sims), Accepted)
    assert not carrier.asked


def test_the_body_given_to_an_event_handler_is_the_one_that_is_read() -> None:
    body = BODY.replace("${simId}", LINE).replace("${oldStatus}", "active").replace("${newStatus}", "suspended")
    (one,) = heard(body.encode())
    assert (one.sim, one.kind, one.word, one.outcome) == (LINE, "state", "active → suspended", None)
    with pytest.raises(BadSignature):
        heard(BODY.encode())  # variables that nobody filled in


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_not_believed(body: bytes) -> None:
    with contextlib.suppress(BadSignature):
        assert heard(body)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", None),
        ("a" * 160, 1),
        ("a" * 161, None),
        ("ö" * 70, 2),
        ("ö" * 71, None),
        ("{}", 2),
        ("😀", None),
        ("@", 2),
    ],
)
def test_a_message_goes_whole_or_not_at_all(text: str, encoding: int | None) -> None:
    assert encoding_of(text) == encoding
