"""Opens Control Center accounts: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.control_center.client import ControlCenterClient
from fairlead.connectors.control_center.connector import MANIFEST, ControlCenterConnector
from fairlead.connectors.control_center.translate import Translator
from fairlead.connectors.control_center.words import read_words


def _open(account: Opening) -> ControlCenterConnector:
    words = read_words(account.config.settings)
    client = ControlCenterClient(account.http(), account.credential)
    translator = Translator(record=MANIFEST.capabilities, words=words)
    return ControlCenterConnector(account.instance, client, translator, account.now)


FACTORY: Final = Factory(MANIFEST, _open)
