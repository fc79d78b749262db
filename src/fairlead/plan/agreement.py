"""Why another person must agree before carriers are asked: one rule, for bulk actions and for Changes.

`engine.bulk` and `engine.changes` ask it with what would be asked of which account. What nothing takes back always
needs another person; what a carrier charges for needs one where the tenant's rule says so.
"""

from collections.abc import Callable, Iterable
from typing import Final

from fairlead.model.subscription import VerbCapability

OFF: Final = frozenset({"suspend", "standby", "deactivate", "terminate"})  # after which a fee may go on
Meant = tuple[str, str, VerbCapability]  # account, verb, what it means there


def final_at(asked: Iterable[Meant]) -> str:
    """What nothing takes back, and where; empty: nothing of it."""
    return _told(asked, lambda one: not one.reversible, lambda verb, at: f"nothing takes {verb} back at {at}")


def charged_at(asked: Iterable[Meant]) -> str:
    """What is charged for, and where; empty: nothing that a carrier says."""
    return _told(asked, lambda one: bool(one.billable), _charge)


def _charge(verb: str, at: str) -> str:
    if verb in OFF:
        return f"a line goes on being charged for after {verb} at {at}"
    return f"{verb} is charged for at {at}"


def why_agree(asked: Iterable[Meant], *, charges: bool) -> str:
    """Why somebody else must agree; empty where nobody need. `charges`: the tenant's rule asks for it there too."""
    known = tuple(asked)
    return final_at(known) or (charged_at(known) if charges else "")


def _told(asked: Iterable[Meant], is_so: Callable[[VerbCapability], bool], says: Callable[[str, str], str]) -> str:
    by_verb: dict[str, dict[str, None]] = {}
    for account, verb, meaning in asked:
        if is_so(meaning):
            by_verb.setdefault(verb, {})[account] = None
    return "; ".join(says(verb, ", ".join(accounts)) for verb, accounts in by_verb.items())
