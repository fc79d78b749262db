"""The facets: the independently versioned parts of a device (and of a subscription)."""

from enum import IntEnum


class Facet(IntEnum):
    """The numbers are those of the database columns."""

    NETWORK = 1
    CONFIG = 2
    FIRMWARE = 3
    FLAGS = 4
    CREDENTIAL = 5
    TRAFFIC = 6
    SUBSCRIPTION = 7

    @property
    def label(self) -> str:
        """As it stands in policies, topics and screens."""
        return self.name.lower()


BY_LABEL = {facet.label: facet for facet in Facet}
