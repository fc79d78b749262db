"""An account's own words for states: what carriers let each operator or customer name, read from its settings. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from fairlead.connectors._kit.factory import BadSetting
from fairlead.model.subscription import SubscriptionState


def plain(word: str) -> str:
    """A word without what operators spell differently."""
    return "_".join(word.upper().replace("-", " ").replace("_", " ").split())


def own_states(settings: Mapping[str, Any]) -> dict[str, SubscriptionState]:
    """The setting `states`: their words, each with a state of ours, in its order. Raises `BadSetting`."""
    given = settings.get("states")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadSetting("states", given, "the carrier's words, each with a state of ours")
    found: dict[str, SubscriptionState] = {}
    for word, state in cast("dict[str, object]", given).items():
        if not isinstance(state, str) or state not in set(SubscriptionState) or not plain(word):
            raise BadSetting(f"states.{word}", state, f"one of {', '.join(SubscriptionState)}")
        found[word] = SubscriptionState(state)
    return found
