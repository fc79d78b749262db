"""What the benches of Super SIM and Programmable Wireless share: their kinds of account, keys that are SIDs, callbacks."""

from datetime import timedelta
from typing import Any

from tests.contract.bench import Bench

from fairlead.engine.ports.carrier import ProviderId
from fairlead_sim.world.sims import Sim

HOOK = "https://fairlead.example/hooks/northwind?account=tr"
SECRETS = {"key_id": "AC0123456789abcdef", "key_secret": "f00dfeedbeef0123456789"}
MORE_SECRETS = {"webhook_secret": "whsec-9876543210fedcba"}
SLOW = {state: timedelta(seconds=40) for state in ("active", "suspended", "deactivated")}


class KoreBench(Bench):
    def id_of(self, sim: Sim) -> ProviderId:
        return ProviderId(self.fake.sid(sim))

    def card(self, line: ProviderId) -> Sim:
        return self.fake.by_sid(line)

    def callback(self, line: ProviderId, state: str) -> tuple[dict[str, str], bytes]:
        self.fake.tell_state(HOOK, self.card(line), "get")
        letter: Any = self.fake.callbacks._letters.pop()
        headers = {**self.fake.callbacks._sign(letter.address, letter.body), **letter.headers}
        return {name.lower(): value for name, value in headers.items()}, letter.body
