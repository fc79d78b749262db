"""What people and programs do at the doors: cookies, tokens, roles, and the journal over HTTP."""

from datetime import timedelta

import httpx

from fairlead.engine.people import Draft
from fairlead.model.access import PrincipalKind
from fairlead.model.ids import TokenId, show

from .test_people import PASSWORD, World, acting, web, world

__all__ = ["web", "world"]  # the fixtures


async def test_a_browser_signs_in_writes_and_leaves(world: World, web: httpx.AsyncClient) -> None:
    code = await world.people.first_setup_code(world.tenant)
    asked = {"code": code, "password": PASSWORD, "name": "Ada", "email": "ada@example.com"}
    made = await web.post("/v1/setup", json=asked)
    assert made.status_code == 201, made.text
    cookies = made.headers.get_list("set-cookie")
    assert any("fairlead_session=" in c and "HttpOnly" in c and "Secure" in c and "SameSite=lax" in c for c in cookies)
    me = (await web.get("/v1/session")).json()
    assert (me["name"], me["roles"], me["csrf"]) == ("Ada", ["owner"], made.json()["csrf"])
    body = {"name": "Grace", "email": "grace@example.com", "roles": ["operator"]}
    assert (await web.post("/v1/principals", json=body)).status_code == 401  # no CSRF value
    web.headers["X-CSRF-Token"] = me["csrf"]
    grace = await web.post("/v1/principals", json=body)
    assert grace.status_code == 201, grace.text
    assert grace.headers["etag"] == '"1"'
    path = f"/v1/principals/{grace.json()['id']}"
    changed = body | {"state": "suspended", "departments": ["meters"]}
    assert (await web.put(path, json=changed)).status_code == 428
    assert (await web.put(path, json=changed, headers={"If-Match": '"1"'})).json()["departments"] == ["meters"]
    assert (await web.put(path, json=changed, headers={"If-Match": '"1"'})).status_code == 412
    assert (await web.post(path + "/invitation")).json()["code"].startswith("flc_")
    listed = (await web.get("/v1/principals", params={"limit": 1})).json()
    assert [item["name"] for item in listed["items"]] == ["Ada"]
    rest = (await web.get("/v1/principals", params={"cursor": listed["next"]})).json()
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["Grace"], None)
    assert (await web.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert (await web.get(path)).status_code == 404
    assert (await web.delete("/v1/session")).status_code == 204
    assert (await web.get("/v1/session")).status_code == 401
    assert "access.read" in await world.actions()


async def test_a_program_uses_a_token(world: World, web: httpx.AsyncClient) -> None:
    ada = await world.owner()
    _, text = await world.people.create_token(acting(ada.principal), name="t", roles=["security"])
    web.headers["Authorization"] = f"Bearer {text}"
    me = (await web.get("/v1/session")).json()
    assert me["token"].startswith("tok_")
    assert "changes.apply" not in me["permissions"]
    made = await web.post("/v1/tokens", json={"name": "more", "roles": ["owner"]})
    assert made.status_code == 403
    fresh = await web.post("/v1/tokens", json={"name": "less", "roles": ["security"]})
    assert fresh.status_code == 201
    assert fresh.json()["token"].startswith("flt_")
    assert fresh.headers["cache-control"] == "no-store"
    listed = (await web.get("/v1/tokens")).json()["items"]
    assert "token" not in listed[0]
    assert {item["name"] for item in listed} == {"t", "less"}
    gone = f"/v1/tokens/{fresh.json()['id']}"
    assert (await web.delete(gone)).status_code == 204
    assert (await web.get(gone)).json()["revoked_at"] is not None
    assert (await web.get("/v1/tokens/" + show("tok", TokenId(world.tenant)))).status_code == 404
    assert (await web.get("/v1/tokens/nonsense")).status_code == 422
    assert (await web.get("/v1/oidc/provider")).json() is None
    assert (await web.put("/v1/oidc/provider", json={"issuer": "https://i", "client_id": "c"})).status_code == 204
    assert (await web.get("/v1/oidc/provider")).json()["issuer"] == "https://i"
    assert (await web.delete("/v1/oidc/provider")).status_code == 204
    assert (await web.get("/v1/oidc/provider")).json() is None
    web.headers["Authorization"] = "Bearer flt_nonsense"
    refused = await web.get("/v1/session")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"


async def test_the_door_says_when_to_come_back(world: World, web: httpx.AsyncClient) -> None:
    await world.owner()
    body = {"tenant": "acme", "email": "ada@example.com", "password": "wrong"}
    answers = [await web.post("/v1/session", json=body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert len({answer.json()["detail"] for answer in answers[:5]}) == 1
    bad = await web.post("/v1/session", json=body | {"tenant": "Not A Name", "more": 1})
    assert {error["pointer"] for error in bad.json()["errors"]} == {"/tenant", "/more"}


async def test_the_journal_is_read_exported_and_verified_over_http(world: World, web: httpx.AsyncClient) -> None:
    from fairlead_cli.verify import Verdict, verify

    ada = await world.owner()
    _, text = await world.people.create_token(acting(ada.principal), name="t", roles=["owner"])
    web.headers["Authorization"] = f"Bearer {text}"
    first = (await web.get("/v1/journal", params={"limit": 2})).json()
    assert [item["action"] for item in first["items"]] == ["token.created", "sign_in.succeeded"]
    second = (await web.get("/v1/journal", params={"limit": 2, "cursor": first["next"]})).json()
    assert [item["action"] for item in second["items"]] == ["principal.created", "setup_code.redeemed"]
    narrowed = (await web.get("/v1/journal", params={"action": "token.created"})).json()["items"]
    assert len(narrowed) == 1
    assert (await web.get("/v1/journal", params={"action": "no.such"})).status_code == 422
    assert (await web.get("/v1/journal", params={"cursor": "WyJ4Il0"})).status_code == 422
    digests = list(second["items"][0]["personal"].values())
    values = (await web.post("/v1/journal/personal", json={"digests": digests, "reason": "an enquiry"})).json()
    assert {value["value"] for value in values} == {"Ada", "Ada@Example.com"}
    exported = await web.get("/v1/journal/export")
    keys = (await web.get("/v1/journal/keys")).json()
    report = verify(exported.content.splitlines(keepends=True), keys=[bytes.fromhex(keys[-1]["public_key"])])
    assert report.verdict is Verdict.OK, report.detail
    newest = (await web.get("/v1/journal/checkpoints")).json()["items"][0]
    assert newest["seq"] == report.proven_seq
    person = show("usr", ada.principal.id)
    erased = (await web.post("/v1/journal/erasures", json={"person": person, "reason": "asked"})).json()
    assert erased["erased"] > 0
    assert (await web.post("/v1/journal/personal", json={"digests": digests, "reason": "again"})).json() == []
    again = await web.get("/v1/journal/export")
    assert verify(again.content.splitlines(keepends=True)).verdict is Verdict.OK
    assert (await web.get("/v1/journal/export", params={"first_seq": 9999})).status_code == 422


async def test_roles_decide_at_the_door(world: World, web: httpx.AsyncClient) -> None:
    ada = await world.owner()
    _, text = await world.people.create_token(acting(ada.principal), name="t", roles=["technician"])
    web.headers["Authorization"] = f"Bearer {text}"
    for path in ("/v1/journal", "/v1/journal/export", "/v1/principals", "/v1/tokens", "/v1/oidc/provider"):
        assert (await web.get(path)).status_code == 403, path
    local_only = await world.people.create_token(
        acting(ada.principal), name="t", roles=["owner"], departments=["meters"]
    )
    web.headers["Authorization"] = f"Bearer {local_only[1]}"
    assert (await web.get("/v1/journal")).status_code == 200
    assert (await web.get("/v1/journal/export")).status_code == 403


async def test_whoever_signs_in_has_a_token_for_a_client_of_theirs_whatever_their_role(
    world: World, web: httpx.AsyncClient
) -> None:
    ada = await world.owner()
    draft = Draft(kind=PrincipalKind.PERSON, name="Ines", email="ines@example.com", roles=frozenset({"approver"}))
    ines = await world.people.create(acting(ada.principal), draft)
    code = await world.people.invite(acting(ada.principal), ines.principal.id)
    me = (await web.post("/v1/setup", json={"code": code, "password": PASSWORD})).json()
    web.headers["X-CSRF-Token"] = me["csrf"]
    assert (await web.post("/v1/tokens", json={"name": "t", "roles": ["approver"]})).status_code == 403
    late = (world.clock() + timedelta(days=91)).isoformat()
    refused = await web.post("/v1/session/token", json={"name": "laptop", "expires_at": late})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expires_at")
    made = await web.post("/v1/session/token", json={"name": "laptop"})
    assert made.status_code == 201, made.text
    assert (made.json()["roles"], made.headers["cache-control"]) == (["approver"], "no-store")
    assert (await web.delete("/v1/session/token")).json()["type"] == "/problems/no-token"
    program = {"Authorization": f"Bearer {made.json()['token']}"}
    web.cookies.clear()
    assert (await web.get("/v1/session", headers=program)).json()["principal"] == me["principal"]
    again = await web.post("/v1/session/token", json={"name": "more"}, headers=program)
    assert again.status_code == 403
    assert (await web.delete("/v1/session/token", headers=program)).status_code == 204
    assert (await web.get("/v1/session", headers=program)).status_code == 401
