"""The facets: the independently versioned parts of a device, its life, and the subscription beside it."""

from enum import StrEnum
from typing import Final


class Facet(StrEnum):
    """The independently versioned parts of a device; `subscription` is a facet of its subscription.

    `life` is where the device stands between factory and scrap: its first activation and its retirement
    are desired state like everything else, so that they are planned, staged, proved and taken back alike.
    """

    NETWORK = "network"
    CONFIG = "config"
    FIRMWARE = "firmware"
    FLAGS = "flags"
    CREDENTIAL = "credential"
    TRAFFIC = "traffic"
    SUBSCRIPTION = "subscription"
    LIFE = "life"

    @property
    def number(self) -> int:
        """The facet as the store keeps it: 1 to 8."""
        return _NUMBERS[self]


_NUMBERS: Final = {facet: number for number, facet in enumerate(Facet, start=1)}

BY_NUMBER: Final = {facet.number: facet for facet in Facet}
