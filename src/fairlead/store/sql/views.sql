-- Saved views: own ones by principal, everybody's under the nil id.

-- name: views
select screen, name, owner, search, author, updated_at, version from view
where owner in (%(owner)s, %(shared)s) and (%(screen)s::text is null or screen = %(screen)s)
order by screen, name, owner desc

-- name: view
select screen, name, owner, search, author, updated_at, version from view
where owner = %(owner)s and screen = %(screen)s and name = %(name)s

-- name: count
select count(*) from view where owner = %(owner)s

-- name: add
insert into view (tenant, owner, screen, name, search, author, updated_at)
values (%(tenant)s, %(owner)s, %(screen)s, %(name)s, %(search)s, %(author)s, %(at)s)
on conflict (tenant, owner, screen, name) do nothing

-- name: replace
update view set search = %(search)s, author = %(author)s, updated_at = %(at)s, version = version + 1
where owner = %(owner)s and screen = %(screen)s and name = %(name)s and version = %(version)s

-- name: remove
delete from view where owner = %(owner)s and screen = %(screen)s and name = %(name)s
