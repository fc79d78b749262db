"""Carriers that answer late and show old exports; and accounts that may only be read."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fairlead.connectors._kit.tiers import Tier
from fairlead.engine.changes import Changes
from fairlead.engine.plans import File, Planner
from fairlead.engine.ports.carrier import (
    Accepted,
    Done,
    Outcome,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    SimRecord,
)
from fairlead.engine.ports.planning import PlanRow
from fairlead.engine.situations import Able, Situations
from fairlead.model.subscription import Freshness, VerbCapability
from fairlead.wiring.house import ables

from .carrier_on_paper import STATES, Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .loop_on_paper import M, O, applied, clock
from .test_loop import PERSON, House, house, policy, states
from .test_loop_faults import drive, worker

__all__ = ["house"]  # the fixture
DAYS_S = 3 * 86_400


@dataclass
class Exporting(CarrierOnPaper):
    """Takes every wish as a ticket, and shows what stood in its last export."""

    exported_at: datetime | None = None
    refuses: bool = False

    async def _change(self, verb: str, sim: ProviderId) -> Outcome:
        self.called[verb, sim] += 1
        return Accepted(reference=f"ticket {verb} {sim}", check_after=timedelta(seconds=30))

    async def follow_up(self, reference: str) -> Outcome:
        _, verb, sim = reference.split(" ")
        if self.refuses:
            return Refused(
                reason=ReasonCode.CONFLICT_STATE, detail="line 2: REJECTED", raw=RawReply(status=0, code="W3")
            )
        record = self._record(ProviderId(sim))
        if record.subscription.state == STATES[verb]:
            return Done(observed=record)
        return Accepted(reference=reference, check_after=timedelta(seconds=30))

    def _record(self, sim: ProviderId) -> SimRecord:
        record = super()._record(sim)
        fresh = Freshness(observed_at=self.exported_at or self.now, staleness=timedelta(0), source="export")
        return replace(record, freshness=fresh)


def patient(house: House) -> House:
    """A house whose carrier takes three days for a ticket."""
    slow = VerbCapability(supported=True, longest=timedelta(seconds=DAYS_S))
    able = Able(meanings={"activate": slow, "suspend": slow})
    return planned(house, Situations(house.stores, lambda _connector, _config: able))


def planned(house: House, situations: Situations) -> House:
    house.planner = Planner(house.stores, situations)
    house.changes = Changes(house.stores, house.planner, house.stages)
    return house


async def operations(house: House) -> set[tuple[int, str | None]]:
    return set(await house.sql("select distinct state, reason from operation where driver = 'carrier'"))


async def test_an_export_from_before_proves_nothing_and_one_from_after_does(house: House) -> None:
    patient(house)
    devices = await settle_fleet(house.database, house.tenant, 4)
    assert devices
    carrier = Exporting(lambda verb, sim, n: Answer.DONE)
    carrier.exported_at = house.now - timedelta(hours=6)
    sims = [r[0] for r in await house.sql("select iccid from subscription")]
    carrier.states = dict.fromkeys(sims, "active")  # so said this morning's export, of another time
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier, rounds=12, step=timedelta(hours=1))  # far beyond a quarter of an hour
    assert await operations(house) == {(O.ACKNOWLEDGED, None)}
    assert set(carrier.called.values()) == {1}
    carrier.exported_at = None  # the next export: of now
    await drive(house, carrier, rounds=12, step=timedelta(minutes=5))
    assert await operations(house) == {(O.VERIFIED, None)}
    assert await states(house) == {"BR": {M.VERIFIED: 2}}


async def test_a_refusal_in_a_confirmation_ends_the_operation_with_their_words(house: House) -> None:
    patient(house)
    await settle_fleet(house.database, house.tenant, 4)
    carrier = Exporting(lambda verb, sim, n: Answer.DONE)
    await applied(house, policy("BR"), stages=[100])
    hand = worker(house, carrier)
    for _ in range(3):
        clock(house, timedelta(seconds=5))
        carrier.now = house.now
        await house.tick()
        await hand.dispatch(house.tenant)
    carrier.refuses = True
    clock(house, timedelta(seconds=30))  # it said: not before
    await hand.read_back(house.tenant)
    assert (O.REFUSED, "conflict_state") in await operations(house)
    ((said, code),) = await house.sql(
        "select distinct evidence -> -1 ->> 'said', evidence -> -1 ->> 'code' from operation where state = %s",
        O.REFUSED,
    )
    assert (said, code) == ("line 2: REJECTED", "W3")


async def test_nobody_knows_is_said_when_no_export_comes_in_time(house: House) -> None:
    patient(house)
    await settle_fleet(house.database, house.tenant, 4)
    carrier = Exporting(lambda verb, sim, n: Answer.DONE)
    carrier.exported_at = house.now - timedelta(hours=6)
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier, rounds=40, step=timedelta(hours=2))
    assert (O.EXPIRED, "no-proof") in await operations(house)


async def test_below_gold_a_plan_says_that_an_account_is_only_read_until_its_owner_allows_more(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    planned(house, Situations(house.stores, ables({"soracom": Tier.SILVER}, lab=True)))

    async def blocked() -> list[tuple[str, str]]:
        plan = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=policy("BR"))], now=house.now)
        assert isinstance(plan, PlanRow)
        return [(one["code"], one["why"]) for one in plan.summary["blocked"]]

    ((code, why),) = await blocked()
    assert code == "reads_only"
    assert why.startswith("not possible at local-br, because its connector is silver: reads only until")
    await house.sql("update account set config = config || '{\"writes\": \"allowed\"}' where name = 'local-tr'")
    assert len(await blocked()) == 1  # another account's permission is not this one's
    await house.sql("update account set config = config || '{\"writes\": \"allowed\"}' where name = 'local-br'")
    assert await blocked() == []
    await house.sql("update account set config = '{\"base_url\": \"http://127.0.0.1:1\"}' where name = 'local-br'")
    assert await blocked() == []
    planned(house, Situations(house.stores, ables({"soracom": Tier.SILVER}, lab=False)))
    assert len(await blocked()) == 1
    planned(house, Situations(house.stores, ables({"soracom": Tier.GOLD}, lab=False)))
    assert await blocked() == []
