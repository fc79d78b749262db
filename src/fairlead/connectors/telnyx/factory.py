"""Opens Telnyx accounts: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.telnyx.client import TelnyxClient
from fairlead.connectors.telnyx.connector import MANIFEST, TelnyxConnector
from fairlead.connectors.telnyx.translate import Translator


def _open(account: Opening) -> TelnyxConnector:
    client = TelnyxClient(account.http(), account.credential)
    translator = Translator(record=MANIFEST.capabilities, mnc_lengths=account.config.mnc_lengths)
    return TelnyxConnector(account.instance, client, translator, account.now)


FACTORY: Final = Factory(MANIFEST, _open)
