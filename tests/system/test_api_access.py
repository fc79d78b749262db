"""The matrix of roles and endpoints, tried: what it denies is denied by the running door."""

from fastapi.routing import APIRoute

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import EXEMPT, Permit, Services
from fairlead.model.access import PERMITS, ROLES


def asked(route) -> Permit | None:
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        if isinstance(dependant.call, Permit):
            return dependant.call
        waiting += dependant.dependencies
    return None


def endpoints(api):
    for route in create_app(Services(api.timekeeper)).routes:
        contexts = [route] if isinstance(route, APIRoute) else list(getattr(route, "effective_route_contexts", list)())
        for context in contexts:
            if context.path.startswith("/v1/"):
                for method in context.methods - {"HEAD"}:
                    yield method, context.path, asked(context)


def somewhere(path: str) -> str:
    return "/".join("nothing" if part.startswith("{") else part for part in path.split("/"))


async def test_every_role_is_denied_what_the_matrix_denies(api):
    tried = 0
    for role in ROLES:
        everywhere, bound = api.client(role), api.client(f"{role}@north")
        for method, path, permit in endpoints(api):
            if permit is None:
                continue
            if permit.permission not in PERMITS[role]:
                answer = await everywhere.request(method, somewhere(path), headers={"content-type": "application/json"})
                assert answer.status_code == 403, (role, method, path, answer.text)
                tried += 1
            elif permit.everywhere:
                answer = await bound.request(method, somewhere(path), headers={"content-type": "application/json"})
                assert answer.status_code == 403, (role, method, path, answer.text)
                tried += 1
    assert tried > 150


async def test_nobody_is_let_in_without_being_known(api):
    nobody = api.client(None)
    tried = 0
    for method, path, _ in endpoints(api):
        if (method, path) not in EXEMPT:
            answer = await nobody.request(method, somewhere(path))
            assert answer.status_code == 401, (method, path)
            tried += 1
    assert tried > 40
