"""`/v1/access`: what the page says of roles is what the doors do."""

from fairlead.model.access import PERMITS, ROLES


async def test_the_page_of_roles_and_permissions_is_what_the_doors_ask(api):
    answer = await api.client("vendor").get("/v1/access")
    assert answer.status_code == 200
    page = answer.json()
    assert {role["name"]: set(role["permissions"]) for role in page["roles"]} == {r: PERMITS[r] for r in ROLES}
    apply = next(one for one in page["permissions"] if one["name"] == "changes.apply")
    assert apply == {
        "name": "changes.apply", "words": "apply plans and let in entrants", "roles": ["owner", "operator"],
    }  # fmt: skip


async def test_strangers_do_not_read_it(api):
    assert (await api.client(None).get("/v1/access")).status_code == 401
