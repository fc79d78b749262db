"""Facets by the numbers that the database columns hold."""

from typing import Final

from fairlead.model.resources import Facet

BY_NUMBER: Final = {facet.number: facet for facet in Facet}

__all__ = ["BY_NUMBER", "Facet"]
