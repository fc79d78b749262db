"""`/v1/views`: own and shared views, who may share, edits that do not run over each other, walls."""

import asyncio

from fairlead.engine.ports.journal import Filter

BODY = {"search": "country=BR&within_days=30"}
AT_RISK = "/v1/views/fleet/Brazil%20at%20risk"


async def test_a_view_is_saved_replaced_and_removed(api):
    client = api.client("vendor")
    made = await client.put(AT_RISK, json=BODY)
    assert made.status_code == 200, made.text
    assert made.headers["etag"] == '"1"'
    shown = made.json()
    assert (shown["screen"], shown["name"], shown["search"], shown["shared"]) == (
        "fleet", "Brazil at risk", BODY["search"], False,
    )  # fmt: skip
    assert (await client.get(AT_RISK)).json() == shown
    again = await client.put(AT_RISK, json={"search": "country=TR"})
    assert again.status_code == 428
    replaced = await client.put(AT_RISK, json={"search": "country=TR"}, headers={"if-match": '"1"'})
    assert (replaced.json()["search"], replaced.json()["version"]) == ("country=TR", 2)
    late = await client.put(AT_RISK, json={"search": "country=SA"}, headers={"if-match": '"1"'})
    assert (late.status_code, late.headers["etag"]) == (412, '"2"')
    assert [view["search"] for view in (await client.get("/v1/views?screen=fleet")).json()] == ["country=TR"]
    assert (await client.get("/v1/views?screen=changes")).json() == []
    assert (await client.delete(AT_RISK)).status_code == 204
    assert (await client.delete(AT_RISK)).status_code == 404
    assert (await client.put(AT_RISK, json=BODY, headers={"if-match": '"2"'})).status_code == 404


async def test_own_views_are_ones_own_and_shared_ones_are_everybodys(api):
    owner, vendor, other = api.client("owner"), api.client("vendor"), api.client("owner~other")
    assert (await vendor.put(AT_RISK, json=BODY)).status_code == 200
    assert (await owner.get(AT_RISK)).status_code == 404
    assert (await owner.put(AT_RISK, json=BODY | {"shared": True})).status_code == 200
    for client in (owner, vendor):
        assert (await client.get(f"{AT_RISK}?shared=true")).json()["shared"] is True
    assert [view["shared"] for view in (await vendor.get("/v1/views")).json()] == [False, True]
    assert [view["shared"] for view in (await owner.get("/v1/views")).json()] == [True]
    assert (await other.get("/v1/views")).json() == []
    assert (await other.get(f"{AT_RISK}?shared=true")).status_code == 404


async def test_sharing_needs_a_right_for_the_whole_tenant_and_leaves_a_line(api):
    for who in ("vendor", "finance", "auditor", "approver", "operator@north"):
        refused = await api.client(who).put(AT_RISK, json=BODY | {"shared": True})
        assert refused.status_code == 403, who
        assert "findings.write" in refused.json()["detail"]
    assert (await api.client("operator").put(AT_RISK, json=BODY | {"shared": True})).status_code == 200
    assert (await api.client("vendor").delete(f"{AT_RISK}?shared=true")).status_code == 403
    assert (await api.client("technician").delete(f"{AT_RISK}?shared=true")).status_code == 204
    await api.client("operator").put("/v1/views/fleet/mine", json=BODY)
    lines = await api.journal.page(api.tenant, Filter(subject_kind="view"), below=None, limit=10)
    assert {kept.line.action.value for kept in lines} == {"view.shared", "view.unshared"}
    assert {kept.line.subject.id for kept in lines} == {"fleet/Brazil at risk"}


async def test_bad_input_is_named_and_bounded(api):
    client = api.client("owner")
    for path, body, pointer in (
        ("/v1/views/Fleet/x", BODY, "screen"),
        ("/v1/views/fleet/%20x", BODY, "name"),
        ("/v1/views/fleet/" + "x" * 65, BODY, "name"),
        ("/v1/views/fleet/a%0Ab", BODY, "name"),
        ("/v1/views/fleet/x", {"search": "?a=b"}, "/search"),
        ("/v1/views/fleet/x", {"search": "a=b#c"}, "/search"),
        ("/v1/views/fleet/x", {"search": "a=<\n>"}, "/search"),
        ("/v1/views/fleet/x", {"search": "a" * 4097}, "/search"),
        ("/v1/views/fleet/x", {"search": "a", "owner": "me"}, "/owner"),
    ):
        answer = await client.put(path, json=body)
        assert answer.status_code == 422, path
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await client.put("/v1/views/fleet/all", json={"search": ""})).status_code == 200
    hostile = "q=%3Cscript%3Ealert(1)%3C/script%3E<script>"
    assert (await client.put("/v1/views/fleet/h", json={"search": hostile})).json()["search"] == hostile


async def test_a_principal_keeps_two_hundred_and_no_more(api):
    client = api.client("owner")
    for first in range(0, 200, 20):
        answers = [client.put(f"/v1/views/fleet/v{n}", json=BODY) for n in range(first, first + 20)]
        assert {answer.status_code for answer in await asyncio.gather(*answers)} == {200}
    full = await client.put("/v1/views/fleet/one-more", json=BODY)
    assert (full.status_code, full.json()["type"]) == (409, "/problems/too-many-views")
    assert (await client.put("/v1/views/fleet/v3", json=BODY, headers={"if-match": '"1"'})).status_code == 200
