"""Opens Hologram organisations: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.hologram.client import HologramClient
from fairlead.connectors.hologram.connector import MANIFEST, HologramConnector
from fairlead.connectors.hologram.translate import Translator


def _open(account: Opening) -> HologramConnector:
    client = HologramClient(account.http(), account.credential)
    translator = Translator(record=MANIFEST.capabilities)
    return HologramConnector(account.instance, client, translator, account.now)


FACTORY: Final = Factory(MANIFEST, _open)
