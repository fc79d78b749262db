from tests.contract.bench import MANY, USUAL_REASONS, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.control_center.factory import FACTORY
from fairlead.engine.ports.carrier import ReasonCode
from fairlead_sim.carriers.control_center import ControlCenterFake

VERBS = {
    "activate": "activate",
    "suspend": "deactivate",
    "terminate": "retire",
    "set_plan": "set_plan",
    "send_sms": "send_sms",
    "read_sim": "get",
    "list_sims": "search",
}


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {"user": "northwindapi", "api_key": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}
    return Bench(
        factory=FACTORY,
        fake=ControlCenterFake(
            new_world(clock), "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic
        ),
        secrets=secrets,
        settings={"terminate_as": "RETIRED"},
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words={"suspended": "DEACTIVATED"},
        logs_in=False,
        reasons={**USUAL_REASONS, 400: ReasonCode.CONFLICT_STATE},
        session_fields=frozenset({"ip", "since"}),
        session_history=False,
        granularity="cycle",
        usage_history=False,
        plan="meters 1 MB",
    )


CONTROL_CENTER = Maker(factory=FACTORY, make=bench)
