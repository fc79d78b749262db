import msgspec
from tests.contract.bench import MANY, USUAL_REASONS, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.soracom.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId, ReasonCode
from fairlead_sim.carriers.soracom import SoracomFake

VERBS = {
    "activate": "activate",
    "suspend": "suspend",
    "deactivate": "deactivate",
    "standby": "set_to_standby",
    "allow_termination": "enable_termination",
    "forbid_termination": "disable_termination",
    "terminate": "terminate",
    "set_group": "set_group",
    "unset_group": "unset_group",
    "add_subscription": "add_subscription",
    "cancel_download": "cancel_download",
    "set_imei_lock": "set_imei_lock",
    "set_speed": "update_speed_class",
    "send_sms": "send_sms",
    "reset_connection": "delete_session",
    "change_many": "batch_job",
    "read_sim": "get",
    "list_sims": "list",
}


class SoracomBench(Bench):
    def callback(self, line: ProviderId, state: str) -> tuple[dict[str, str], bytes]:
        event = {"fairlead": 1, "sim": line, "old": "active", "new": state}
        return {"content-type": "application/json"}, msgspec.json.encode(event)


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {"auth_key_id": "keyId-f00dfeedbeef", "auth_key": "secret-0123456789abcdef"}
    world = new_world(clock, standby_plans=frozenset({"plan01s"}))
    return SoracomBench(
        factory=FACTORY,
        fake=SoracomFake(world, "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic),
        secrets=secrets,
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words={"deactivated": "inactive"},
        reasons={**USUAL_REASONS, 400: ReasonCode.CONFLICT_STATE},
        further_plan="planX1",
    )


SORACOM = Maker(factory=FACTORY, make=bench)
