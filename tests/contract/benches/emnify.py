from tests.contract.bench import MANY, Bench, Clock, Maker, Stage, new_world

from fairlead.connectors.emnify.factory import FACTORY
from fairlead.engine.ports.carrier import ProviderId
from fairlead.model.subscription import Connectivity
from fairlead_sim.carriers.emnify import EmnifyFake
from fairlead_sim.world.sims import Sim, SimState

VERBS = {
    "activate": "activate",
    "suspend": "suspend",
    "terminate": "delete_sim",
    "set_limit": "set_quota",
    "set_imei_lock": "lock",
    "set_network_policy": "block",
    "send_sms": "sms",
    "reset_connection": "reset",
    "read_sim": "get",
    "list_sims": "list",
}
WORDS = {"active": "Activated", "suspended": "Suspended", "terminated": "Deleted"}


class EmnifyBench(Bench):
    def id_of(self, sim: Sim) -> ProviderId:
        return ProviderId(str(self.fake.number(sim.iccid)))

    def card(self, line: ProviderId) -> Sim:
        return self.fake.numbered(int(line))

    def line(self, state: SimState = "active", device: bool = False) -> ProviderId:
        """A line has an endpoint; one in a device was granted data."""
        line = super().line(state, device)
        if not device:
            self.fake.assign(self.card(line).iccid)
        return line

    async def endable(self, connector: object, line: ProviderId) -> None:
        self.fake.release(self.card(line).iccid)


def bench(clock: Clock, stage: Stage) -> Bench:
    secrets = {"application_token": "application-token-0123456789abcdef"}
    world = new_world(clock)
    fake = EmnifyFake(
        world, "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic, real=clock.monotonic
    )
    return EmnifyBench(
        factory=FACTORY,
        fake=fake,
        secrets=secrets,
        clock=clock,
        stage=stage,
        verbs=VERBS,
        words=WORDS,
        reads_takes=6,
        refusal=(400, "4007"),
        resets_only_sessions=False,
        session_fields=frozenset({"plmn", "imei", "imsi", "ip"}),
        gone=Connectivity.ATTACHED,  # a visited network tells of a loss after one to two days: until then it stays registered
        nobody="999999",
        limit_step=1_048_576,
        limit_can_go=False,
    )


EMNIFY = Maker(factory=FACTORY, make=bench)
