-- Who must agree, as each tenant says.

-- name: read
select charges, changed_at, changed_by, version from agreement

-- name: keep
-- A new one where there is none (version 0), else the one of that version.
insert into agreement (tenant, charges, changed_at, changed_by)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(charges)s, %(now)s, %(actor)s
where %(version)s = 0
on conflict do nothing

-- name: replace
update agreement set charges = %(charges)s, changed_at = %(now)s, changed_by = %(actor)s, version = version + 1
where version = %(version)s
