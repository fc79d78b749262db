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
    def alone(self, tenant: TenantId) -> AbstractAsyncContextManager[Transaction]:
        """As `tenant`, and no other one that is alone runs beside it: for whoever moves what stands.

        Rules, classes and exceptions are read and written by several statements, which must see one state.
        It is asked for first, before any row is locked, so that two of them never wait for each other.
        """
        ...

    def nameless(self) -> AbstractAsyncContextManager[Transaction]: ...
