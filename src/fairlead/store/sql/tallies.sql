-- Counting what a list would show: chunks of the walk that the list takes, counted instead of kept. Each chunk
-- answers with one row of its own (dimension null: rows read, rows wanted, place of the last) and one a value.

-- name: walk_only
-- The planner would sometimes read and sort all of a table, or all rows of a value, for each chunk of it.
select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)

-- name: tally_fact
with chunk as materialized (
    select f.device, f.breach_at, coalesce({wanted}, false) as wanted, {columns} from fact f
    where {drive} and f.device > %(after)s order by f.device limit %(chunk)s
)
select null::text as dimension, null::text as value, count(*) as scanned, count(*) filter (where wanted) as n,
    (select device from chunk order by device desc limit 1) as last, null::timestamptz as last_at
from chunk {by}

-- name: tally_device
with chunk as materialized (
    select d.id as device, f.* from (select d.id from device d where {drive} and d.id > %(after)s
                                     order by d.id limit %(chunk)s) d
    cross join lateral (select coalesce({wanted}, false) as wanted, {columns} from fact f where f.device = d.id limit 1) f
)
select null::text as dimension, null::text as value, count(*) as scanned, count(*) filter (where wanted) as n,
    (select device from chunk order by device desc limit 1) as last, null::timestamptz as last_at
from chunk {by}

-- name: tally_breach
with chunk as materialized (
    select f.device, f.breach_at, coalesce({wanted}, false) as wanted, {columns} from fact f
    where f.breach_at < %(breach_before)s and f.breach_at is not null
        and (f.breach_at, f.device) > (%(after_at)s, %(after)s)
    order by f.breach_at, f.device limit %(chunk)s
)
select null::text as dimension, null::text as value, count(*) as scanned, count(*) filter (where wanted) as n,
    (select device from chunk order by breach_at desc, device desc limit 1) as last, max(breach_at) as last_at
from chunk {by}

-- name: tally_value
union all
select {name}, {column}, 0, count(*), null, null from chunk where wanted group by {column}
