"""Opens 1NCE accounts, by v1 or by v2: what wiring keeps in its table of carriers.

An account says which version it speaks by the connector it names.
"""

from typing import Final

from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors.onence.client import OnenceClient, Version
from fairlead.connectors.onence.connector import MANIFEST_V1, MANIFEST_V2, OnenceConnector, OnenceV1Connector
from fairlead.connectors.onence.translate import Translator


def _open(account: Opening, version: Version, kind: type[OnenceConnector]) -> OnenceConnector:
    client = OnenceClient(account.http(), account.credential, version=version, real=account.real)
    translator = Translator(record=account.manifest.capabilities, mnc_lengths=account.config.mnc_lengths)
    return kind(account.instance, client, translator, account.now, account.manifest)


FACTORY: Final = Factory(MANIFEST_V1, lambda account: _open(account, "v1", OnenceV1Connector))
FACTORY_V2: Final = Factory(MANIFEST_V2, lambda account: _open(account, "v2", OnenceConnector))
