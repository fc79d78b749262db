"""Builds the HTTP application from services that wiring hands over."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from fairlead.edge.api import (
    access,
    agreement,
    bulk,
    certificates,
    changes,
    clock,
    connectors,
    devices,
    events,
    findings,
    fleet,
    health,
    home,
    hooks,
    imports,
    jobs,
    journal,
    mappings,
    memberships,
    outages,
    own_token,
    people,
    plans,
    problems,
    reference,
    register,
    reports,
    rules,
    session,
    shipments,
    subscriptions,
    tallies,
    timeline,
    usage,
    views,
)
from fairlead.edge.api.bounds import Bounds, Meters
from fairlead.edge.api.door import Gate, Services
from fairlead.edge.api.openapi import describe
from fairlead.edge.api.site import Site
from fairlead.engine.timekeeper import Timekeeper

ROUTERS: Final = (
    clock.router,
    fleet.router,
    tallies.router,  # before devices: its paths are no names of devices
    home.router,
    devices.router,
    devices.secret_router,
    timeline.router,
    usage.router,
    subscriptions.router,
    bulk.router,
    shipments.router,
    certificates.router,
    subscriptions.carriers,
    hooks.router,
    hooks.deliveries,
    register.router,
    register.carriers,
    register.radio,
    reports.router,
    rules.router,
    outages.router,
    outages.availability,
    outages.objectives,
    connectors.router,
    mappings.router,
    imports.router,
    jobs.router,
    reference.router,
    session.session,
    access.router,
    session.setup,
    session.oidc,
    own_token.router,
    people.router,
    people.secret_router,
    people.tokens,
    people.secret_tokens,
    people.provider,
    journal.router,
    journal.secret_router,
    events.router,
    memberships.router,  # before plans: `counts` is no name of a kind
    plans.router,
    changes.router,
    findings.router,
    views.router,
    agreement.router,
    health.router,
    # Further routers go here, one line each.
)


def create_app(services: Services, **bounds: Any) -> FastAPI:
    """The application. `bounds`: `json_limit` and `file_limit` in bytes, where the defaults do not fit."""
    if not services.has(CollectorRegistry):
        services.add(CollectorRegistry())
    if not services.has(Site):
        services.add(Site())
    timekeeper = services.of(Timekeeper)
    app = FastAPI(
        title="Fairlead",
        version=version("fairlead"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        separate_input_output_schemas=False,
    )
    app.state.services = services
    app.state.gate = services.of(Gate) if services.has(Gate) else None
    app.state.now = timekeeper.now
    app.state.real_now = timekeeper.real_now
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Bounds, meters=Meters(services.of(CollectorRegistry)), site=services.of(Site), **bounds)
    describe(app)
    return app
