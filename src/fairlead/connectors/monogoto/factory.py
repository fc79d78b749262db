"""Opens Monogoto customers: what wiring keeps in its table of carriers."""

from typing import Final

from fairlead.connectors._kit.factory import BadSetting
from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.monogoto.client import MonogotoClient
from fairlead.connectors.monogoto.connector import MANIFEST, MonogotoConnector
from fairlead.connectors.monogoto.translate import Translator

_LONGEST_SENDER: Final = 15


def _open(account: Opening) -> MonogotoConnector:
    sender = account.config.settings.get("sms_from", "fairlead")
    if not (isinstance(sender, str) and sender.isascii() and sender.isalnum() and len(sender) <= _LONGEST_SENDER):
        raise BadSetting("sms_from", sender, "1 to 15 letters and digits")
    client = MonogotoClient(account.http(), account.credential, real=account.real)
    translator = Translator(record=MANIFEST.capabilities)
    return MonogotoConnector(account.instance, client, translator, account.now, sender=sender)


FACTORY: Final = Factory(MANIFEST, _open)
