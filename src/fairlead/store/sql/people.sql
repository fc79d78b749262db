-- Principals, their credentials and their sign-ins. Secrets arrive hashed or sealed.

-- name: tenant_named
select tenant_named(%(name)s)

-- name: principals
select {columns}
from principal as p
where p.tenant = %(tenant)s and p.state <> 4
    and p.id > coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000')
order by p.id
limit %(limit)s

-- name: principal
select {columns} from principal as p where p.tenant = %(tenant)s and p.id = %(id)s

-- name: principal_by_email
select {columns} from principal as p where p.tenant = %(tenant)s and p.email_folded = %(email_folded)s

-- name: principal_by_identity
select {columns}
from principal_identity as i
join principal as p on p.tenant = i.tenant and p.id = i.principal
where i.tenant = %(tenant)s and i.issuer = %(issuer)s and i.subject = %(subject)s

-- name: columns
p.id, p.kind, p.name, p.email, p.roles, p.departments, p.state, p.sponsor, p.password_hash, p.linkable,
p.expires_at, p.created_at, p.version

-- name: add_principal
insert into principal (
    tenant, id, kind, name, email, email_folded, roles, departments, state, sponsor, password_hash, linkable,
    expires_at, created_at
)
values (
    %(tenant)s, %(id)s, %(kind)s, %(name)s, %(email)s, %(email_folded)s, %(roles)s, %(departments)s, %(state)s,
    %(sponsor)s, %(password_hash)s, %(linkable)s, %(expires_at)s, %(created_at)s
)

-- name: change_principal
update principal as p
set name = %(name)s, email = %(email)s, email_folded = %(email_folded)s, roles = %(roles)s,
    departments = %(departments)s, state = %(state)s, linkable = %(linkable)s, expires_at = %(expires_at)s,
    password_hash = case when %(state)s = 4 then null else p.password_hash end,
    version = p.version + 1
where p.tenant = %(tenant)s and p.id = %(id)s and p.version = %(version)s
returning {columns}

-- name: lock_owners
-- Two owners who demote each other at once would leave none: one waits for the other.
select pg_advisory_xact_lock(hashtextextended('owners/' || %(tenant)s::text, 0))

-- name: owners
select count(*) from principal where tenant = %(tenant)s and state = 2 and 'owner' = any(roles)

-- name: set_password
update principal set password_hash = %(password_hash)s where tenant = %(tenant)s and id = %(id)s

-- name: activate
update principal set state = 2, version = version + 1 where tenant = %(tenant)s and id = %(id)s and state = 1

-- name: identities
select issuer, subject, linked_at from principal_identity
where tenant = %(tenant)s and principal = %(principal)s
order by linked_at, issuer, subject

-- name: link
insert into principal_identity (tenant, issuer, subject, principal, linked_at)
values (%(tenant)s, %(issuer)s, %(subject)s, %(principal)s, %(linked_at)s)

-- name: linked
-- An invitation by e-mail is taken once.
update principal set linkable = false, state = case when state = 1 then 2 else state end, version = version + 1
where tenant = %(tenant)s and id = %(principal)s

-- name: unlink
delete from principal_identity
where tenant = %(tenant)s and principal = %(principal)s and issuer = %(issuer)s and subject = %(subject)s

-- name: unlink_all
delete from principal_identity where tenant = %(tenant)s and principal = %(principal)s

-- name: add_token
insert into token (
    tenant, id, hash, principal, name, roles, departments, created_by, created_at, expires_at
)
values (
    %(tenant)s, %(id)s, %(hash)s, %(principal)s, %(name)s, %(roles)s, %(departments)s, %(created_by)s,
    %(created_at)s, %(expires_at)s
)

-- name: tokens
select id, principal, name, roles, departments, created_by, created_at, expires_at, last_used_at, revoked_at
from token
where tenant = %(tenant)s and id > coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000')
order by id
limit %(limit)s

-- name: tokens_of
select id, principal, name, roles, departments, created_by, created_at, expires_at, last_used_at, revoked_at
from token
where tenant = %(tenant)s and principal = %(principal)s
    and id > coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000')
order by id
limit %(limit)s

-- name: token
select id, principal, name, roles, departments, created_by, created_at, expires_at, last_used_at, revoked_at
from token
where tenant = %(tenant)s and id = %(id)s

-- name: revoke_token
update token set revoked_at = %(at)s where tenant = %(tenant)s and id = %(id)s and revoked_at is null

-- name: revoke_tokens_of
update token set revoked_at = %(at)s where tenant = %(tenant)s and principal = %(principal)s and revoked_at is null

-- name: token_by_hash
select k.id, k.principal, k.name, k.roles, k.departments, k.created_by, k.created_at, k.expires_at,
    k.last_used_at, k.revoked_at
from token as k
join tenant as t on t.id = k.tenant and t.state = 1
where k.tenant = %(tenant)s and k.hash = %(hash)s and k.revoked_at is null
    and (k.expires_at is null or k.expires_at > %(now)s)

-- name: touch_token
update token set last_used_at = %(now)s where tenant = %(tenant)s and id = %(id)s

-- name: open_session
insert into browser_session (tenant, hash, principal, created_at, idle_until, expires_at)
values (%(tenant)s, %(hash)s, %(principal)s, %(created_at)s, %(idle_until)s, %(expires_at)s)

-- name: session_by_hash
select s.hash, s.principal, s.created_at, s.idle_until, s.expires_at
from browser_session as s
join tenant as t on t.id = s.tenant and t.state = 1
where s.tenant = %(tenant)s and s.hash = %(hash)s and s.expires_at > %(now)s and s.idle_until > %(now)s

-- name: touch_session
update browser_session set idle_until = least(%(idle_until)s, expires_at)
where tenant = %(tenant)s and hash = %(hash)s

-- name: end_session
delete from browser_session where tenant = %(tenant)s and hash = %(hash)s

-- name: end_sessions_of
delete from browser_session where tenant = %(tenant)s and principal = %(principal)s

-- name: drop_setup_codes
delete from setup_code
where tenant = %(tenant)s and used_at is null and principal is not distinct from %(principal)s

-- name: add_setup_code
insert into setup_code (tenant, hash, principal, created_at, expires_at)
values (%(tenant)s, %(hash)s, %(principal)s, %(now)s, %(expires_at)s)

-- name: setup_code
select principal, expires_at from setup_code
where tenant = %(tenant)s and hash = %(hash)s and used_at is null and expires_at > %(now)s

-- name: use_setup_code
update setup_code set used_at = %(now)s
where tenant = %(tenant)s and hash = %(hash)s and used_at is null and expires_at > %(now)s

-- name: open_attempt
insert into sign_in_attempt (tenant, kind, key, failures, last_at, blocked_until)
values (%(tenant)s, %(kind)s, %(key)s, 0, %(now)s, %(now)s)
on conflict (tenant, kind, key) do nothing

-- name: read_attempt
select failures, last_at, blocked_until from sign_in_attempt
where tenant = %(tenant)s and kind = %(kind)s and key = %(key)s
for update

-- name: count_attempt
update sign_in_attempt set failures = %(failures)s, last_at = %(now)s, blocked_until = %(blocked_until)s
where tenant = %(tenant)s and kind = %(kind)s and key = %(key)s

-- name: forgive_account
delete from sign_in_attempt where tenant = %(tenant)s and kind = 1 and key = %(key)s

-- name: forgive_address
-- Only the attempt that turned out well: whoever owns one account must not clear the way to others.
update sign_in_attempt set failures = greatest(failures - 1, 0), blocked_until = %(now)s
where tenant = %(tenant)s and kind = 2 and key = %(key)s

-- name: oidc_settings
select issuer, client_id, client_secret, scopes, role_claim, role_map
from oidc_provider
where tenant = %(tenant)s

-- name: set_oidc
insert into oidc_provider (tenant, issuer, client_id, client_secret, scopes, role_claim, role_map, updated_at)
values (
    %(tenant)s, %(issuer)s, %(client_id)s, %(client_secret)s, %(scopes)s, %(role_claim)s, %(role_map)s, %(at)s
)
on conflict (tenant) do update
set issuer = excluded.issuer, client_id = excluded.client_id, client_secret = excluded.client_secret,
    scopes = excluded.scopes, role_claim = excluded.role_claim, role_map = excluded.role_map,
    updated_at = excluded.updated_at

-- name: remove_oidc
delete from oidc_provider where tenant = %(tenant)s

-- name: add_flow
insert into oidc_flow (
    tenant, state_hash, browser_hash, nonce, verifier, redirect_uri, return_to, expires_at
)
values (
    %(tenant)s, %(state_hash)s, %(browser_hash)s, %(nonce)s, %(verifier)s, %(redirect_uri)s, %(return_to)s,
    %(expires_at)s
)

-- name: take_flow
delete from oidc_flow
where tenant = %(tenant)s and state_hash = %(state_hash)s and expires_at > %(now)s
returning browser_hash, nonce, verifier, redirect_uri, return_to, expires_at

-- name: sweep_sessions
delete from browser_session where tenant = %(tenant)s and expires_at <= %(now)s

-- name: sweep_flows
delete from oidc_flow where tenant = %(tenant)s and expires_at <= %(now)s

-- name: sweep_attempts
delete from sign_in_attempt where tenant = %(tenant)s and last_at < %(before)s
