"""What the server says of itself: structured lines, as text for people or JSON for machines.

Tracebacks never show local variables, because those may be secrets.
"""

import logging
import sys
from typing import Any, Literal

import structlog


def configure(form: Literal["json", "text"], level: str) -> None:
    """Set up logging for this process; lines go to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        shared += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        shared.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain))
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=_to_stderr,
    )


def _to_stderr(*_: object) -> structlog.PrintLogger:
    """Where errors go when a line is written: a command of ours may run inside a program that redirects it."""
    return structlog.PrintLogger(file=sys.stderr)
