-- Outages: who is heard and who is not, by the set and by stratum; whose network is out; availability.
-- A few statements a tenant and bucket, whatever the size of the fleet. The temporary table `footed` has a row for
-- each device that is counted.

-- name: one_at_a_time
select pg_advisory_xact_lock(hashtextextended('outages:' || %(tenant)s::text, 0))

-- name: measured
-- The newest bucket.
select max(at) from reach where tenant = %(tenant)s and kind = 6 and name = ''

-- name: no_nested_loops
-- The planner does not know how many devices a condition on instants lets through; hashing suits ten and a million.
select set_config('enable_nestloop', 'off', true)

-- name: nested_loops
select set_config('enable_nestloop', 'on', true)

-- name: busy
-- Devices that are being moved by us: where they are says nothing about networks.
create temp table busy on commit drop as
select distinct o.device from operation o
where o.tenant = %(tenant)s and o.state in (1, 2, 3, 4, 10) and o.device is not null and (o.facet = 1 or o.driver = 'carrier')

-- name: footed
-- Whether each device is heard, and where. `readable`: its carrier answers us, so that silence is the device's own.
create temp table footed on commit drop as
select f.device, coalesce(f.device_group, '') as device_group, coalesce(f.country, '') as country, f.outage,
       a.id as account, a.name as account_name, f.iccid, fo.account as usual, fo.family, fo.strayed_at, fo.excused,
       x.heard, x.heard or x.readable as known, b.device is not null as busy,
       f.outage is true or (fo.strayed_at is not null and f.outage_over_at > %(now)s::timestamptz - %(frozen)s::interval) as frozen,
       d.content ->> 'carrier' is not distinct from a.name as sent
from fact f
left join account a on a.tenant = f.tenant and a.name = f.carrier
left join footing fo on fo.tenant = f.tenant and fo.device = f.device
left join facet n on n.tenant = f.tenant and n.device = f.device and n.facet = 1
left join document d on d.tenant = f.tenant and d.id = n.desired
left join busy b on b.device = f.device
left join subscription s on s.tenant = f.tenant and s.iccid = f.iccid
left join objective o on o.tenant = f.tenant and o.device_group = coalesce(f.device_group, '')
left join objective every on every.tenant = f.tenant and every.device_group = ''
cross join lateral (select make_interval(secs => coalesce(o.heard_every_s, every.heard_every_s, %(heard_every_s)s)) as every) h
cross join lateral (
    select a.connector is not null and a.connector <> 'none' and a.failing_since is null
           and coalesce(greatest(a.swept_at, a.changed_at) >= %(now)s::timestamptz - greatest(h.every, %(fresh)s::interval), false)
           as readable) r
cross join lateral (
    select r.readable, greatest(f.last_contact_at, f.place_at) >= %(now)s::timestamptz - h.every
           or (f.connectivity = 'online' and r.readable) as heard) x
where f.tenant = %(tenant)s and f.device_state = 'active'
  and coalesce(s.state, 9) in (2, 3, 4, 9) -- a line that somebody put aside is not expected to be heard
  and greatest(f.last_contact_at, f.place_at) >= %(now)s::timestamptz - %(forgotten)s::interval

-- name: analyze_footed
analyze footed

-- name: stand
-- Devices that are seen on a network for the first time.
insert into footing (tenant, device, account, family)
select %(tenant)s, t.device, t.account, t.account_name || '/' || coalesce(left(p.imsi, 5), '')
from footed t left join profile p on p.tenant = %(tenant)s and p.iccid = t.iccid
where t.usual is null and t.account is not null
order by t.device
on conflict do nothing

-- name: settle
-- Devices that were sent to another network, or have been there for long, stand there now; not in an outage.
update footing fo
set account = t.account, family = t.account_name || '/' || coalesce(left(p.imsi, 5), ''), strayed_at = null, excused = false
from footed t left join profile p on p.tenant = %(tenant)s and p.iccid = t.iccid
where fo.tenant = %(tenant)s and fo.device = t.device and t.heard and not t.busy and not t.frozen and t.account <> t.usual
  and (t.sent or t.strayed_at < %(now)s::timestamptz - %(settles)s::interval)

-- name: stray
-- Who is heard on another network than its own, from now on; and who is back.
update footing fo set strayed_at = case when t.account <> fo.account then %(now)s::timestamptz end, excused = false
from footed t
where fo.tenant = %(tenant)s and fo.device = t.device and t.heard
  and (t.account <> fo.account) <> (fo.strayed_at is not null)

-- name: count
-- Where each device stands after that, counted by all that tells strata apart, and then by stratum.
with stood as (
    select t.device_group, t.country, t.heard, t.busy and t.outage is not true as busy, fo.account, fo.family,
           fo.strayed_at is not null and t.heard
             and (fo.excused or fo.strayed_at < %(now)s::timestamptz - %(late)s::interval) as away,
           fo.strayed_at is not null and t.heard as elsewhere
    from footed t join footing fo on fo.tenant = %(tenant)s and fo.device = t.device
    where t.known
), alike as materialized (
    select device_group, country, account, family, busy, count(*) as n, count(*) filter (where not heard) as missing,
           count(*) filter (where away) as away, count(*) filter (where elsewhere) as elsewhere
    from stood group by device_group, country, account, family, busy
), strata as (
    select 2 as kind, a.name, s.n, s.missing, s.elsewhere - s.away as strayed, s.away from alike s
    join account a on a.tenant = %(tenant)s and a.id = s.account where not s.busy
    union all
    select 3, s.family, s.n, s.missing, s.elsewhere - s.away, s.away from alike s where not s.busy
    union all
    select 1, u.core, s.n, s.missing, s.elsewhere - s.away, s.away from alike s
    join register r on r.tenant = %(tenant)s and r.account = s.account
    cross join lateral (select distinct unnest(r.upstream) as core) u where not s.busy
    union all
    select 4, s.device_group, s.n, s.missing, 0, s.elsewhere from alike s
    union all
    select 5, s.country, s.n, s.missing, 0, s.elsewhere from alike s
    union all
    select 6, '', s.n, s.missing, 0, s.elsewhere from alike s
)
insert into reach (tenant, kind, name, at, expected, missing, strayed, away)
select %(tenant)s, kind, name, %(at)s, sum(n), sum(missing), sum(strayed), sum(away)
from strata group by kind, name
on conflict (tenant, kind, name, at) do nothing
returning kind, name, expected - away, missing, strayed

-- name: below
-- The accounts of each core and the families of each account, as they are in use.
select distinct 1, u.core, 2, a.name from register r
join account a on a.tenant = r.tenant and a.id = r.account cross join lateral unnest(r.upstream) as u (core)
where r.tenant = %(tenant)s
union
select distinct 2, a.name, 3, r.name from reach r
join account a on a.tenant = r.tenant and starts_with(r.name, a.name || '/')
where r.tenant = %(tenant)s and r.kind = 3 and r.at = %(at)s

-- name: past
-- What was counted at the same hour of other days and in the last day, of strata that are judged; of no outage.
select kind, name, at, expected - away, missing, strayed, at >= %(at)s::timestamptz - interval '1 day' as recent,
       extract(hour from at at time zone 'UTC') = %(hour)s as same_hour
from reach
where tenant = %(tenant)s and kind in (1, 2, 3) and at >= %(from)s and at < %(at)s and not out and buckets = 1
  and (extract(hour from at at time zone 'UTC') = %(hour)s or at >= %(at)s::timestamptz - interval '1 day')
order by at

-- name: since
select kind, name, min(at) from reach where tenant = %(tenant)s and kind in (1, 2, 3) and at >= %(from)s group by kind, name

-- name: standings
select kind, name, bad, good, since, is_out, blamed, usual_rate, opens_at from outage where tenant = %(tenant)s

-- name: forget_standings
delete from outage where tenant = %(tenant)s

-- name: keep_standings
insert into outage (tenant, kind, name, bad, good, since, is_out, blamed, usual_rate, opens_at)
select %(tenant)s, * from unnest(%(kind)s::smallint[], %(name)s::text[], %(bad)s::int[], %(good)s::int[],
                                 %(since)s::timestamptz[], %(out)s::boolean[], %(blamed)s::boolean[], %(usual)s::float8[],
                                 %(opens)s::float8[])

-- name: mark_out
-- Nothing of these buckets is usual.
update reach r set out = true
from unnest(%(kind)s::smallint[], %(name)s::text[], %(from)s::timestamptz[]) as x (kind, name, since)
where r.tenant = %(tenant)s and r.kind = x.kind and r.name = x.name and r.at >= x.since and not r.out

-- name: facts
-- What policies read: whether the network that a device usually uses is out. Whoever changes is resolved again.
with out as materialized (
    select fo.device from footing fo
    where fo.tenant = %(tenant)s and (
        fo.account in (
            select a.id from account a where a.tenant = %(tenant)s and a.name = any (%(accounts)s::text[])
            union all
            select r.account from register r where r.tenant = %(tenant)s and r.upstream && %(cores)s::text[])
        or fo.family = any (%(families)s::text[]))
      and (fo.probe_at is null or fo.probe_at < %(now)s::timestamptz - %(probing)s::interval)
), moved as (
    update fact f
    set outage = b.out, outage_over_at = case when b.out then null else %(now)s::timestamptz end
    from (
        select f.device, o.device is not null as out from fact f left join out o on o.device = f.device
        where f.tenant = %(tenant)s and (o.device is not null) is distinct from coalesce(f.outage, false)
        order by f.device for update of f
    ) b
    where f.tenant = %(tenant)s and f.device = b.device
    returning f.device, f.outage
), forgiven as (
    update footing fo set excused = true from moved m
    where fo.tenant = %(tenant)s and fo.device = m.device and not m.outage and fo.strayed_at is not null
), dirtied as (
    insert into dirty (tenant, device) select %(tenant)s, device from moved order by device
    on conflict (tenant, device) do update set device = excluded.device
)
select count(*) filter (where outage), count(*) filter (where not outage) from moved

-- name: probe
-- Everybody of an account that is out went elsewhere, so nobody can say whether its network is back: a few are told
-- that it is, their policy sends them, and those who find it dead come back by themselves.
update footing fo set probe_at = %(now)s
where fo.tenant = %(tenant)s and fo.device in (
    select t.device from footed t
    join footing mine on mine.tenant = %(tenant)s and mine.device = t.device
    join account a on a.tenant = %(tenant)s and a.id = mine.account
    where a.name = %(account)s and t.heard and mine.strayed_at is not null
    order by mine.probe_at nulls first, t.device limit %(limit)s)
  and not exists (
    select 1 from footing other
    where other.tenant = %(tenant)s and other.account = fo.account
      and other.probe_at > %(now)s::timestamptz - %(probing)s::interval)

-- name: sum_up
-- Old buckets become hours.
with taken as (
    delete from reach where tenant = %(tenant)s and buckets = 1 and at < %(before)s returning *
)
insert into reach (tenant, kind, name, at, buckets, expected, missing, strayed, away, out)
select tenant, kind, name, date_trunc('hour', at, 'UTC'), count(*), sum(expected), sum(missing), sum(strayed), sum(away),
       bool_or(out)
from taken group by tenant, kind, name, date_trunc('hour', at, 'UTC')
on conflict (tenant, kind, name, at) do update
set buckets = reach.buckets + excluded.buckets, expected = reach.expected + excluded.expected,
    missing = reach.missing + excluded.missing, strayed = reach.strayed + excluded.strayed, away = reach.away + excluded.away,
    out = reach.out or excluded.out

-- name: forget
delete from reach where tenant = %(tenant)s and at < %(before)s

-- name: health
-- Every judged stratum in the newest bucket.
with newest as materialized (select max(at) as at from reach where tenant = %(tenant)s and kind = 6 and name = '')
select r.kind, r.name, r.at, r.expected - r.away, r.missing, r.strayed, r.away,
       coalesce(o.bad, 0), coalesce(o.good, 0), o.since, coalesce(o.is_out, false), coalesce(o.blamed, false), o.usual_rate, o.opens_at
from reach r join newest n on n.at = r.at
left join outage o on o.tenant = r.tenant and o.kind = r.kind and o.name = r.name
where r.tenant = %(tenant)s and r.kind in (1, 2, 3) and (r.kind, r.name) > (%(after_kind)s, %(after_name)s)
order by r.kind, r.name limit %(limit)s

-- name: span
-- The oldest and the newest bucket, and how many there are.
select min(at), max(at), coalesce(sum(buckets), 0) from reach
where tenant = %(tenant)s and kind = 6 and name = '' and at >= %(since)s and at < %(until)s

-- name: reached
-- Devices times buckets, by name, with what each is held against.
select r.name, sum(r.expected)::bigint, sum(r.missing)::bigint, sum(r.strayed + r.away)::bigint,
       coalesce(o.target_ppm, every.target_ppm, %(target_ppm)s), coalesce(o.heard_every_s, every.heard_every_s, %(heard_every_s)s)
from reach r
left join objective o on r.kind = 4 and o.tenant = r.tenant and o.device_group = r.name
left join objective every on every.tenant = r.tenant and every.device_group = ''
where r.tenant = %(tenant)s and r.kind = %(kind)s and r.at >= %(since)s and r.at < %(until)s
  and (%(after)s::text is null or r.name > %(after)s)
group by r.name, 5, 6
having sum(r.expected) > 0
order by r.name limit %(limit)s

-- name: objectives
select device_group, target_ppm, heard_every_s, updated_at, updated_by, version from objective
where tenant = %(tenant)s and (%(after)s::text is null or device_group > %(after)s) order by device_group limit %(limit)s

-- name: objective
select device_group, target_ppm, heard_every_s, updated_at, updated_by, version from objective
where tenant = %(tenant)s and device_group = %(group)s

-- name: first_objective
insert into objective (tenant, device_group, target_ppm, heard_every_s, updated_at, updated_by)
values (%(tenant)s, %(group)s, %(target_ppm)s, %(heard_every_s)s, %(now)s, %(by)s)
on conflict do nothing

-- name: next_objective
update objective set target_ppm = %(target_ppm)s, heard_every_s = %(heard_every_s)s, updated_at = %(now)s, updated_by = %(by)s,
       version = version + 1
where tenant = %(tenant)s and device_group = %(group)s and version = %(version)s

-- name: drop_objective
delete from objective where tenant = %(tenant)s and device_group = %(group)s and version = %(version)s
