"""Opens Onomondo organisations: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.factory import BadSetting
from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.onomondo.client import OnomondoClient
from fairlead.connectors.onomondo.connector import MANIFEST, OnomondoConnector
from fairlead.connectors.onomondo.translate import Translator

_LONGEST_NAME: Final = 10
_LONGEST_NUMBER: Final = 15


def _open(account: Opening) -> OnomondoConnector:
    sender = account.config.settings.get("sms_from", "fairlead")
    if not (isinstance(sender, str) and sender.isascii() and sender.isalnum() and _fits(sender)):
        raise BadSetting("sms_from", sender, "1 to 10 letters and digits, or a number of up to 15 digits")
    client = OnomondoClient(account.http(), account.credential)
    translator = Translator(record=MANIFEST.capabilities)
    return OnomondoConnector(account.instance, client, translator, account.now, sender=sender)


def _fits(sender: str) -> bool:
    return len(sender) <= (_LONGEST_NUMBER if sender.isdigit() else _LONGEST_NAME)


FACTORY: Final = Factory(MANIFEST, _open)
