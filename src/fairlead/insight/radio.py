"""Who will be stranded: what a SKU's radio can do against the ends of networks where devices are.

A device is stranded on the day by which the last technology of its SKU is off where it is. A
technology without a known end keeps it; that nobody has read of an end is no proof that there is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from fairlead.model.radio import CONFIDENCES, Confidence, SkuRadio, Sunset

_RANK: Final[Mapping[Confidence, int]] = {word: rank for rank, word in enumerate(CONFIDENCES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranding:
    """That a SKU has no network left somewhere, by when, and who says so."""

    by: date
    first: date  # when the first of its technologies ends
    network_only: bool  # True: only on the operator's network it is on; another one there may still serve it
    confidence: Confidence  # of the weakest row behind it
    rows: tuple[Sunset, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Who says so, each once."""
        return tuple(dict.fromkeys(f"{one.source}, {one.as_of.isoformat()}" for one in self.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Ends of networks, to be asked by place."""

    by_country: Mapping[str, Sequence[Sunset]]

    @classmethod
    def of(cls, rows: Iterable[Sunset]) -> "Ends":
        """Sorted by country."""
        found: dict[str, list[Sunset]] = {}
        for row in rows:
            found.setdefault(row.country, []).append(row)
        return cls(by_country=found)

    def stranding(self, radio: SkuRadio, country: str, plmn: str | None) -> Stranding | None:
        """When a radio has nothing left there; None: something stays, as far as is known."""
        there = self.by_country.get(country, ())
        behind: list[Sunset] = []
        for rat in radio.rats:
            ending = [one for one in there if one.rat is rat and one.plmn in {None, plmn}]
            if not ending:
                return None
            behind.append(min(ending, key=lambda one: (one.by, one.plmn or "")))
        return Stranding(
            by=max(one.by for one in behind), first=min(one.by for one in behind),
            network_only=any(one.plmn is not None for one in behind),
            confidence=max((one.confidence for one in behind), key=_RANK.__getitem__), rows=tuple(behind),
        )  # fmt: skip
