from tests.contract.bench import MANY, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.monogoto.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId
from fairlead_sim.carriers.monogoto import MonogotoFake, thing_id
from fairlead_sim.world.sims import Sim

VERBS = {
    "activate": "ACTIVE",
    "suspend": "SUSPENDED",
    "send_sms": "sms",
    "reset_connection": "refresh",
    "read_sim": "get",
    "list_sims": "list",
}


class MonogotoBench(Bench):
    def id_of(self, sim: Sim) -> ProviderId:
        return ProviderId(thing_id(sim.iccid))

    def card(self, line: ProviderId) -> Sim:
        return self.world.sim(line.rpartition("_")[2])


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {"username": "ops@northwind.example", "password": "correct-horse-battery"}
    return MonogotoBench(
        factory=FACTORY,
        fake=MonogotoFake(new_world(clock), "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic),
        secrets=secrets,
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words={"suspended": "SUSPENDED"},
        resets_only_sessions=False,
        sms_letters="plain",
        nobody=thing_id("8990010000000009999"),
    )


MONOGOTO = Maker(factory=FACTORY, make=bench)
