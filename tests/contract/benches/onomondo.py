from tests.contract.bench import MANY, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.onomondo.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId
from fairlead_sim.carriers.onomondo import OnomondoFake
from fairlead_sim.world.sims import Sim

VERBS = {
    "activate": "on",
    "suspend": "off",
    "set_imei_lock": "imei_lock",
    "set_limit": "data_limit",
    "set_network_policy": "network_whitelist",
    "send_sms": "sms",
    "read_sim": "get",
    "list_sims": "list",
}


class OnomondoBench(Bench):
    def id_of(self, sim: Sim) -> ProviderId:
        return ProviderId(self.fake.id_of(sim.iccid))

    def card(self, line: ProviderId) -> Sim:
        return self.fake.identified(line)


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {"api_key": "onok_0123456789abcdef.0123456789"}
    return OnomondoBench(
        factory=FACTORY,
        fake=OnomondoFake(new_world(clock), "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic),
        secrets=secrets,
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words={"suspended": "not activated"},
        logs_in=False,
        refusal=(400, ""),  # a refusal is a word under `error`, and has no code beside it
        sms_letters="plain",
        limit_step=100_000,
        limit_can_go=False,
        nobody="999999999",
    )


ONOMONDO = Maker(factory=FACTORY, make=bench)
