"""The way back of Moves: begun here for gates, for people, and for a Move whose step failed.

The store takes the Change's rules out of the classes, points the facets to what was verified before
and sends the moves back. Two things are left over. A Move that those taken back had overtaken never
brought what it wanted, so it ends with them, and its device is an entrant again. And a rule that
came meanwhile, hidden under the one taken back, shows through now: what it asks for is more than the
way back brings, and gets a Move of its own, like any class that resolution changes.
"""

from datetime import datetime

from fairlead.engine.ports.moving import Selection
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.situations import fill_documents
from fairlead.engine.stores import Stores


async def take_back(
    stores: Stores, tx: Transaction, selection: Selection, outcome: str, now: datetime
) -> tuple[int, int]:
    """Begin the way back of the selected moves; how many, and how many of them were verified."""
    rules = await stores.policies.rules_of(tx, selection.change)
    taken = await stores.moves.undo(tx, selection, rules, outcome, now)
    classes = await stores.moves.undone_into(tx)
    if classes:
        await fill_documents(stores, tx, classes)
        await stores.moves.carry_on(tx, now)
    return taken
