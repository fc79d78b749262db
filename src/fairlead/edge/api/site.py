"""Where this server is found from outside, and which names it answers to.

Addresses that leave this process (the redirect that an identity provider sends a browser back to)
never come from a request's Host header, which whoever asks may write. They come from the setting
`api.public_url`; where nobody set it, only a loopback address is believed. With the setting, a
request under any other name is answered 421 (RFC 9110 §15.5.20), so that a name somebody else
points at this server leads to nothing. Probes of load balancers come by address and are let through.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request

from fairlead.edge.api.problems import Problem, shown

PROBES: Final = frozenset({"/healthz", "/readyz"})
METRICS: Final = "/metrics"
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


class Site:
    """The server's own address, as an operator set it; None: nobody did."""

    def __init__(self, public_url: str | None = None) -> None:
        self._url = public_url.rstrip("/") if public_url else None
        parts = urlsplit(self._url or "")
        self._name = ((parts.hostname or ""), parts.port or _PORTS.get(parts.scheme, 0))

    def address(self, request: Request, path: str) -> str:
        """The whole address of a path here, for somebody outside. Raises the 400 problem where we do not know it."""
        if self._url is not None:
            return self._url + path
        host = request.headers.get("host", "")
        if not is_loopback(_split(host)[0]):
            raise Problem(
                400, "no-public-url", "This server does not know its own address",
                f"asked as {shown(host)!r}: its operator sets api.public_url; without it only loopback addresses do",
            )  # fmt: skip
        return f"{request.url.scheme}://{host}{path}"

    def secure(self, request: Request) -> bool:
        """Whether browsers reach us by TLS, so that cookies may go nowhere else."""
        return request.url.scheme == "https" or (self._url or "").startswith("https:")

    def check_host(self, scope: Mapping[str, Any]) -> None:
        """Raises the 421 problem for a name that is not ours, once we have one."""
        path = str(scope["path"])
        if self._url is None or path in PROBES:
            return
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        name, port = _split(host)
        if (name, port or self._name[1]) == self._name:
            return
        if is_loopback(name) and is_loopback(str((scope.get("client") or ("",))[0])):
            return  # somebody on this machine: a program, a tunnel
        if path == METRICS and _is_address(name):
            return  # a scraper; a name that somebody pointed here is no address
        raise Problem(
            421, "unknown-host", "This server is not found under that name",
            f"asked as {shown(host)!r}, found at {self._url}",
        )  # fmt: skip


def _split(host: str) -> tuple[str, int | None]:
    """Name in lower case and port of a Host header (RFC 9110 §7.2); a name that cannot be read is nobody's."""
    try:
        parts = urlsplit(f"//{host}")
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return "", None
        return (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return "", None


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
