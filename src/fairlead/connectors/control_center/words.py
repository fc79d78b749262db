"""Their words for a SIM's status, which each operator may add to, and ours. Pure.

Control Center's status is free text: a usual set, and what an operator made of it. So an account's
settings may say what its own words mean (`states`), and must say by which word a line is ended
(`terminate_as`), since that takes a permission of the operator that most accounts do not have.

    {"base_url": "https://…/rws/api", "states": {"PARKED": "standby"}, "terminate_as": "RETIRED"}

Spelling does not matter ("Activation Ready" is ACTIVATION_READY); a word nobody explained is `unknown`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fairlead.connectors._kit.factory import BadSetting
from fairlead.connectors._kit.states import own_states, plain
from fairlead.model.subscription import SubscriptionState

STATES: Final[Mapping[str, SubscriptionState]] = {
    "INVENTORY": SubscriptionState.INVENTORY,
    "TEST_READY": SubscriptionState.TEST,
    "ACTIVATION_READY": SubscriptionState.READY,
    "ACTIVATED": SubscriptionState.ACTIVE,
    "DEACTIVATED": SubscriptionState.SUSPENDED,  # the one state that is off and comes back with its number
    "RETIRED": SubscriptionState.TERMINATED,
    "PURGED": SubscriptionState.TERMINATED,
    "REPLACED": SubscriptionState.TERMINATED,  # its line went onto another SIM
}
# The usual word to ask for a state.
_ASK: Final[Mapping[SubscriptionState, str]] = {
    SubscriptionState.ACTIVE: "ACTIVATED",
    SubscriptionState.SUSPENDED: "DEACTIVATED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one account."""

    states: Mapping[str, SubscriptionState]  # by plain spelling
    ask: Mapping[SubscriptionState, str]  # as it is sent

    def state_of(self, word: str) -> SubscriptionState:
        """Our word for theirs."""
        return self.states.get(plain(word), SubscriptionState.UNKNOWN)


def read_words(settings: Mapping[str, Any]) -> Words:
    """The words of an account's settings, with the usual ones below. Raises `BadSetting`."""
    own = own_states(settings)
    states = {**STATES, **{plain(word): state for word, state in own.items()}}
    # The usual word serves as long as it still means that here; an operator's own word goes first.
    ask = {state: word for state, word in _ASK.items() if states[plain(word)] is state}
    ask |= {state: word for word, state in reversed(own.items()) if state in _ASK}
    end = settings.get("terminate_as", "")
    if not isinstance(end, str) or (end and states.get(plain(end)) is not SubscriptionState.TERMINATED):
        ended = ", ".join(sorted(word for word, state in states.items() if state is SubscriptionState.TERMINATED))
        raise BadSetting("terminate_as", end, f"one of {ended}")
    if end:
        ask[SubscriptionState.TERMINATED] = end
    return Words(states=states, ask=ask)
