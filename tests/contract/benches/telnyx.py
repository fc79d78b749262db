from tests.contract.bench import MANY, USUAL_REASONS, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.telnyx.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId, ReasonCode
from fairlead.model.subscription import Connectivity
from fairlead_sim.carriers.telnyx import TelnyxFake
from fairlead_sim.carriers.telnyx_words import sim_id
from fairlead_sim.world.sims import Sim

VERBS = {
    "activate": "enable",
    "suspend": "disable",
    "standby": "set_standby",
    "terminate": "delete",
    "set_group": "update",
    "set_limit": "update",
    "set_imei_lock": "update",
    "set_network_policy": "blocklist_of_group",
    "read_sim": "get",
    "list_sims": "list",
}


class TelnyxBench(Bench):
    def id_of(self, sim: Sim) -> ProviderId:
        return ProviderId(sim_id(sim.iccid))

    def card(self, line: ProviderId) -> Sim:
        return next(sim for sim in self.world.carriers["tr"].sims.values() if sim_id(sim.iccid) == line)


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {"api_key": "KEY0189f00dfeedbeef_0123456789abcdef"}
    world = new_world(clock)
    return TelnyxBench(
        factory=FACTORY,
        fake=TelnyxFake(world, "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic),
        secrets=secrets,
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words={"active": "enabled", "suspended": "disabled"},
        logs_in=False,
        reasons={**USUAL_REASONS, 422: ReasonCode.CONFLICT_STATE},
        refusal=(422, "10015"),
        forgets_the_ended=True,
        session_fields=frozenset({"plmn", "imei", "imsi", "ip"}),
        never_seen=Connectivity.UNKNOWN,  # `live_data_session` is unknown until there was one
        groups_there=1,  # every account has a default group
        events_a_line=2,
        granularity="month",
        nobody="0189f00d-0000-4000-8000-000000000000",
        no_group="0189f00d-0000-4000-8000-000000000001",
        limit_step=10_000_000,
        limit_can_go=False,
        leaves_groups=False,
        standby_by_plan=False,
        usage_history=False,
    )


TELNYX = Maker(factory=FACTORY, make=bench)
