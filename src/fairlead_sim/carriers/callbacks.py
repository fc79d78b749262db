"""Callbacks as a carrier posts them: some twice, some late, some never.

A fake says what it has to say with `say`; nothing leaves until the test or the demo calls `deliver`,
so a run has no task of its own and can be repeated. The signature is made when it is sent.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from fairlead_sim.world.faults import Kind
from fairlead_sim.world.radio import World

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]  # address, headers, body → status
Sign = Callable[[str, bytes], Mapping[str, str]]  # address, body → headers
TRIES = 3


def unsigned(address: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG001 - a `Sign` like any other
    """Headers of a carrier that signs nothing."""
    return {"content-type": "application/json"}


@dataclass(slots=True)
class _Letter:
    at: float
    number: int
    address: str
    body: bytes
    key: str
    verb: str
    headers: Mapping[str, str]
    counted: Callable[[int], bytes] | None
    again: timedelta
    at_most: int
    tries: int = 0


class Callbacks:
    """The outbox of one carrier."""

    def __init__(self, world: World, carrier: str, *, sign: Sign = unsigned) -> None:
        self.sent: list[tuple[str, bytes, int]] = []  # (address, body, status), in the order they left
        self._world = world
        self._carrier = carrier
        self._sign = sign
        self._letters: list[_Letter] = []
        self._number = 0

    def say(
        self,
        address: str,
        body: bytes,
        *,
        key: str,
        verb: str = "",
        after: timedelta = timedelta(0),
        headers: Mapping[str, str] | None = None,
        counted: Callable[[int], bytes] | None = None,
        again: timedelta = timedelta(0),
        at_most: int = TRIES,
    ) -> None:
        """Have something sent; `key` is the ICCID it is about, `after` counts in fleet time.

        `headers` are its own and the same however often it is sent, as a token that names the event. Where a message
        says how often it was sent, `counted` makes its body. What is not taken is sent `at_most` so often, `again`
        after the time before.
        """
        self._number += 1
        at = (self._world.clock() + after).timestamp()
        self._letters.append(
            _Letter(at, self._number, address, body, key, verb, headers or {}, counted, again, at_most)
        )

    async def deliver(self, send: Send) -> int:
        """Send what is due; what is not taken with a 2xx is tried again at the next call. Returns how many left."""
        now, before = self._world.clock().timestamp(), len(self.sent)
        due = sorted((one for one in self._letters if one.at <= now), key=lambda one: (one.at, one.number))
        self._letters = [one for one in self._letters if one.at > now]
        late = [one for one in due if self._hit("late_callback", one)]
        for letter in [one for one in due if one not in late] + late[::-1]:
            if self._hit("lose_callback", letter):
                continue
            for _ in range(2 if self._hit("duplicate_callback", letter) else 1):
                await self._post(send, letter)
        return len(self.sent) - before

    async def _post(self, send: Send, letter: _Letter) -> None:
        letter.tries += 1
        body = letter.counted(letter.tries) if letter.counted is not None else letter.body
        headers = {**self._sign(letter.address, body), **letter.headers}
        status = await send(letter.address, headers, body)
        self.sent.append((letter.address, body, status))
        taken = 200 <= status < 300  # noqa: PLR2004 - HTTP classes
        if not taken and letter.tries < letter.at_most and letter not in self._letters:
            letter.at = (self._world.clock() + letter.again).timestamp()
            self._letters.append(letter)

    def _hit(self, kind: Kind, letter: _Letter) -> bool:
        faults = self._world.faults
        return faults.meets(kind, self._carrier, key=letter.key, country=None, verb=letter.verb) is not None
