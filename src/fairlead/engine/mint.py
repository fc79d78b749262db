"""Mints ids: UUID version 7 (RFC 9562 §5.7), so that new rows sit together in an index.

Ids are minted here and not by PostgreSQL, because `uuidv7()` needs version 18 and the time in an
id is ours (the clock of the installation), not the database's. Within one millisecond ids of one
process go upward, so lines written together keep their order.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TAIL_BITS: Final = 74  # rand_a and rand_b together
_STEP: Final = 1 << 32


class Mint:
    """Makes ids that go upward while time does not go back."""

    def __init__(self) -> None:
        self._millisecond = -1
        self._tail = 0

    def uuid7(self, now: datetime) -> UUID:
        """A new id for this moment."""
        millisecond = (now - _EPOCH) // timedelta(milliseconds=1)
        tail = self._tail + 1 + secrets.randbelow(_STEP) if millisecond == self._millisecond else 1 << _TAIL_BITS
        if tail >> _TAIL_BITS:
            tail = secrets.randbits(_TAIL_BITS - 1)  # the top bit stays free to count upward into
        self._millisecond, self._tail = millisecond, tail
        high, low = tail >> 62, tail & ((1 << 62) - 1)
        return UUID(int=millisecond << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


uuid7: Final = Mint().uuid7
