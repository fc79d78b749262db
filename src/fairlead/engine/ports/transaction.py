"""A transaction as the engine sees it: opened here, handed to stores, never looked into.

Services open one, pass it to every store they need, and so decide what commits together: the rows
and the journal line that tells about them.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias

from fairlead.model.ids import TenantId

Transaction: TypeAlias = Any  # each store knows its own


class Transactions(Protocol):
    """Opens transactions; `store.database.Database` is one."""

    def tenant(self, tenant: TenantId) -> AbstractAsyncContextManager[Transaction]: ...
    def nameless(self) -> AbstractAsyncContextManager[Transaction]: ...
