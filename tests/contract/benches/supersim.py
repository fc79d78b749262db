from tests.contract.bench import MANY, Clock, Maker, Stage, new_world
from tests.contract.benches.kore import HOOK, MORE_SECRETS, SECRETS, SLOW, KoreBench

from fairlead.connectors.supersim.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId
from fairlead_sim.carriers.supersim import SuperSimFake
from fairlead_sim.world.sims import SimState

VERBS = {
    "activate": "activate",
    "suspend": "suspend",
    "set_group": "set_group",
    "set_limit": "set_limit",
    "set_network_policy": "set_networks",
    "send_sms": "send_sms",
    "read_sim": "get",
    "list_sims": "list",
}


class SuperSimBench(KoreBench):
    def line(self, state: SimState = "active", device: bool = False) -> ProviderId:
        """A SIM alone in a fleet of its own: only there may limit and networks be set."""
        line = super().line(state, device)
        self.fake.join(self.card(line), self.fake.add_fleet(f"fleet of {line}"))
        return line

    def add_group(self, name: str) -> str:
        return self.fake.add_fleet(name)


def bench(kind: str) -> Maker:
    def make(clock: Clock, stage: Stage) -> SuperSimBench:
        world = new_world(clock)
        world.carriers["tr"].takes = dict(SLOW) if kind == "twilio" else {}
        fake = SuperSimFake(
            world, "tr", **SECRETS, **MORE_SECRETS, kind=kind, per_second=MANY, burst=MANY, monotonic=clock.monotonic
        )
        return SuperSimBench(
            factory=FACTORY,
            fake=fake,
            secrets=dict(SECRETS),
            optional_secrets=dict(MORE_SECRETS),
            clock=clock,
            stage=stage,
            verbs=VERBS,
            words={"suspended": "inactive"},
            account_kind=kind,
            hook_url=HOOK,
            logs_in=kind == "kore",
            reads_takes=3,
            groups_there=1,  # the line's own fleet
            alone=True,
            leaves_groups=False,
            limit_can_go=False,
            nobody=f"HS{0:032x}",
        )

    return Maker(factory=FACTORY, make=make)


SUPERSIM = bench("kore")
SUPERSIM_AT_TWILIO = bench("twilio")
