from typing import Any

from tests.contract.bench import MANY, USUAL_REASONS, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.onence.factory import FACTORY, FACTORY_V2
from fairlead.engine.ports.carrier import ProviderId, ReasonCode
from fairlead.model.subscription import Connectivity
from fairlead_sim.carriers.onence import OnenceFake
from fairlead_sim.carriers.onence_words import key_of
from fairlead_sim.world.sims import Sim

VERBS = {
    "activate": "enable",
    "suspend": "disable",
    "set_imei_lock": "lock",
    "set_limit": "set_limits",
    "send_sms": "sms",
    "reset_connection": "reset",
    "change_many": "update_many",
    "read_sim": "get",
    "list_sims": "list",
}


class OnenceBench(Bench):
    def id_of(self, sim: Sim) -> ProviderId:
        return ProviderId(key_of(sim.iccid))

    def card(self, line: ProviderId) -> Sim:
        return next(sim for sim in self.world.carriers["tr"].sims.values() if key_of(sim.iccid) == line)

    def unchangeable(self) -> ProviderId:
        line = self.line()
        self.fake.expire(self.card(line).iccid)
        return line


def of(version: Any) -> Maker:
    factory = FACTORY if version == "v1" else FACTORY_V2

    def bench(clock: Clock, stage: Stage) -> Bench:
        secrets = {"username": "northwind-api", "password": "secret-0123456789abcdef"}
        world = new_world(clock, iccid_digits=20)
        return OnenceBench(
            factory=factory,
            fake=OnenceFake(
                world, "tr", **secrets, version=version, per_second=MANY, burst=MANY, monotonic=clock.monotonic
            ),
            secrets=secrets,
            clock=clock,
            stage=stage,
            verbs=VERBS,
            words={"active": "Enabled", "suspended": "Disabled"},
            reads_takes=2,
            reasons={**USUAL_REASONS, 422: ReasonCode.PRECONDITION},
            refusal=(400, "1000"),
            resets_only_sessions=False,
            session_fields=frozenset({"plmn", "imei", "imsi", "ip"}),
            gone=Connectivity.ATTACHED,  # a visited network tells of a loss after one to two days: until then it stays registered
            sms_letters="plain",
            one_spoils_all=True,
            limit_step=1024 * 1024,
            limit_can_go=False,
            nobody="8990010000000009999",
        )

    return Maker(factory=factory, make=bench)


ONENCE, ONENCE_V2 = of("v1"), of("v2")
