-- The roaming clock of a whole fleet. One statement a rule is put together from these blocks by
-- store/clock.py: `base` to `kept`, one counter block a counter, `trip`, `write`.
-- It is the arithmetic of insight/roaming_days.py, word for word: presence as runs of days, the
-- assumption that presence continues as one more run from today to the horizon.

-- name: one_at_a_time
-- Two readings write the same rows, each in the order of its own joins.
select pg_advisory_xact_lock(hashtextextended('clock:' || %(tenant)s::text, 0))

-- name: no_nested_loops
-- The planner takes each step for a row or two and would join them in loops; hashing suits one and a million.
select set_config('enable_nestloop', 'off', true)

-- name: nested_loops
select set_config('enable_nestloop', 'on', true)

-- name: now_table
create temporary table if not exists clock_now (
    device uuid primary key,
    country text collate "C" not null,
    plmn text collate "C" not null,
    home_country text collate "C",
    imsi text collate "C",
    eid text collate "C"
) on commit drop

-- name: now_clear
truncate clock_now

-- name: now_fill
-- The latest presence of each device: where it is, by the only source that clocks know.
insert into clock_now (device, country, plmn, home_country, imsi, eid)
select distinct on (device) device, country, plmn, home_country, imsi, eid
from presence
where tenant = %(tenant)s and first_at <= %(now)s and {devices}
order by device, least(last_at, %(now)s) desc, first_at desc, country desc, plmn desc,
         coalesce(imsi, '') desc, coalesce(iccid, '') desc

-- name: now_analyze
analyze clock_now

-- name: countries
-- The countries in which the given devices have ever been seen: rules of others need no look.
select distinct country from presence where tenant = %(tenant)s and {devices}

-- name: subjects
-- What the given devices have used: SIMs, cards, IMEIs.
select coalesce(array_agg(distinct imsi) filter (where imsi is not null), '{{}}'),
       coalesce(array_agg(distinct iccid) filter (where iccid is not null), '{{}}'),
       coalesce(array_agg(distinct imei) filter (where imei is not null), '{{}}'),
       coalesce(array_agg(distinct eid) filter (where eid is not null), '{{}}')
from presence
where tenant = %(tenant)s and {devices}

-- name: reach
-- The devices that have used any of them: the days of a SIM that moved are the SIM's.
select distinct device from presence where tenant = %(tenant)s and ({sharers})

-- name: reach_by
{column} = any({values})

-- name: all_devices
true

-- name: given_devices
device = any(%(devices)s)

-- name: reached_devices
device = any(%(reach)s)

-- name: in_countries
{at}.country = any(%(countries)s)

-- name: sim_foreign
{at}.home_country is distinct from {at}.country

-- name: sim_local
{at}.home_country = {at}.country

-- name: sim_national_roaming
{at}.home_country = {at}.country and {at}.plmn <> 'unknown' and {at}.imsi is not null
    and not starts_with({at}.imsi, replace({at}.plmn, '-', ''))

-- name: sim_any
true

-- name: only_esim
{at}.eid is not null

-- name: only_homes
{at}.home_country = any(%(homes)s)

-- name: only_plmns
{at}.plmn = any(%(plmns)s)

-- name: key_of_column
coalesce(p.{column}::text, 'device:' || p.device::text)

-- name: key_of_device
'device:' || p.device::text

-- name: key_per_network
({key}) || '@' || p.plmn

-- name: base
-- From presence to runs of days by subject. Presence is taken to continue from today to the horizon; seen marks
-- where what was observed ends.
with base as materialized ( -- the presence that the rule looks at, with the subject it counts
    select p.device, {key} as key, p.account, p.apn, p.country, p.plmn, p.first_at,
           coalesce(p.imsi, '') as imsi, coalesce(p.iccid, '') as iccid,
           least(p.last_at, %(now)s) as last_at,
           (p.first_at at time zone %(zone)s)::date as s,
           (least(p.last_at, %(now)s) at time zone %(zone)s)::date as e
    from presence p
    where p.tenant = %(tenant)s and p.first_at <= %(now)s and {reach} and {scope}
), mine as materialized ( -- a device's own subject is the one of its latest presence here
    select distinct on (device) device, key, account, apn
    from base
    where {devices}
    order by device, last_at desc, first_at desc, country desc, plmn desc, imsi desc, iccid desc
), observed as (
    select key, range_agg(daterange(s, e, '[]')) as days,
           %(today)s::date - case when max(e) >= %(today)s::date then 0 else 1 end as until
    from base
    where key in (select key from mine)
    group by key
), runs as (
    select o.key, o.until, lower(r) as s, upper(r) - 1 as e
    from observed o,
         unnest(o.days + datemultirange(daterange(%(today)s::date, %(today)s::date + {horizon}, '[]'))) as r
), kept as materialized (
    select key, until, s, e, max(least(e, until)) filter (where s <= until) over (partition by key) as seen
    from {counted}
)

-- name: counted_all
runs

-- name: counted_since_absence
( -- what came after the last absence that lasted long enough
    select key, until, s, e, max(s) filter (where gap >= {days}) over (partition by key) as anew
    from (select *, s - lag(e) over (partition by key order by s) - 1 as gap from runs) gaps
) counted
    where anew is null or s >= anew

-- name: consecutive
-- A stay goes on over gaps of up to max_gap days; it trips on its trip-th day.
{name} as materialized (
    select key, {ord} as ord,
           coalesce(max(seen - s + 1) filter (where e >= %(today)s::date and seen >= s), 0) as used,
           max(s) filter (where e >= %(today)s::date and seen >= s) as started,
           min(s + {trip} - 1) filter (where s + {trip} - 1 <= e) as trip
    from (
        select key, seen, e, case when s + {trip} - 1 < {fresh_from} then {fresh_from} else s end as s
        from (
            select key, seen, min(s) as s, max(e) as e
            from (
                select *, count(*) filter (where broken) over (partition by key order by s) as stay
                from (
                    select *, s - lag(e) over (partition by key order by s) - 1 > {max_gap} as broken from kept
                ) steps
            ) stays
            group by key, seen, stay
        ) stay
    ) fresh
    group by key
)

-- name: rolling
-- Days within a window that rolls. Trip days fit into it exactly when the absent days among them fit into the slack,
-- so a run looks back over earlier runs by absent days and never day by day.
{name} as materialized (
    select u.key, {ord} as ord, u.used, u.started, t.trip
    from (
        select key,
               coalesce(sum(least(e, until) - greatest(s, {floor}) + 1) filter (where least(e, until) >= greatest(s, {floor})), 0) as used,
               min(greatest(s, {floor})) filter (where least(e, until) >= greatest(s, {floor})) as started
        from kept
        group by key
    ) u
    left join (
        select key, {pick} as trip
        from (
            select key, e, before, s + greatest({trip} - before, 1) - 1 as day
            from (
                select key, s, e,
                       (sum(e - s + 1) over (partition by key order by absent range between {slack} preceding and current row)
                        - (e - s + 1))::int as before
                from (
                    select key, s, e,
                           (s - date '2000-01-01'
                            - coalesce(sum(e - s + 1) over (partition by key order by s rows between unbounded preceding and 1 preceding), 0))::int
                           as absent
                    from kept
                ) gaps
            ) spans
        ) days
        group by key
    ) t using (key)
)

-- name: pick_first
min(day) filter (where day <= e)

-- name: pick_standing
-- A breach that still stands began in the last run before which the count had fallen.
max(day) filter (where before < {trip} and day <= e)

-- name: in_year
-- Days of one calendar year; a count that does not trip by its end is handed on to the year after.
{name} as materialized (
    select u.key, {ord} as ord, u.used, u.started, coalesce(u.trip, {next_trip}) as trip
    from (
        select key,
               coalesce(sum(least(e, until) - s + 1) filter (where s <= least(e, until)), 0) as used,
               min(s) filter (where s <= until) as started,
               min(s + ({trip} - before) - 1) filter (where s + ({trip} - before) - 1 between s and e) as trip
        from (
            select key, until, s, e,
                   coalesce(sum(e - s + 1) over (partition by key order by s rows between unbounded preceding and 1 preceding), 0)::int
                   as before
            from (
                select key, until, greatest(s, {first}) as s, least(e, {last}) as e
                from kept
                where e >= {first} and s <= {last}
            ) clipped
        ) year
        group by key
    ) u
)

-- name: months
-- Months with any presence within a window of months: the sum of the rolling window, over months for days.
{name} as materialized (
    select u.key, {ord} as ord, u.used, u.started, t.trip
    from (
        select key, coalesce(sum(upper(m) - lower(m)), 0) as used, min(started) as started
        from (
            select key, min(greatest(s, {floor})) filter (where least(e, until) >= greatest(s, {floor})) as started,
                   range_agg(int4range(
                       (extract(year from greatest(s, {floor})) * 12 + extract(month from greatest(s, {floor})) - 1)::int,
                       (extract(year from least(e, until)) * 12 + extract(month from least(e, until)) - 1)::int, '[]'
                   )) filter (where least(e, until) >= greatest(s, {floor})) as seen
            from kept
            group by key
        ) observed
        left join lateral unnest(seen) as m on true
        group by key
    ) u
    left join ( -- the first day of presence in the month that trips
        select k.key, min(greatest(k.s, make_date(m.month / 12, m.month %% 12 + 1, 1))) as trip
        from (
            select key, {pick} as month
            from (
                select key, e, before, s + greatest({trip} - before, 1) - 1 as day
                from (
                    select key, s, e,
                           (sum(e - s + 1) over (partition by key order by absent range between {slack} preceding and current row)
                            - (e - s + 1))::int as before
                    from (
                        select key, s, e,
                               (s - coalesce(sum(e - s + 1) over (partition by key order by s rows between unbounded preceding and 1 preceding), 0))::int
                               as absent
                        from (
                            select key, lower(m) as s, upper(m) - 1 as e
                            from (
                                select key, range_agg(int4range(
                                    (extract(year from s) * 12 + extract(month from s) - 1)::int,
                                    (extract(year from e) * 12 + extract(month from e) - 1)::int, '[]'
                                )) as months
                                from kept
                                group by key
                            ) seen, unnest(months) as m
                        ) months
                    ) gaps
                ) spans
            ) trips
            group by key
        ) m
        join kept k on k.key = m.key and k.e >= make_date(m.month / 12, m.month %% 12 + 1, 1)
        group by k.key
    ) t on t.key = u.key
)

-- name: since_first
{name} as materialized (
    select key, {ord} as ord,
           case when max(seen) >= min(s) then %(today)s::date - min(s) + 1 else 0 end as used,
           case when max(seen) >= min(s) then min(s) end as started,
           min(s) + {trip} - 1 as trip
    from kept
    group by key
)

-- name: since_arrival
{name} as materialized (
    select key, {ord} as ord,
           case when max(seen) >= max(s) then %(today)s::date - max(s) + 1 else 0 end as used,
           case when max(seen) >= max(s) then max(s) end as started,
           max(s) + {trip} - 1 as trip
    from kept
    group by key
)

-- name: trip_any
tripped as materialized (
    select distinct on (key) key, used, started, trip from ({counters}) c order by key, trip asc nulls last, ord
)

-- name: trip_all
tripped as materialized (
    select distinct on (key) key, used, started, trip from ({counters}) c order by key, trip desc nulls first, ord
)

-- name: counter_row
select key, ord, used, started, trip from {name}

-- name: many
-- Which devices belong to an account or an APN that is large enough for the rule.
many as materialized (
    select m.device
    from mine m
    left join (select account, count(distinct device) as n from base where e >= {seen_from} group by account) a
        on a.account = m.account
    left join (select apn, count(distinct device) as n from base where e >= {seen_from} group by apn) b on b.apn = m.apn
    where greatest({counted}) > {more_than}
)

-- name: many_account
coalesce(a.n, 0)

-- name: many_apn
coalesce(b.n, 0)

-- name: many_all
many as materialized (select device from mine)

-- name: write
-- One reading a device: days used always, a breach only while the clock runs and the population is large enough.
here as materialized ( -- a clock runs while the device's latest presence is one that the rule looks at
    select n.device from clock_now n where {scope}
)
insert into clock (tenant, device, rule, topic, days_used, breach_at, started_at, computed_at)
select %(tenant)s, m.device, %(rule)s, %(topic)s, t.used,
       case when h.device is not null and big.device is not null then t.trip::timestamp at time zone %(zone)s end,
       t.started::timestamp at time zone %(zone)s, %(now)s
from mine m
join tripped t on t.key = m.key
left join here h on h.device = m.device
left join many big on big.device = m.device
order by m.device
on conflict (tenant, device, rule) do update
set topic = excluded.topic, days_used = excluded.days_used, breach_at = excluded.breach_at,
    started_at = excluded.started_at, computed_at = excluded.computed_at

-- name: forget
-- Readings that this pass did not renew: of rules that are gone, or of presence that is.
delete from clock where tenant = %(tenant)s and {devices} and computed_at < %(now)s

-- name: facts
-- What policies read: the earliest breach of a binding rule, and what the present country says.
with binding as (
    select distinct on (device) device, breach_at, days_used
    from clock
    where tenant = %(tenant)s and {devices} and rule = any(%(binding)s) and breach_at is not null
    order by device, breach_at, rule
), imei as (
    select device, min(breach_at) as breach_at
    from clock
    where tenant = %(tenant)s and {devices} and rule = any(%(imei)s) and breach_at is not null
    group by device
), law as (
    select * from unnest(%(countries)s::text[], %(stances)s::text[], %(confidences)s::text[]) as l (country, stance, confidence)
), fresh as (
    select f.device, b.breach_at, b.days_used, i.breach_at as imei_breach_at,
           case when p.country is not null then coalesce(l.stance, 'unknown') end as stance,
           case when p.country is not null then coalesce(l.confidence, 'low') end as confidence,
           (f.breach_at, f.imei_breach_at, f.law_stance) as before
    from (select device, country, breach_at, imei_breach_at, law_stance from fact where tenant = %(tenant)s and {devices}) f
    left join clock_now n on n.device = f.device
    cross join lateral (select coalesce(f.country, n.country) as country) p
    left join law l on l.country = p.country
    left join binding b on b.device = f.device
    left join imei i on i.device = f.device
), written as (
    update fact f
    set breach_at = fresh.breach_at, days_used = fresh.days_used, imei_breach_at = fresh.imei_breach_at,
        law_stance = fresh.stance, law_confidence = fresh.confidence
    from fresh
    where f.tenant = %(tenant)s and f.device = fresh.device
      and (f.breach_at, f.days_used, f.imei_breach_at, f.law_stance, f.law_confidence)
          is distinct from (fresh.breach_at, fresh.days_used, fresh.imei_breach_at, fresh.stance, fresh.confidence)
    returning f.device, fresh.before is distinct from (f.breach_at, f.imei_breach_at, f.law_stance) as moved
)
insert into dirty (tenant, device) -- a breach that came, went or moved is a new fact; days gone by are not
select %(tenant)s, device from written where moved order by device
on conflict (tenant, device) do update set device = excluded.device
