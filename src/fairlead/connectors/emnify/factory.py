"""Opens emnify workspaces: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.emnify.client import EmnifyClient
from fairlead.connectors.emnify.connector import MANIFEST, EmnifyConnector
from fairlead.connectors.emnify.translate import Translator


def _open(account: Opening) -> EmnifyConnector:
    client = EmnifyClient(account.http(), account.credential, real=account.real)
    translator = Translator(record=MANIFEST.capabilities, mnc_lengths=account.config.mnc_lengths)
    return EmnifyConnector(account.instance, client, translator, account.now)


FACTORY: Final = Factory(MANIFEST, _open)
