from datetime import timedelta

from tests.contract.bench import MANY, USUAL_REASONS, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.hologram.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId, ReasonCode
from fairlead_sim.carriers.hologram import HologramFake
from fairlead_sim.world.sims import Sim

VERBS = {"activate": "live", "suspend": "pause", "read_sim": "get", "list_sims": "list"}


class HologramBench(Bench):
    def id_of(self, sim: Sim) -> ProviderId:
        return ProviderId(str(self.fake.number(sim.iccid)))

    def card(self, line: ProviderId) -> Sim:
        return self.fake.numbered(int(line))


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {"api_key": "api-key-0123456789abcdef"}
    world = new_world(clock)
    habits = world.carriers["tr"]
    habits.takes = {"active": timedelta(minutes=10), "suspended": timedelta(minutes=15)}
    habits.suspended_passes_traffic = True
    return HologramBench(
        factory=FACTORY,
        fake=HologramFake(world, "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic),
        secrets=secrets,
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words={"active": "LIVE", "suspended": "PAUSED-USER"},
        logs_in=False,
        refusal=(200, ""),  # a refusal is a success that says no
        reasons={**USUAL_REASONS, 200: ReasonCode.UNKNOWN},
        nobody="999999",
    )


HOLOGRAM = Maker(factory=FACTORY, make=bench)
