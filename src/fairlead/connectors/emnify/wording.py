"""What is sent to emnify, worked out beforehand: a quota, the operators to block, the coding of a text. Pure.

Each answers with nothing where the carrier could not hold what is wished; nothing is rounded, cut or widened.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

from fairlead.connectors._kit.letters import encoding_of
from fairlead.connectors._kit.reading import EMPTY, Fields
from fairlead.model.identifiers import Plmn

MB: Final = 1_048_576  # judgement: their megabyte is 1,024 × 1,024 bytes, as a sister platform's pages say

FOREVER: Final = "2099-12-31T23:59:59Z"  # a quota must have an end, and after it no data passes
_QUOTA_ACTIVE, _BLOCK = "1", "1"

_CODINGS: Final[Mapping[int, Literal[0, 8]]] = {1: 0, 2: 8}  # 7-bit and UCS-2 as TS 23.038 §4 numbers them


def quota_of(limit_bytes: int, before: Mapping[str, object] | None, now: datetime) -> dict[str, object] | None:
    """A new quota of that size, which keeps the end and the refilling of the one before; None where it does not fit."""
    if limit_bytes <= 0 or limit_bytes % MB:
        return None
    held = Fields(before or EMPTY, [])
    ends = held.moment("expiry_date")
    refill = held.whole("auto_refill")
    return {
        "status": {"id": _QUOTA_ACTIVE},
        "volume": limit_bytes // MB,
        "expiry_date": held.text("expiry_date") if ends is not None and ends > now else FOREVER,
        "action_on_exhaustion": {"id": _BLOCK},
        **({"auto_refill": refill} if refill is not None else {}),
    }


def operators_for(plmns: Iterable[Plmn], known: Mapping[int, frozenset[Plmn]]) -> tuple[frozenset[int], str]:
    """The operators to block for these networks, and what speaks against it: an operator goes whole or not at all."""
    wanted = frozenset(plmns)
    chosen = frozenset(number for number, networks in known.items() if networks & wanted)
    covered = frozenset[Plmn]().union(*(known[number] for number in chosen))
    if missing := wanted - covered:
        return frozenset(), f"the carrier names no operator for {_listed(missing)}"
    if beyond := covered - wanted:
        return frozenset(), f"an operator is blocked whole: {_listed(beyond)} would be blocked as well"
    return chosen, ""


def coding_of(text: str) -> Literal[0, 8] | None:
    """The coding that carries a text whole: 0 for GSM 7-bit, 8 for UCS-2; None where neither does."""
    encoding = encoding_of(text)
    return None if encoding is None else _CODINGS[encoding]


def _listed(plmns: Iterable[Plmn]) -> str:
    return ", ".join(sorted(str(plmn) for plmn in plmns))
