"""What a connector is beside its carrier: somebody's open door with a manifest, and a clock that dates what it reads.

The port asks for no base class. This one only spares each connector the same lines; a connector that
is built otherwise is as good.
"""

from collections.abc import Callable
from datetime import datetime

from fairlead.engine.ports.carrier import CarrierInstance, Manifest
from fairlead.model.subscription import Freshness


class OpenAccount:
    """One open account."""

    def __init__(self, instance: CarrierInstance, manifest: Manifest, now: Callable[[], datetime]) -> None:
        self._instance = instance
        self._manifest = manifest
        self._now = now

    @property
    def instance(self) -> CarrierInstance:
        """Whose door this is."""
        return self._instance

    @property
    def manifest(self) -> Manifest:
        """What it can do."""
        return self._manifest

    def _fresh(self) -> Freshness:
        """The age of what is asked for now."""
        staleness = self._manifest.capabilities.state_staleness
        return Freshness(observed_at=self._now(), staleness=staleness, source=self._instance.name)
