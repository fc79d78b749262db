"""Roles give what the table says, departments narrow it, and nobody approves themselves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from fairlead.model import access
from fairlead.model.access import PERMISSIONS, PERMITS, ROLES, WORDS, Principal, PrincipalKind, PrincipalState, Role
from fairlead.model.ids import PrincipalId, TenantId

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def someone(number: int, *roles: Role, departments: tuple[str, ...] = ()) -> Principal:
    return Principal(
        tenant=TenantId(UUID(int=1)),
        id=PrincipalId(UUID(int=number)),
        roles=frozenset(roles),
        departments=frozenset(departments),
    )


def test_every_role_has_a_row_and_only_the_owner_has_everything() -> None:
    assert set(PERMITS) == set(ROLES)
    assert PERMITS["owner"] == set(PERMISSIONS)
    assert all(PERMITS[role] < set(PERMISSIONS) for role in ROLES if role != "owner")


def test_an_auditor_changes_nothing() -> None:
    writes = {p for p in PERMISSIONS if not p.endswith((".read", ".export"))}
    assert not PERMITS["auditor"] & writes
    assert not PERMITS["finance"] & writes


def test_making_and_approving_are_different_roles() -> None:
    assert not {"changes.apply"} & PERMITS["approver"]
    assert not {"changes.approve"} & PERMITS["operator"]


def test_roles_add_up() -> None:
    both = someone(1, "operator", "approver")
    assert access.allowed(both, "changes.apply")
    assert access.allowed(both, "changes.approve")
    assert not access.allowed(someone(1), "devices.read")


def test_departments_narrow() -> None:
    local = someone(1, "operator", departments=("meters",))
    assert access.allowed(local, "devices.write")
    assert access.allowed(local, "devices.write", "meters")
    assert not access.allowed(local, "devices.write", "trackers")
    assert not access.allowed(local, "carriers.read", everywhere=True)
    assert access.allowed(someone(2, "operator"), "devices.write", "trackers")


@pytest.mark.parametrize("state", [PrincipalState.INVITED, PrincipalState.SUSPENDED, PrincipalState.REMOVED])
def test_only_the_active_and_unexpired_may_act(state: PrincipalState) -> None:
    vendor = replace(someone(1, "vendor"), expires_at=NOW + timedelta(hours=1))
    assert access.usable(vendor, NOW)
    assert not access.usable(vendor, NOW + timedelta(hours=1))
    assert not access.usable(replace(vendor, state=state), NOW)


def test_nobody_gives_more_than_they_hold() -> None:
    security = someone(1, "security", departments=("meters",))
    assert access.may_grant(security, ["vendor"], ["meters"]) is None
    assert "changes.apply" in (access.may_grant(security, ["operator"], ["meters"]) or "")
    assert access.may_grant(security, ["vendor"], ["trackers"])
    assert access.may_grant(security, ["vendor"], [])
    assert access.may_grant(someone(2, "owner"), ["owner"], []) is None


def test_nobody_approves_their_own_change_where_two_are_required() -> None:
    author, other = someone(1, "owner"), someone(2, "approver")
    assert access.may_approve(author=author, approver=author, required=1, already=()) is None
    assert access.may_approve(author=author, approver=author, required=2, already=())
    assert access.may_approve(author=author, approver=other, required=2, already=()) is None
    assert access.may_approve(author=author, approver=other, required=3, already=[other.id])
    assert access.may_approve(author=author, approver=someone(3, "operator"), required=1, already=())


def test_a_program_is_not_a_second_person() -> None:
    author = someone(1, "owner")
    program = replace(someone(9, "approver"), kind=PrincipalKind.TOKEN_HOLDER, sponsor=author.id)
    assert access.may_approve(author=author, approver=program, required=2, already=())
    assert access.may_approve(author=program, approver=author, required=2, already=())


def test_a_token_never_holds_more_than_its_principal() -> None:
    holder = someone(1, "operator", "auditor", departments=("meters", "trackers"))
    through = access.narrowed(holder, ["auditor", "owner"], ["meters"])
    assert through.roles == {"auditor"}
    assert through.departments == {"meters"}
    assert access.narrowed(holder, ["auditor"], []).departments == holder.departments
    assert access.narrowed(someone(2, "auditor"), ["auditor"], ["meters"]).departments == {"meters"}
    assert access.narrowed(someone(3, "owner"), ["auditor"], []).roles == {"auditor"}
    assert not access.narrowed(someone(3, "operator"), ["auditor"], []).roles
    apart = access.narrowed(holder, ["auditor"], ["elsewhere"])
    assert not apart.roles


def test_the_documented_table_is_the_table() -> None:
    text = (Path(__file__).parents[3] / "docs" / "people.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row.startswith("| ")]
    assert rows[0] == ["permission", *ROLES]
    documented = {
        row[0].strip("`"): {role for role, mark in zip(ROLES, row[1:], strict=True) if mark} for row in rows[2:]
    }
    assert documented == {p: {role for role in ROLES if p in PERMITS[role]} for p in PERMISSIONS}


def test_every_permission_is_said_in_words():
    assert set(WORDS) == set(PERMISSIONS)
    assert len(set(WORDS.values())) == len(WORDS), "two permissions are told apart by their words"
    assert all(words == words.strip(" .") and len(words) > 5 for words in WORDS.values())
