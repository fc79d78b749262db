"""Radio technologies, what a SKU's radio can do, and when a network technology ends.

Pure values. A device is stranded when every technology of its SKU ends where it is; a technology of
which nobody knows an end keeps it safe, as far as is known, and a SKU whose radio nobody knows is
unknown, never safe. `insight.radio` judges with these.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal, get_args

Confidence = Literal["high", "medium", "low"]
CONFIDENCES: Final[tuple[Confidence, ...]] = get_args(Confidence)


class Rat(StrEnum):
    """A radio access technology, as coverage lists and data sheets tell them apart."""

    G2 = "2G"
    G3 = "3G"
    LTE = "LTE"
    LTE_M = "LTE-M"
    NB_IOT = "NB-IoT"
    G5 = "5G"


RATS: Final = tuple(rat.value for rat in Rat)

# What data sheets and carriers call them, folded: letters and digits only.
_CALLED: Final = {
    Rat.G2: ("2g", "gsm", "gprs", "edge", "egprs"),
    Rat.G3: ("3g", "umts", "wcdma", "hspa", "hsdpa", "hspaplus"),
    Rat.LTE: ("lte", "4g", "4glte", "eutran", "ltecat1", "ltecat1bis", "ltecat4", "cat1", "cat1bis", "cat4"),
    Rat.LTE_M: ("ltem", "ltem1", "catm", "catm1", "ltecatm1", "emtc", "mtc"),
    Rat.NB_IOT: ("nbiot", "nb1", "nb2", "catnb1", "catnb2", "ltecatnb1"),
    Rat.G5: ("5g", "nr", "5gnr", "redcap", "5gredcap"),
}
_BY_NAME: Final = {called: rat for rat, names in _CALLED.items() for called in names}
_FOLDED: Final = re.compile(r"[^a-z0-9]+")


def read_rat(text: str) -> Rat | None:
    """A technology by any of its usual names; None where it is none of them."""
    return _BY_NAME.get(_FOLDED.sub("", text.lower()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuRadio:
    """What the radio of a SKU can do, as data: `rats` is never empty."""

    sku: str
    rats: tuple[Rat, ...]
    bands: tuple[str, ...] = ()
    source: str | None = None
    as_of: date | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunset:
    """A technology that ends in a country, or on one operator's network there."""

    country: str  # ISO 3166
    rat: Rat
    plmn: str | None  # one operator's network; None: all of the country
    off_on: date | None  # the day by which it is off; None: it is off, and nobody said since when
    confidence: Confidence
    source: str
    as_of: date
    own: bool = False  # the tenant's own row, which stands before the reference data's

    @property
    def by(self) -> date:
        """The day by which it is off: the one that was said, else the one on which it was read to be off."""
        return self.off_on or self.as_of
