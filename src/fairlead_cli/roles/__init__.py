"""The server's own commands: its roles, and what an operator does on the database itself.

The only part of the command line that knows the server, and only while one of these runs: it
imports `fairlead.wiring` when it is called, so that every other command starts without it.
"""

import typer

from fairlead_cli.roles import operating, running
from fairlead_cli.roles.running import check

__all__ = ["check", "install"]


def install(app: typer.Typer) -> None:
    """Register the commands."""
    running.install(app)
    operating.install(app)
