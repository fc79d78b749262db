"""What tests of the loop ask of it, and the policies they use."""

from datetime import timedelta
from uuid import UUID

from fairlead.engine.plans import Hand
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.facet import Facet
from fairlead.model.ids import PrincipalId
from fairlead.model.lifecycle import BatchState, ChangeState, MoveState, OperationState

from .test_loop import House

OTHER = Hand(person=PrincipalId(UUID(int=8)), actor="usr_other")
C, M, O, B = ChangeState, MoveState, OperationState, BatchState  # noqa: E741 - initials of the nouns
BARRED, HELD_OUT = 3, 4
FLAGS = Facet.FLAGS.number
CONFIG = """
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: {name}}}
spec:
  priority: {priority}
  match: {match}
  set:
    {facet}: {{merge: {{{key}: {value}}}}}
  reason: "a test"
"""


def config(
    name: str = "often",
    *,
    match: str = 'country == "BR"',
    facet: str = "config",
    key: str = "report_interval_s",
    value: int = 60,
    priority: int = 100,
) -> str:
    return CONFIG.format(name=name, priority=priority, match=match, facet=facet, key=key, value=value)


# --- what tests ask -------------------------------------------------------------------------------


async def applied(house: House, *texts: str, **gate: object) -> ChangeRow:
    _, change = await house.plan_and_apply(*texts, **gate)
    assert isinstance(change, ChangeRow), change
    return change


async def state_of(house: House, change: ChangeRow) -> ChangeState:
    return C((await house.sql("select state from change where id = %s", change.id))[0][0])


async def rows(house: House, query: str, *values: object) -> dict:
    return dict(await house.sql(query, *values))


async def exceptions(house: House, kind: int) -> int:
    return (await house.sql("select count(*) from exception where kind = %s", kind))[0][0]


async def documents(house: House, facet: int) -> dict[str, object]:
    """What each device's shadow offers of a facet, by name."""
    return await rows(
        house,
        "select d.name, c.content from device d left join facet f on f.device = d.id and f.facet = %s"
        " left join document c on c.id = f.offered",
        facet,
    )


async def cross(house: House, device: UUID, country: str) -> None:
    await house.sql("update fact set country = %s where device = %s returning device", country, device)
    await house.sql(
        "insert into dirty (tenant, device) values (%s, %s) on conflict do nothing returning device",
        house.tenant,
        device,
    )


async def settle_facts(house: House, rounds: int = 8) -> None:
    """Resolution and waves look at what moved, then the moves run."""
    for _ in range(3):
        while await house.resolver.dirty(house.tenant, house.now) is not None:
            pass
        await house.waves.tick(house.tenant, house.now)
        await house.run(rounds=rounds)


async def ten_resolves(house: House) -> None:
    for _ in range(10):
        await house.resolver.whole(house.tenant, house.now, cause="test")
        await house.waves.tick(house.tenant, house.now)
        await house.run(rounds=1)


def clock(house: House, forward: timedelta = timedelta(0)) -> None:
    """Set the clock of the house forward; it stands still until it is set again, however slow the machine."""
    house.now += forward
    keeper, lab = house.moving._time, Timekeeper.lab(1.0, house.now)
    keeper._pace, keeper._real = lab._pace, lambda: lab._pace.anchor_real
