"""ThingSpace's callbacks over real HTTP: a carrier that proves itself inside the message, and tells there how it ended."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio
from tests.contract.bench import MANY
from tests.system.conftest import Api
from tests.system.hooked import CALLBACK, JSON, VERIZON_SECRETS, Stage, shut, staged

from fairlead.engine.ports.carrier import Accepted, Refused
from fairlead.model.reference import Reference
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.thingspace import ThingSpaceFake
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.sims import Sim


@pytest_asyncio.fixture(loop_scope="session")
async def stage(api: Api, reference: Reference) -> AsyncIterator[Stage]:
    async with staged(api, reference) as made:
        yield made


@dataclass
class Verizon:
    """An account at ThingSpace, with the address its callbacks were registered with."""

    stage: Stage
    fake: ThingSpaceFake
    connector: Any
    url: str
    sims: list[Sim]

    async def deliver(self, *, lost: bool = False) -> list[int]:
        """What the carrier has to tell, and what it was answered; a `lost` answer is one it never got."""
        answers: list[int] = []

        async def send(address: str, headers: Mapping[str, str], body: bytes) -> int:
            answers.append(await self.stage.post(address, headers, body))
            return 504 if lost else answers[-1]

        self.fake.world.tick()
        await self.fake.callbacks.deliver(send)
        return answers

    async def waiting(self, sim: Sim, outcome: Accepted) -> UUID:
        """An operation that waits for what becomes of it."""
        rows = await self.stage.sql(
            "insert into operation (tenant, id, subject, subject_kind, facet, generation, step, attempt, driver, verb,"
            " state, arguments, evidence, deadline, not_before) select s.tenant, gen_random_uuid(), s.id, 4, 7, 1, 1, 1,"
            " 'carrier', 'suspend', 4, '{\"account\": \"verizon\"}', jsonb_build_array(jsonb_build_object("
            "'reference', %s::text)), %s, %s from subscription s where s.iccid = %s returning id",
            outcome.reference, *[self.stage.clock() + timedelta(hours=1)] * 2, sim.iccid,
        )  # fmt: skip
        return rows[0][0]

    async def waits(self, operation: UUID) -> bool:
        found = await self.stage.sql("select not_before is not null from operation where id = %s", operation)
        return found[0][0]


@pytest_asyncio.fixture(loop_scope="session")
async def verizon(stage: Stage) -> AsyncIterator[Verizon]:
    carrier = stage.world.add_carrier("vz", name="Bay Wireless", home="311-480", apns=frozenset({"iot.vz"}))
    carrier.takes = {"suspended": timedelta(minutes=2), "active": timedelta(minutes=2)}
    who = (CALLBACK["callback_username"], CALLBACK["callback_password"])
    fake = ThingSpaceFake(
        stage.world, "vz", **VERIZON_SECRETS, callback=who, per_second=MANY, burst=MANY, monotonic=stage.clock.monotonic
    )
    async with serving(fake) as stage.carrier_urls["thingspace"]:
        await stage.add("verizon", "thingspace", account_name="0000123456-00001")
        sims = stage.world.issue("vz", 3, state="active")
        stage.clock.tick(minutes=1)
        await stage.observer.sweep_all(stage.api.tenant)
        fake.callback_url = await stage.hook("verizon")
        connector = await stage.table.connector(stage.api.tenant, "verizon")
        yield Verizon(stage, fake, connector, fake.callback_url, sims)


async def test_a_real_callback_has_its_line_read_and_its_operation_read_back(verizon: Verizon) -> None:
    stage, (sim, *_) = verizon.stage, verizon.sims
    outcome = await verizon.connector.suspend(sim.iccid)
    assert isinstance(outcome, Accepted)
    operation = await verizon.waiting(sim, outcome)
    assert await verizon.deliver() == []  # it has not ended yet
    stage.clock.tick(minutes=3)
    assert await verizon.deliver() == [204]
    assert not await verizon.waits(operation)
    assert await stage.look() == 1
    assert await stage.state(sim) == "suspend"


async def test_a_callback_whose_answer_was_lost_comes_again_with_its_count_and_is_told_once(verizon: Verizon) -> None:
    stage, (sim, *_) = verizon.stage, verizon.sims
    await verizon.connector.suspend(sim.iccid)
    stage.clock.tick(minutes=3)
    assert await verizon.deliver(lost=True) == [204]
    assert await stage.look() == 1
    for lost in (True, True, False):
        assert await verizon.deliver() == []  # not before its five minutes
        stage.clock.tick(minutes=5)
        assert await verizon.deliver(lost=lost) == [204]
        assert await stage.look() == 0
    shown = await stage.shown("verizon")
    assert (shown["heard"], shown["repeated"], shown["refused"]) == (4, 3, 0)


async def test_callbacks_of_many_requests_late_and_out_of_order_are_one_reading_a_line(verizon: Verizon) -> None:
    stage = verizon.stage
    for sim in verizon.sims:
        await verizon.connector.suspend(sim.iccid)
    for kind in ("late_callback", "duplicate_callback"):
        stage.world.inject(Fault(kind=kind, carrier="vz", at_most=2))
    stage.clock.tick(minutes=3)
    assert await verizon.deliver() == [204] * 5
    assert await stage.look() == 3
    assert [await stage.state(sim) for sim in verizon.sims] == ["suspend"] * 3
    shown = await stage.shown("verizon")
    assert (shown["heard"], shown["repeated"]) == (5, 2)


async def test_a_failed_request_is_told_and_read_back_and_changes_nothing_by_its_word(verizon: Verizon) -> None:
    stage, (sim, *_) = verizon.stage, verizon.sims
    verizon.fake.fails[sim.iccid] = "UnifiedWebService.REQUEST_FAILED.UnexpectedError"
    outcome = await verizon.connector.suspend(sim.iccid)
    assert isinstance(outcome, Accepted)
    operation = await verizon.waiting(sim, outcome)
    stage.clock.tick(minutes=3)
    assert await verizon.deliver() == [204]
    assert not await verizon.waits(operation)
    assert await stage.look() == 1
    assert await stage.state(sim) == "active"
    assert isinstance(await verizon.connector.follow_up(outcome.reference), Refused)


async def test_an_answer_that_names_its_request_alone_finds_the_operation(verizon: Verizon) -> None:
    stage, (sim, other, _) = verizon.stage, verizon.sims
    outcomes = [await verizon.connector.suspend(one.iccid) for one in (sim, other)]
    operations = [await verizon.waiting(one, outcome) for one, outcome in zip((sim, other), outcomes, strict=True)]
    request = next(iter(verizon.fake.requests))
    who = {"username": CALLBACK["callback_username"], "password": CALLBACK["callback_password"]}
    body = msgspec.json.encode({**who, "requestId": request, "deviceResponse": {"suspendResponse": {}}})
    assert await stage.post(verizon.url, JSON, body) == 204
    assert [await verizon.waits(one) for one in operations] == [False, True]


async def test_the_warning_before_a_suspension_ends_is_a_reason_to_read(verizon: Verizon) -> None:
    stage, (sim, *_) = verizon.stage, verizon.sims
    await verizon.connector.suspend(sim.iccid)
    stage.clock.tick(minutes=3)
    await verizon.deliver()
    await stage.look()
    stage.clock.tick(days=83)
    assert await verizon.deliver() == [204]
    assert await stage.look() == 1
    assert (await stage.shown("verizon"))["heard"] == 2


async def test_a_message_without_its_name_and_password_is_refused_and_told_to_nobody(verizon: Verizon) -> None:
    stage, (sim, *_) = verizon.stage, verizon.sims
    await verizon.connector.suspend(sim.iccid)
    stage.clock.tick(minutes=3)
    verizon.fake._who = (CALLBACK["callback_username"], "guess-0123456789abcdef")
    (letter,) = verizon.fake.callbacks._letters
    assert letter.counted is not None
    for body in (letter.counted(1), b"{}", b"[]", b"7"):
        answer = await stage.http.post(verizon.url, headers=JSON, content=body)
        assert shut(answer.status_code, answer.text), answer.text
        assert not [one for one in CALLBACK.values() if one in answer.text]
    assert await stage.look() == 0
    shown = await stage.shown("verizon")
    assert (shown["heard"], shown["refused"]) == (0, 4)
