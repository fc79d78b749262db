"""Is it alive, may it be given traffic, and how is it doing: for load balancers and Prometheus.

`/healthz` says that this process answers; `/readyz` asks what it stands on; `/metrics` is for
callers on this host or with the permission `journal.read`, since figures tell about every tenant.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from fairlead.edge.api.door import permit, services

router = APIRouter(tags=["health"])


class Readiness:
    """What this process stands on: each check answers None when well, else what is wrong."""

    def __init__(self, checks: Mapping[str, Callable[[], Awaitable[str | None]]] | None = None) -> None:
        self._checks = dict(checks or {})

    async def faults(self) -> dict[str, str]:
        """What is wrong, by name."""
        found: dict[str, str] = {}
        for name, check in self._checks.items():
            try:
                fault = await check()
            except Exception as error:  # noqa: BLE001 - whatever it was, this process is not ready
                fault = type(error).__name__
            if fault is not None:
                found[name] = fault
        return found


class Health(BaseModel):
    """How this process is."""

    ok: bool
    faults: dict[str, str] = {}


@router.get("/healthz", summary="Whether this process answers")
async def healthz() -> Health:
    """Always 200 while the process lives."""
    return Health(ok=True)


@router.get("/readyz", summary="Whether this process can serve", responses={503: {"model": Health}})
async def readyz(request: Request) -> Response:
    """200 with everything it stands on in reach, else 503 naming what is not."""
    behind = services(request)
    faults = await behind.of(Readiness).faults() if behind.has(Readiness) else {}
    return JSONResponse(Health(ok=not faults, faults=faults).model_dump(), status_code=503 if faults else 200)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """In the Prometheus text format."""
    if not _on_this_host(request):
        await permit("journal.read", everywhere=True)(request)
    registry = services(request).of(CollectorRegistry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _on_this_host(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
