"""The one place that knows everything: builds the rooms, hands them to each other, runs the roles.

`up` brings its own engines, migrates, and runs every role; `serve` only connects and runs the roles
it is asked for. Both end when they are cancelled. Roles keep nothing: two of each can run. `operate`
holds what an operator does on the database itself.
"""

from fairlead.engine.people import NotFitting
from fairlead.engine.ports.tenants import TenantExists
from fairlead.store.migrate import SchemaUnfit
from fairlead.wiring import operate
from fairlead.wiring.house import House
from fairlead.wiring.run import FIRST_TENANT, ROLES, Ready, bootstrap, check_config, serve, up

__all__ = [
    "FIRST_TENANT", "ROLES", "House", "NotFitting", "Ready", "SchemaUnfit", "TenantExists", "bootstrap",
    "check_config", "operate", "serve", "up",
]  # fmt: skip
