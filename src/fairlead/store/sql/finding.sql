-- Findings: raised and closed by the set, listed by keyset in the order they opened.

-- name: columns
f.id, f.kind, f.severity, f.subject_kind, f.subject_id, f.subject_name, f.key, f.title, f.evidence, f.score, f.state,
    f.opened_at, f.last_seen_at, f.sightings, f.acknowledged_at, f.acknowledged_by, f.acknowledged_because,
    f.closed_at, f.closed_by, f.closer, f.closed_because

-- name: raise_many
-- In the order of keys, so that two that raise the same never wait for each other in a ring. What comes back with the
-- id that was minted for it is new. A sighting that comes late counts, but takes nothing back.
insert into finding as f (tenant, id, kind, severity, subject_kind, subject_id, subject_name, key, title, evidence, score,
                          opened_at, last_seen_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), x.id, x.kind, x.severity, x.subject_kind,
    x.subject_id, x.subject_name, x.key, x.title, x.evidence, x.score, %(now)s, %(now)s
from jsonb_to_recordset(%(seen)s) x (id uuid, kind text, severity smallint, subject_kind text, subject_id text,
    subject_name text, key text, title text, evidence jsonb, score double precision)
order by x.kind collate "C", x.key collate "C"
on conflict (tenant, kind, key) where state <> 3 do update set
    sightings = f.sightings + 1,
    last_seen_at = greatest(f.last_seen_at, excluded.last_seen_at),
    severity = case when excluded.last_seen_at >= f.last_seen_at then excluded.severity else f.severity end,
    title = case when excluded.last_seen_at >= f.last_seen_at then excluded.title else f.title end,
    evidence = case when excluded.last_seen_at >= f.last_seen_at then excluded.evidence else f.evidence end,
    score = case when excluded.last_seen_at >= f.last_seen_at then excluded.score else f.score end
returning {columns}

-- name: close_many
with over as (
    select o.tenant, o.id from finding o
    where o.kind = %(kind)s and o.state <> 3 and (o.key = any (%(keys)s)) is distinct from %(others)s
        and (%(unseen)s::timestamptz is null or o.last_seen_at < %(unseen)s)
    order by o.key for update
)
update finding f set state = 3, closed_at = %(now)s, closed_by = 1, closed_because = %(because)s
from over where f.tenant = over.tenant and f.id = over.id
returning {columns}

-- name: read
select {columns} from finding f where f.id = %(id)s {lock}

-- name: page
select {columns} from finding f where f.id < %(below)s and {wanted} order by f.id desc limit %(limit)s

-- name: in_open
f.state = 1

-- name: in_acknowledged
f.state = 2

-- name: in_closed
f.state = 3

-- name: in_live
f.state <> 3

-- name: is_kind
f.kind = %(kind)s

-- name: is_severity
f.severity = %(severity)s

-- name: is_subject_kind
f.subject_kind = %(subject_kind)s

-- name: is_subject_id
f.subject_id = %(subject_id)s

-- name: counts
select f.state, f.severity, f.kind, count(*) from finding f where f.state <> 3 group by 1, 2, 3

-- name: acknowledge
update finding set state = 2, acknowledged_at = %(now)s, acknowledged_by = %(person)s, acknowledged_because = %(reason)s
where id = %(id)s

-- name: close
update finding set state = 3, closed_at = %(now)s, closed_by = 2, closer = %(person)s, closed_because = %(reason)s
where id = %(id)s
