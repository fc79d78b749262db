"""Opens Super SIM accounts: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.kore.account import kinds
from fairlead.connectors.kore.opening import opened
from fairlead.connectors.supersim.connector import MANIFEST, SuperSimConnector

KINDS: Final = kinds(twilio="https://supersim.twilio.com")


def _open(account: Opening) -> SuperSimConnector:
    client, hook = opened(account, KINDS)
    return SuperSimConnector(account.instance, MANIFEST, client, hook, account.now)


FACTORY: Final = Factory(MANIFEST, _open)
