"""Role × endpoint, as one committed page: whoever changes who may do what sees it in the diff.

The page is `access_matrix.txt` beside this file. To write it anew after a wanted change:
`python tests/architecture/test_access_matrix.py`.
"""

from pathlib import Path

from fastapi.routing import APIRoute

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import EXEMPT, Permit, Services
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.access import PERMISSIONS, PERMITS, ROLES

PAGE = Path(__file__).with_name("access_matrix.txt")


def routes() -> list[tuple[str, str, Permit | None]]:
    """Every endpoint with what it asks for."""
    app = create_app(Services(Timekeeper()))
    found = [
        (method, route.path, permit_of(route)) for route in flat(app.routes) for method in route.methods - {"HEAD"}
    ]
    return sorted(found, key=lambda one: (one[1], one[0]))


def flat(given) -> list[APIRoute]:
    found = []
    for route in given:
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "effective_route_contexts"):
            found += list(route.effective_route_contexts())
    return found


def permit_of(route) -> Permit | None:
    waiting, permits = [route.dependant], []
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        if isinstance(dependant.call, Permit) and dependant.call not in permits:
            permits.append(dependant.call)
    assert len({permit.permission for permit in permits}) <= 1, f"{route.path} asks for more than one permission"
    return permits[0] if permits else None


def page() -> str:
    """The matrix as text."""
    endpoints = routes()
    width = max(len(path) for _, path, _ in endpoints)
    lines = [f"{'':7}{'':{width}}  {'permission':16} " + " ".join(f"{role[:5]:5}" for role in ROLES)]
    for method, path, permit in endpoints:
        if permit is None:
            lines.append(f"{method:7}{path:{width}}  -")
            continue
        mark = "all" if permit.everywhere else "yes"
        held = " ".join(f"{mark if permit.permission in PERMITS[role] else '.':5}" for role in ROLES)
        lines.append(f"{method:7}{path:{width}}  {permit.permission:16} {held.rstrip()}")
    note = "all: for the whole tenant, so not for a principal bound to departments. -: no permission, see door.EXEMPT."
    return "\n".join([*lines, "", note]) + "\n"


def test_the_matrix_is_the_committed_one():
    assert page() == PAGE.read_text(encoding="utf-8"), f"run python {Path(__file__).name} if the change is wanted"


def test_every_endpoint_asks_for_a_permission_or_is_named_as_exempt():
    bare = {(method, path) for method, path, permit in routes() if permit is None and path.startswith("/v1/")}
    assert len(routes()) > 40
    assert bare == set(EXEMPT), "endpoints without a permission must be named in EXEMPT, with the reason"
    assert all(reason for reason in EXEMPT.values())


def test_every_endpoint_asks_for_a_permission_that_exists():
    asked = {permit.permission for _, _, permit in routes() if permit is not None}
    assert asked <= set(PERMISSIONS)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
