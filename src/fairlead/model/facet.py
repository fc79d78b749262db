"""The facets: the independently versioned parts of a device, and the subscription beside it."""

from enum import StrEnum
from typing import Final


class Facet(StrEnum):
    """The independently versioned parts of a device; `subscription` is a facet of its subscription."""

    NETWORK = "network"
    CONFIG = "config"
    FIRMWARE = "firmware"
    FLAGS = "flags"
    CREDENTIAL = "credential"
    TRAFFIC = "traffic"
    SUBSCRIPTION = "subscription"

    @property
    def number(self) -> int:
        """The facet as the store keeps it: 1 to 7."""
        return _NUMBERS[self]


_NUMBERS: Final = {facet: number for number, facet in enumerate(Facet, start=1)}

BY_NUMBER: Final = {facet.number: facet for facet in Facet}
