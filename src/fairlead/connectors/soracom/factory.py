"""Opens Soracom accounts: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.soracom.client import SoracomClient
from fairlead.connectors.soracom.connector import MANIFEST, SoracomConnector
from fairlead.connectors.soracom.translate import Translator


def _open(account: Opening) -> SoracomConnector:
    client = SoracomClient(account.http(), account.credential, real=account.real)
    translator = Translator(record=MANIFEST.capabilities, mnc_lengths=account.config.mnc_lengths)
    return SoracomConnector(account.instance, client, translator, account.now)


FACTORY: Final = Factory(MANIFEST, _open)
