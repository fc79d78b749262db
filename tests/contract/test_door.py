"""The credential: proved, renewed, not hammered, and never shown."""

import logging

import pytest
from tests.contract.bench import Bench

from fairlead.engine.ports.carrier import AuthFailed, OutcomeUnknown, Unavailable

needs = pytest.mark.needs


@needs("SwitchesState", logs_in=True, verbs=["suspend"])
async def test_one_login_serves_many_calls_and_a_token_that_ended_is_renewed(bench: Bench) -> None:
    line = bench.line()
    desk = bench.fake.desk
    connector = bench.open()
    for _ in range(5):
        await connector.read_sim(line)
    assert desk.logins == 1
    desk.tokens.expire()
    await connector.suspend(line)
    assert desk.logins == 2
    assert bench.executed("suspend", line) == 1
    bench.clock.tick(days=400)
    await connector.read_sim(line)
    assert desk.logins == 3


@needs("SwitchesState", has_key=True, verbs=["suspend"])
async def test_a_wrong_key_fails_and_is_not_hammered(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open(wrong=True)
    with pytest.raises(AuthFailed):
        await connector.check()
    with pytest.raises(AuthFailed):
        await connector.suspend(line)
    assert bench.reached() == 2
    assert bench.asked("suspend") == 0


@needs("SwitchesState", has_key=True, verbs=["activate", "suspend"])
async def test_no_secret_in_any_error_outcome_log_or_repr(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    line, other = bench.line(), bench.line("suspended")
    secrets = {*bench.secrets.values(), *bench.optional_secrets.values()}
    said: list[str] = []
    connector = bench.open()
    await connector.check()
    secrets |= bench.fake.desk.tokens.known()
    leaky = " ".join(sorted(secrets))
    bench.fault("refuse", "suspend", status=400, message=leaky, code=min(secrets, key=len))
    bench.fault("lose_reply", "activate")
    bench.fault("api_down", "read_sim", at_most=0)
    said.append(repr(await connector.suspend(line)))
    for call in (
        connector.activate(other),
        bench.open(wrong=True).check(),
        bench.open(url="http://127.0.0.1:9").check(),
    ):
        try:
            await call
        except (OutcomeUnknown, AuthFailed, Unavailable) as trouble:
            chain: BaseException | None = trouble
            while chain is not None:
                said += [str(chain), repr(chain), repr(vars(chain))]
                chain = chain.__cause__ or chain.__context__
        else:
            pytest.fail("expected trouble")
    said += [repr(connector.instance), repr(connector.instance.credential), caplog.text]
    assert said
    for secret in secrets:
        assert not [text for text in said if secret in text]
