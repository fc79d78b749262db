from datetime import timedelta

from tests.contract.bench import MANY, USUAL_REASONS, Clock, Maker, Stage, new_world
from tests.contract.benches.kore import HOOK, MORE_SECRETS, SECRETS, SLOW, KoreBench

from fairlead.connectors.programmable_wireless.factory import FACTORY
from fairlead.engine.ports.carrier import ReasonCode
from fairlead.model.subscription import Connectivity
from fairlead_sim.carriers.programmable_wireless import ProgrammableWirelessFake

VERBS = {
    "activate": "activate",
    "suspend": "suspend",
    "terminate": "deactivate",
    "set_plan": "set_plan",
    "send_sms": "send_sms",
    "reset_connection": "reset",
    "read_sim": "get",
    "list_sims": "list",
}


def bench(kind: str) -> Maker:
    def make(clock: Clock, stage: Stage) -> KoreBench:
        world = new_world(clock)
        world.carriers["tr"].takes = dict(SLOW) if kind == "twilio" else {}
        world.carriers["tr"].usage_lag = timedelta(hours=24)
        fake = ProgrammableWirelessFake(
            world, "tr", **SECRETS, **MORE_SECRETS, kind=kind, per_second=MANY, burst=MANY, monotonic=clock.monotonic
        )
        return KoreBench(
            factory=FACTORY,
            fake=fake,
            secrets=dict(SECRETS),
            optional_secrets=dict(MORE_SECRETS),
            clock=clock,
            stage=stage,
            verbs=VERBS,
            words={"terminated": "canceled"},
            account_kind=kind,
            hook_url=HOOK,
            logs_in=kind == "kore",
            reasons={**USUAL_REASONS, 400: ReasonCode.CONFLICT_STATE},
            refusal=(400, "33105"),
            resets_only_sessions=False,
            session_fields=frozenset({"plmn", "imei", "since"}),
            never_seen=Connectivity.UNKNOWN,  # sessions are a list of their own, and an empty one tells nothing
            plan=fake.add_plan("one megabyte"),
            nobody=f"DE{0:032x}",
        )

    return Maker(factory=FACTORY, make=make)


PROGRAMMABLE_WIRELESS = bench("kore")
PROGRAMMABLE_WIRELESS_AT_TWILIO = bench("twilio")
