"""Opens Programmable Wireless accounts: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.kore.account import kinds
from fairlead.connectors.kore.opening import opened
from fairlead.connectors.programmable_wireless.connector import MANIFEST, ProgrammableWirelessConnector

KINDS: Final = kinds(twilio="https://wireless.twilio.com")


def _open(account: Opening) -> ProgrammableWirelessConnector:
    client, hook = opened(account, KINDS)
    return ProgrammableWirelessConnector(account.instance, MANIFEST, client, hook, account.now)


FACTORY: Final = Factory(MANIFEST, _open)
