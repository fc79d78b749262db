"""The one place that knows everything: builds the rooms, hands them to each other, runs the roles.

`up` brings its own engines, migrates, and runs every role; `serve` only connects and runs the roles
it is asked for. Both end when they are cancelled. Roles keep nothing: two of each can run.
"""

from fairlead.wiring.house import House
from fairlead.wiring.run import FIRST_TENANT, ROLES, Ready, bootstrap, check_config, serve, up

__all__ = ["FIRST_TENANT", "ROLES", "House", "Ready", "bootstrap", "check_config", "serve", "up"]
