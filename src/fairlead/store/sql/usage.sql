-- Usage in: rows stand in `import_row`, whether a file or a carrier brought them, and the same statements judge,
-- count and keep them. Daily totals move by what a record adds to its former revision, so records are never read
-- again. Facts are computed from the totals, by the set.

-- name: lock
-- One intake of usage a tenant at a time: each reads what the one before it counted.
select pg_advisory_xact_lock(hashtextextended('usage ' || %(tenant)s::text, 0))

-- name: table
create temporary table import_row (
    line int not null, iccid text collate "C", subscription uuid, record_id text collate "C", kind smallint not null,
    started_at timestamptz not null, ended_at timestamptz not null, up_bytes bigint, down_bytes bigint,
    bytes bigint not null, zone text collate "C", plmn text collate "C", country text collate "C",
    final boolean not null, observed_at timestamptz not null, dated boolean not null, source text collate "C",
    account uuid, device uuid, hash bytea,
    what smallint not null default 1, -- 1 new, 2 a correction, 3 known
    revision int not null default 1, before_day date, before_bytes bigint not null default 0, before_up bigint,
    before_down bigint, before_open int not null default 0
) on commit drop

-- name: discard
drop table if exists import_row

-- name: fill
insert into import_row (line, subscription, record_id, kind, started_at, ended_at, up_bytes, down_bytes, bytes, final,
    observed_at, dated, source)
select u.*, true, %(source)s
from unnest(%(line)s::int[], %(subscription)s::uuid[], %(record_id)s::text[], %(kind)s::smallint[],
    %(started_at)s::timestamptz[], %(ended_at)s::timestamptz[], %(up_bytes)s::bigint[], %(down_bytes)s::bigint[],
    %(bytes)s::bigint[], %(final)s::boolean[], %(observed_at)s::timestamptz[]) as u

-- name: resolve
update import_row r set subscription = s.id, iccid = s.iccid, account = s.account, device = s.device,
    source = coalesce(r.source, 'file/' || a.name)
from subscription s join account a on a.tenant = s.tenant and a.id = s.account
where s.iccid = r.iccid

-- name: resolve_line
-- The same where the line is known by its id: a carrier was asked for it.
update import_row r set iccid = s.iccid, account = s.account, device = s.device
from subscription s where s.id = r.subscription

-- name: resolve_hash
-- A record without an id of its own is known by its line and period, and by what tells it from others there.
update import_row r set record_id = x.id, hash = sha256(convert_to(concat_ws('|', r.iccid, extract(epoch from r.started_at),
    extract(epoch from r.ended_at), coalesce(r.up_bytes, -1), coalesce(r.down_bytes, -1), r.bytes, coalesce(r.zone, ''),
    coalesce(r.plmn, ''), coalesce(r.country, ''), r.kind, r.final), 'UTF8'))
from (
    select line, coalesce(record_id, concat_ws('|', iccid, to_char(started_at at time zone 'UTC', 'YYYYMMDD"T"HH24MISS'),
        to_char(ended_at at time zone 'UTC', 'YYYYMMDD"T"HH24MISS'), coalesce(zone, ''), coalesce(plmn, ''),
        coalesce(country, ''), kind)) as id
    from import_row
) x where x.line = r.line

-- name: resolve_seen
update import_row r set what = case when s.content_hash = r.hash then 3 else 2 end
from seen s where s.tenant = %(tenant)s and s.source = r.source and s.record_id = r.record_id

-- name: resolve_former
-- What the record said last, and whether it has ever said what this row says.
update import_row r set revision = u.revision + 1, before_bytes = u.bytes, before_up = u.up_bytes,
    before_down = u.down_bytes, before_open = (not u.final)::int, before_day = (u.started_at at time zone 'UTC')::date,
    what = case when r.dated and u.observed_at > r.observed_at or not r.dated and u.said then 3 else 2 end
from (
    select i.line, f.*, exists (
        select 1 from usage_record h
        where h.tenant = %(tenant)s and h.subscription = i.subscription and h.started_at = i.started_at
            and h.source = i.source and h.record_id = i.record_id
            and (h.ended_at, h.bytes, h.up_bytes, h.down_bytes, h.final)
                is not distinct from (i.ended_at, i.bytes, i.up_bytes, i.down_bytes, i.final)) as said
    from import_row i
    cross join lateral (
        select h.revision, h.bytes, h.up_bytes, h.down_bytes, h.final, h.started_at, h.observed_at from usage_record h
        where h.tenant = %(tenant)s and h.subscription = i.subscription and h.started_at = i.started_at
            and h.source = i.source and h.record_id = i.record_id
        order by h.revision desc limit 1) f
    where i.what = 2
) u where u.line = r.line

-- name: check_line
select line, 'iccid', iccid, 'the ICCID of a SIM of this tenant' from import_row where subscription is null

-- name: check_repeated
select line, 'record', record_id, 'one row a record: line ' || first_line || ' says something else of it'
from (
    select line, record_id, hash, first_value(line) over w as first_line, first_value(hash) over w as first_hash
    from import_row where subscription is not null window w as (partition by source, record_id order by line)
) r where hash <> first_hash

-- name: check_moved
-- A correction changes what was counted, never whose it was or when it began: that is another record's id.
select line, 'record', record_id, 'an id of its own: the record with this id is of another SIM or period'
from import_row where what = 2 and before_day is null

-- name: collapse
-- The same row twice in one file is one record.
delete from import_row r using (
    select line, min(line) over (partition by source, record_id) as first_line from import_row) d
where d.line = r.line and d.first_line < r.line

-- name: count_repeats
select count(*) from (
    select line, min(line) over (partition by source, record_id) as first_line from import_row) d where first_line < line

-- name: drop_moved
delete from import_row where what = 2 and before_day is null

-- name: bounds
select min(started_at), max(started_at) from import_row

-- name: ensure_months
select ensure_months('usage_record', %(first)s, %(last)s)

-- name: apply_seen
insert into seen (tenant, source, record_id, content_hash, at)
select %(tenant)s, source, record_id, hash, %(now)s from import_row where what <> 3 order by source, record_id
on conflict (tenant, source, record_id) do update set content_hash = excluded.content_hash, at = excluded.at

-- name: apply_records
insert into usage_record (tenant, account, subscription, iccid, source, record_id, revision, kind, started_at, ended_at,
    up_bytes, down_bytes, bytes, zone, plmn, country, final, observed_at, received_at)
select %(tenant)s, account, subscription, iccid, source, record_id, revision, kind, started_at, ended_at, up_bytes,
    down_bytes, bytes, zone, plmn, country, final, observed_at, %(now)s
from import_row where what <> 3 order by started_at, subscription

-- name: apply_days
-- A day moves by what its records add to what they said before.
insert into usage_day as d (tenant, subscription, day, kind, source, bytes, up_bytes, down_bytes, records, open_records,
    observed_at)
select %(tenant)s, subscription, (started_at at time zone 'UTC')::date as day, kind, source, sum(bytes - before_bytes),
    case when bool_and(up_bytes is not null and (what = 1 or before_up is not null))
        then sum(up_bytes - coalesce(before_up, 0)) end,
    case when bool_and(down_bytes is not null and (what = 1 or before_down is not null))
        then sum(down_bytes - coalesce(before_down, 0)) end,
    count(*) filter (where what = 1), sum((not final)::int - before_open), max(observed_at)
from import_row where what <> 3
group by subscription, 3, kind, source order by subscription, 3, kind, source
on conflict (tenant, subscription, day, kind, source) do update set bytes = d.bytes + excluded.bytes,
    up_bytes = d.up_bytes + excluded.up_bytes, down_bytes = d.down_bytes + excluded.down_bytes,
    records = d.records + excluded.records, open_records = d.open_records + excluded.open_records,
    observed_at = greatest(d.observed_at, excluded.observed_at)

-- name: apply_states
-- Coverage goes on over gaps of up to 36 hours: of a longer one nobody knows whether the line was silent in it.
insert into usage_state as s (tenant, subscription, account, covered_from, through, last_byte_at)
select %(tenant)s, subscription, min(account::text)::uuid, min(started_at), max(least(ended_at, observed_at)),
    max(least(ended_at, observed_at)) filter (where bytes > 0)
from import_row where what <> 3 group by subscription order by subscription
on conflict (tenant, subscription) do update set
    covered_from = case
        when excluded.covered_from > s.through + interval '36 hours' then excluded.covered_from
        when excluded.through < s.covered_from - interval '36 hours' then s.covered_from
        else least(s.covered_from, excluded.covered_from) end,
    through = greatest(s.through, excluded.through),
    last_byte_at = greatest(s.last_byte_at, excluded.last_byte_at)

-- name: apply_zeroed
-- A correction may take the bytes away that were the last ones: then they are looked for among the records.
update usage_state s set last_byte_at = (
    select max(least(r.ended_at, r.observed_at)) from (
        select distinct on (u.source, u.record_id) u.ended_at, u.observed_at, u.bytes from usage_record u
        where u.tenant = s.tenant and u.subscription = s.subscription
        order by u.source, u.record_id, u.revision desc) r
    where r.bytes > 0)
from (select distinct subscription from import_row where what = 2 and bytes = 0 and before_bytes > 0) z
where s.tenant = %(tenant)s and s.subscription = z.subscription

-- name: counts
select count(*) filter (where what = 1), count(*) filter (where what = 2), count(*) filter (where what = 3),
    count(distinct device) filter (where what <> 3)
from import_row

-- name: all_lines
true

-- name: given_lines
s.id in (select subscription from import_row where what <> 3)

-- name: asked_lines
s.id = any (%(lines)s)

-- name: facts_discard
drop table if exists usage_line, usage_latest

-- name: facts_lines
-- The lines of every device that holds one of these: a device has their sum. In a table, because the planner takes
-- each step of a long statement for a row or two.
create temporary table usage_line on commit drop as
select s.device, s.id, s.connectivity_at, u.through, u.covered_from, u.last_byte_at, u.lag_s,
    least(u.through, %(now)s) at time zone 'UTC' as until,
    u.through >= %(now)s::timestamptz - u.lag_s * interval '1 second' - interval '1 day' as fresh
from (
    select distinct s.device from subscription s where s.tenant = %(tenant)s and s.device is not null and {lines}
) h
join subscription s on s.tenant = %(tenant)s and s.device = h.device
left join usage_state u on u.tenant = s.tenant and u.subscription = s.id

-- name: facts_lines_analyze
analyze usage_line

-- name: facts_days
-- Of days that several sources counted, one: raw before rated, the carrier's own reading before a file.
create temporary table usage_latest on commit drop as
select distinct on (d.subscription, d.day) d.subscription, d.day, d.bytes
from usage_line l join usage_day d on d.tenant = %(tenant)s and d.subscription = l.id
where d.day >= least(%(month)s::date, (%(now)s::timestamptz at time zone 'UTC')::date - 5)
order by d.subscription, d.day, d.kind, starts_with(d.source, 'carrier/') desc, d.observed_at desc

-- name: facts_days_analyze
analyze usage_latest

-- name: facts
-- What devices have used, of the lines they hold, and how long they have been silent as far as that is known.
-- The last 24 hours are read from days: the day that is covered last, and of the one before it the share that lies
-- within 24 hours.
with totals as (
    select l.id, coalesce(sum(d.bytes) filter (where d.day >= %(month)s), 0) as month,
        coalesce(sum(case when d.day = l.until::date then d.bytes
            when d.day = l.until::date - 1 then d.bytes * (1 - extract(epoch from l.until::time) / 86400) end), 0) as latest
    from usage_line l left join usage_latest d on d.subscription = l.id group by l.id
), devices as (
    select l.device,
        sum(t.latest) filter (where l.fresh)::bigint as latest,
        sum(t.month) filter (where l.until >= %(month)s)::bigint as month,
        max(l.through) as through, max(l.lag_s) filter (where l.through is not null) as lag_s,
        max(greatest(l.last_byte_at, l.covered_from)) as active_at, max(l.connectivity_at) as looked_at
    from usage_line l join totals t on t.id = l.id group by l.device
), silence as (
    select d.*, greatest(d.active_at, f.place_at, f.last_contact_at) as last_at,
        greatest(d.through, case when f.place_at is not null then d.looked_at end) as known_to
    from devices d join fact f on f.tenant = %(tenant)s and f.device = d.device
), fresh as (
    select s.*, case
        when known_to - last_at >= interval '1 day' then (extract(epoch from known_to - last_at) / 86400)::numeric(12, 6)
        when last_at >= %(now)s::timestamptz - interval '2 days' then 0 end as silent -- else: silent or not, nobody knows
    from silence s
), written as (
    update fact f set usage_24h_bytes = n.latest, usage_month_bytes = n.month, usage_at = n.through,
        usage_lag_s = n.lag_s, silent_days = floor(n.silent)::int
    from fresh n join fact b on b.tenant = %(tenant)s and b.device = n.device
    where f.tenant = %(tenant)s and f.device = n.device
        and (f.usage_24h_bytes, f.usage_month_bytes, f.usage_at, f.usage_lag_s, f.silent_days)
            is distinct from (n.latest, n.month, n.through, n.lag_s, floor(n.silent)::int)
    returning f.device, (b.usage_24h_bytes, b.usage_month_bytes, b.silent_days)
        is distinct from (f.usage_24h_bytes, f.usage_month_bytes, f.silent_days) as moved
), marked as (
    insert into dirty (tenant, device) -- windows roll on for every device that speaks: only where some policy reads them
    select %(tenant)s, device from written
    where moved and exists (
        select 1 from revision r where r.tenant = %(tenant)s and r.state in (1, 2)
            and (strpos(r.resource::text, 'usage_') > 0 or strpos(r.resource::text, 'silent_days') > 0))
    order by device
    on conflict (tenant, device) do update set device = excluded.device
    returning 1
)
select (select count(*) from written), (select count(*) from marked)

-- Reading carriers --------------------------------------------------------------------------------

-- name: accounts_due
-- Accounts with a connector of which lines are due, or whose inventory was read since its lines were enrolled.
select x.id, x.name, x.enrol from (
    select a.id, a.name, a.usage_enrolled_at is null or a.swept_at > a.usage_enrolled_at as enrol,
        exists (select 1 from usage_state u where u.account = a.id and u.next_at <= %(now)s) as due
    from account a
    where a.connector <> 'none' and (a.usage_after is null or a.usage_after <= %(now)s)
) x where x.enrol or x.due order by x.name

-- name: rest_account
-- Not before then: its carrier gives no usage, is busy, or is away.
update account set usage_after = %(until)s where id = %(account)s

-- name: enrol
-- Lines that the carrier knows and that nobody has asked it about yet.
insert into usage_state as u (tenant, subscription, account, next_at)
select s.tenant, s.id, s.account, %(now)s from subscription s
where s.tenant = %(tenant)s and s.account = %(account)s and s.provider_id is not null and s.state <> 8
    and not exists (select 1 from usage_state k where k.tenant = s.tenant and k.subscription = s.id and k.next_at is not null)
order by s.id
on conflict (tenant, subscription) do update set account = excluded.account, next_at = excluded.next_at
where u.next_at is null

-- name: enrolled
update account set usage_enrolled_at = %(now)s where id = %(account)s

-- name: due
-- Those that have waited longest. A line that has ended is asked once more and then left alone.
select u.subscription, s.provider_id, u.through, s.state = 8
from usage_state u join subscription s on s.tenant = u.tenant and s.id = u.subscription
where u.tenant = %(tenant)s and u.account = %(account)s and u.next_at <= %(now)s and s.provider_id is not null
order by u.next_at limit %(limit)s

-- name: read
-- A reading covers what was asked for, though the carrier may have had nothing to say of it.
update usage_state u set read_at = %(now)s, next_at = case when r.ended then 'infinity' else %(now)s::timestamptz + %(rest)s::interval end,
    covered_from = case when u.through is null or u.through < r.since - interval '36 hours' then r.since
        else least(u.covered_from, r.since) end,
    through = greatest(u.through, r.until), lag_s = %(lag_s)s, put_off = 0, failure = null
from unnest(%(lines)s::uuid[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(ended)s::boolean[])
    as r (line, since, until, ended)
where u.tenant = %(tenant)s and u.subscription = r.line

-- name: put_off
-- A line that could not be read is asked again later, each time twice as late, at most a day; one that ended is not.
update usage_state u set put_off = least(u.put_off + 1, 12), failure = %(failure)s,
    next_at = case when s.state = 8 then 'infinity'
        else %(now)s::timestamptz + least(%(rest)s::interval * power(2, least(u.put_off, 8)), interval '1 day') end
from subscription s
where u.tenant = %(tenant)s and u.subscription = any (%(lines)s) and s.tenant = u.tenant and s.id = u.subscription

-- What doors show ---------------------------------------------------------------------------------

-- name: days
select distinct on (d.day) d.day, d.bytes, d.up_bytes, d.down_bytes, d.kind, d.source, d.records,
    d.open_records = 0 as final, d.observed_at
from usage_day d
where d.subscription = %(subscription)s and d.day < %(before)s
order by d.day desc, d.kind, starts_with(d.source, 'carrier/') desc, d.observed_at desc
limit %(limit)s

-- name: state
select u.covered_from, u.through, u.last_byte_at, u.lag_s, u.read_at, nullif(u.next_at, 'infinity') as next_at, u.failure
from usage_state u where u.subscription = %(subscription)s

-- name: line
-- The line that a carrier knows by this key.
select s.id from subscription s join account a on a.tenant = s.tenant and a.id = s.account
where a.name = %(account)s and (s.provider_id = %(sim)s or s.iccid = %(sim)s) order by s.id limit 1

-- name: last_usage
-- What a line used since a day, from what has been taken in; the evidence kept when it ends.
select min(day), sum(bytes)::bigint, sum(up_bytes)::bigint, sum(down_bytes)::bigint, bool_and(final), max(observed_at)
from (
    select distinct on (d.day) d.day, d.bytes, d.up_bytes, d.down_bytes, d.open_records = 0 as final, d.observed_at
    from usage_day d join subscription s on s.tenant = d.tenant and s.id = d.subscription
    where s.id = %(line)s and d.day >= %(since)s
    order by d.day, d.kind, starts_with(d.source, 'carrier/') desc, d.observed_at desc
) x
