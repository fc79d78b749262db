-- Long work, and answers kept for repeated requests.

-- name: create
insert into job (tenant, id, kind, state, done, total, author, created_at, updated_at)
values (%(tenant)s, %(id)s, %(kind)s, 1, 0, %(total)s, %(author)s, %(now)s, %(now)s)

-- name: progress
update job set done = %(done)s, total = coalesce(%(total)s, total), updated_at = %(now)s
where id = %(id)s and state = 1

-- name: finish
update job set state = %(state)s, result = %(result)s, attention = %(attention)s, updated_at = %(now)s
where id = %(id)s and state = 1

-- name: get
select id, kind, state, done, total, result, attention, author, created_at, updated_at from job where id = %(id)s

-- name: page
select id, kind, state, done, total, result, attention, author, created_at, updated_at from job
where id < %(below)s order by id desc limit %(limit)s

-- name: take_key
-- The key is taken when it is new, or when what it holds is older than a day.
insert into idempotency as i (tenant, key, request_hash, at) values (%(tenant)s, %(key)s, %(hash)s, %(now)s)
on conflict (tenant, key) do update
    set request_hash = excluded.request_hash, status = null, body = null, media_type = null, at = excluded.at
    where i.at < %(oldest)s
returning true

-- name: kept
select request_hash, status, body, media_type from idempotency where key = %(key)s

-- name: keep
update idempotency set status = %(status)s, body = %(body)s, media_type = %(media_type)s where key = %(key)s

-- name: drop_key
delete from idempotency where key = %(key)s and status is null

-- name: forget_keys
delete from idempotency where at < %(oldest)s
