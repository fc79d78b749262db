"""Four carriers in a process of their own, which outlives the servers that are killed beside it.

A line of JSON in is a command, a line out its answer: `begin` (the world, its SIMs, its doors),
`break` (faults from now on), `mend`, `storm`, `report`. Callbacks leave by themselves.
"""

import asyncio
import json
import sys
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from fairlead_sim.carriers.onence import OnenceFake
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.carriers.supersim import SuperSimFake
from fairlead_sim.carriers.telnyx import TelnyxFake
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import SimState

# The budget of each account, as its settings say it; the fake allows what the kit promises to stay within: bursts,
# and one second's worth more than the rate (_kit/buckets.py).
LIMITS = {
    "read": {"per_second": 40, "burst": 20},
    "write": {"per_second": 40, "burst": 20},
    "auth": {"per_second": 1, "burst": 3},
    "bulk": {"per_second": 1, "burst": 1},
}
PER_SECOND = sum(one["per_second"] for one in LIMITS.values())
BURST = PER_SECOND + sum(one["burst"] for one in LIMITS.values())
TAKES_S = 3.0  # a change of state where it is a job, and a list or a batch of the carrier's own
LAG_S = 0.5  # what was set shows this late
CHANGES = {  # account: its words for a change of one SIM, and the call for many
    "soracom": ({"suspend", "activate"}, "batch_job"),
    "telnyx": ({"disable", "enable"}, ""),
    "onence": ({"disable", "enable"}, "update_many"),
    "supersim": ({"suspend", "activate"}, ""),
}
SHARE = 0.05
Body = dict[str, Any]


class Counting(World):
    """Counts what reached a subscription, whoever's words it came in."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.set: Counter[tuple[str, str]] = Counter()

    def set_state(self, iccid: str, state: SimState) -> None:
        self.set[iccid, state] += 1
        super().set_state(iccid, state)


class Carriers:
    """All four."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.fakes: dict[str, Any] = {}
        self.sent: Counter[int] = Counter()  # callbacks by the status they met

    async def begin(self, sims: int, seed: int, offset_s: float, hook: str) -> Body:
        offset = timedelta(seconds=offset_s)
        self.world = Counting(clock=lambda: datetime.now(UTC) + offset, seed=seed)
        secrets: dict[str, dict[str, str]] = {
            "soracom": {"auth_key_id": "keyId-f00dfeedbeef", "auth_key": "secret-0123456789abcdef"},
            "telnyx": {"api_key": "KEY0189f00dfeedbeef_0123456789abcdef"},
            "onence": {"username": "northwind-api", "password": "secret-0123456789abcdef"},
            "supersim": {"key_id": "key-f00dfeed", "key_secret": "secret-0123456789abcdef"},
        }
        kinds: dict[str, Any] = {
            "soracom": SoracomFake, "telnyx": TelnyxFake, "onence": OnenceFake, "supersim": SuperSimFake,
        }  # fmt: skip
        doors: dict[str, Body] = {}
        for number, (name, kind) in enumerate(kinds.items()):
            digits = 20 if name == "onence" else 19
            carrier = self.world.add_carrier(
                name, name=name, home="286-01", apns=frozenset({"apn"}), iccid_digits=digits
            )
            carrier.state_lag = timedelta(seconds=LAG_S)
            self.world.issue(name, sims // 4 + (number < sims % 4), state="active")
            fake = kind(self.world, name, **secrets[name], per_second=PER_SECOND, burst=BURST)
            self.fakes[name] = fake
            url = await self._stack.enter_async_context(serving(fake))
            config: Body = {"base_url": url, "limits": LIMITS, "writes": "allowed"}
            if name == "supersim":
                config |= {"auth_url": url, "kind": "kore", "hook_url": hook}
            doors[name] = {"config": config, "credential": secrets[name], "iccid_digits": digits}
        self._peculiar()
        rows = [(sim.iccid, sim.imsi, sim.carrier) for one in self.world.carriers.values() for sim in one.sims.values()]
        return {"accounts": doors, "sims": rows}

    def _peculiar(self) -> None:
        """What each takes its time for."""
        takes = timedelta(seconds=TAKES_S)
        self.fakes["soracom"].batch_takes = self.fakes["onence"].queue_takes = takes
        for name in ("telnyx", "supersim"):
            self.world.carriers[name].takes = {"suspended": takes, "active": takes}
        fleet = self.fakes["supersim"].add_fleet("all")
        for sim in self.world.carriers["supersim"].sims.values():
            sim.group = fleet
        for sim in self.world.carriers["telnyx"].sims.values():
            sim.group = self.fakes["telnyx"].default_group

    def trouble(self) -> Body:
        """Faults in force from now on."""
        for name, (verbs, many) in CHANGES.items():
            for verb in sorted(verbs):
                self._inject("lose_reply", name, verb, share=SHARE)
                self._inject("server_error", name, verb, share=SHARE / 2, applied=True)
                self._inject("server_error", name, verb, share=SHARE / 2)
            if many:  # a call for many is rare: one of each, in turn
                self._inject("lose_reply", name, many, at_most=1)
                self._inject("server_error", name, many, at_most=1)
                self._inject("server_error", name, many, at_most=1, applied=True)
        self._inject("duplicate_callback", "supersim", None, share=0.3)
        self._inject("late_callback", "supersim", None, share=0.3)
        return {}

    def _inject(self, kind: Any, carrier: str, verb: str | None, **more: Any) -> None:
        self.world.inject(Fault(kind=kind, carrier=carrier, verb=verb, **more))

    def storm(self, at_most: int) -> Body:
        """Everybody answers 429 for a while."""
        for name in self.fakes:
            self._inject("storm", name, None, at_most=at_most)
        return {}

    def report(self) -> Body:
        """What the carriers know."""
        hits: Counter[str] = Counter()
        for handle, number in self.world.faults.hits.items():
            fault = self.world.faults._numbered.get(handle)
            hits[fault.kind if fault is not None else "gone"] += number
        self.world.tick()
        return {
            "states": {i: s.state for one in self.world.carriers.values() for i, s in one.sims.items()},
            "pending": [i for one in self.world.carriers.values() for i, s in one.sims.items() if s.pending],
            "set": [(iccid, state, number) for (iccid, state), number in self.world.set.items()],
            "executed": [
                (name, verb, iccid, number)
                for name, fake in self.fakes.items() for (verb, iccid), number in fake.desk.executed.items()
            ],
            "turned_away": {name: fake.desk.throttle.turned_away for name, fake in self.fakes.items()},
            "requests": {name: dict(fake.desk.requests) for name, fake in self.fakes.items()},
            "hits": dict(hits),
            "callbacks": {str(status): number for status, number in self.sent.items()},
        }  # fmt: skip

    async def call_back(self) -> None:
        """Deliver what is due, again and again."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:

            async def post(address: str, headers: Any, body: bytes) -> int:
                try:
                    status = (await http.post(address, headers=headers, content=body)).status_code
                except httpx.HTTPError:
                    status = 0  # the server was being killed
                self.sent[status] += 1
                return status

            while True:
                self.world.tick()
                await self.fakes["supersim"].callbacks.deliver(post)
                await asyncio.sleep(0.5)


async def main() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with AsyncExitStack() as stack:
        carriers = Carriers(stack)
        running: asyncio.Task[None] | None = None
        while line := await reader.readline():
            asked: Body = json.loads(line)
            match asked.pop("do"):
                case "begin":
                    said = await carriers.begin(**asked)
                    running = asyncio.create_task(carriers.call_back())
                case "break":
                    said = carriers.trouble()
                case "storm":
                    said = carriers.storm(**asked)
                case _:
                    said = carriers.report()
            print(json.dumps(said), flush=True)
        if running is not None:
            running.cancel()


if __name__ == "__main__":
    asyncio.run(main())
