"""Opens ThingSpace accounts: what wiring keeps in its table of carriers."""

from collections.abc import Mapping
from typing import Any, Final

from fairlead.connectors._kit.factory import BadSetting
from fairlead.connectors._kit.opening import Factory, Opening
from fairlead.connectors._kit.states import own_states, plain
from fairlead.connectors.thingspace.client import ThingSpaceClient
from fairlead.connectors.thingspace.connector import MANIFEST, Activation, ThingSpaceConnector
from fairlead.connectors.thingspace.translate import STATES, Translator


def _open(opening: Opening) -> ThingSpaceConnector:
    settings = opening.config.settings
    account = _text(settings, "account_name")
    if not account:
        raise BadSetting("account_name", account, "the billing account, such as 0000123456-00001")
    waiver = settings.get("etf_waiver", False)
    if not isinstance(waiver, bool):
        raise BadSetting("etf_waiver", waiver, "true or false")
    activation = Activation(plan=_text(settings, "service_plan"), zip_code=_text(settings, "mdn_zip_code"))
    states = {**STATES, **{plain(word): state for word, state in own_states(settings).items()}}
    client = ThingSpaceClient(opening.http(), opening.credential, account, real=opening.real)
    translator = Translator(record=MANIFEST.capabilities, states=states)
    return ThingSpaceConnector(
        opening.instance, client, translator, opening.now, activation=activation, etf_waiver=waiver
    )


def _text(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name, "")
    if not isinstance(value, str):
        raise BadSetting(name, value, "text, with its leading zeros")
    return value


FACTORY: Final = Factory(MANIFEST, _open)
