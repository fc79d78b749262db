-- Counts of the console and API, and the questions that read a whole fleet at once.

-- name: refresh
-- One reading of the fleet fills every dimension.
insert into fleet_count (tenant, dimension, value, n, at)
select %(tenant)s,
    case
        when grouping(country) = 0 then 'country'
        when grouping(carrier) = 0 then 'carrier'
        when grouping(sku) = 0 then 'sku'
        when grouping(device_group) = 0 then 'group'
        when grouping(region) = 0 then 'region'
        when grouping(device_batch) = 0 then 'batch'
        when grouping(device_state) = 0 then 'state'
        when grouping(law_stance) = 0 then 'stance'
        when grouping(connectivity) = 0 then 'connectivity'
        else 'all'
    end,
    coalesce(country, carrier, sku, device_group, region, device_batch, device_state, law_stance, connectivity, ''),
    count(*),
    %(now)s
from fact
group by grouping sets
    ((), (country), (carrier), (sku), (device_group), (region), (device_batch), (device_state), (law_stance),
     (connectivity))
on conflict (tenant, dimension, value) do update set n = excluded.n, at = excluded.at

-- name: forget_old
delete from fleet_count where at < %(now)s and not starts_with(dimension, 'home.') and not starts_with(dimension, 'sim.')

-- name: glance_out_of_sync
-- Devices with a facet that is not as it should be, and nothing under way: past its deadline, refused, or drifted.
insert into fleet_count (tenant, dimension, value, n, at)
select %(tenant)s, 'home.out_of_sync', '', count(distinct f.device), %(now)s
from facet f
where f.desired is not null
    and case when f.facet in (7, 8) then f.verified is distinct from f.desired else f.generation <> f.observed_generation end
    and not exists (select 1 from move m where m.tenant = f.tenant and m.device = f.device and m.next_at is not null)
on conflict (tenant, dimension, value) do update set n = excluded.n, at = excluded.at

-- name: glance_breaches
-- Each device in one bucket, by the clock that binds it; the other clock, which binds its IMEI, apart.
insert into fleet_count (tenant, dimension, value, n, at)
select %(tenant)s, x.dimension, x.value, count(*), %(now)s
from (
    select 'home.breach' as dimension, case
            when breach_at <= %(now)s then 'breached'
            when breach_at <= %(now)s + interval '168 hours' then 'within_7'
            when breach_at <= %(now)s + interval '720 hours' then 'within_30'
            else 'within_90'
        end || '/' || coalesce(country, '') as value
    from fact where breach_at <= %(now)s + interval '2160 hours'
    union all
    select 'home.imei_breach', case when imei_breach_at <= %(now)s then 'breached' else 'within_90' end
    from fact where imei_breach_at <= %(now)s + interval '2160 hours'
) x
group by x.dimension, x.value
on conflict (tenant, dimension, value) do update set n = excluded.n, at = excluded.at

-- name: glance_plans
insert into fleet_count (tenant, dimension, value, n, at)
select %(tenant)s, 'home.plan', coalesce(plan, ''), count(*), %(now)s from subscription where state = 4
group by coalesce(plan, '')
on conflict (tenant, dimension, value) do update set n = excluded.n, at = excluded.at

-- name: forget_old_glance
delete from fleet_count where at < %(now)s and dimension like 'home.%%'

-- name: counts
select dimension, value, n, at from fleet_count where not starts_with(dimension, 'sim.') and not starts_with(dimension, 'home.') order by dimension, n desc, value

-- name: sim_counts
select substr(dimension, 5) as dimension, value, n, at from fleet_count where starts_with(dimension, 'sim.')
order by dimension, n desc, value

-- name: country_loads
-- Days left are counted as conditions count them: n days are left while breach_at <= now + n * 24 h.
select country,
    count(*) as devices,
    count(*) filter (where roaming) as roaming,
    count(*) filter (where not roaming) as local,
    count(*) filter (where breach_at <= %(now)s) as breached,
    count(*) filter (where breach_at > %(now)s and breach_at <= %(now)s + interval '168 hours') as within_7,
    count(*) filter (where breach_at > %(now)s + interval '168 hours' and breach_at <= %(now)s + interval '720 hours')
        as within_30,
    count(*) filter (where breach_at > %(now)s + interval '720 hours' and breach_at <= %(now)s + interval '2160 hours')
        as within_90,
    count(*) filter (where breach_at > %(now)s + interval '2160 hours') as later,
    count(*) filter (where breach_at is null) as none
from fact where country is not null
group by country order by country

-- name: forecast
select date_trunc('week', breach_at at time zone 'UTC') at time zone 'UTC' as week, coalesce(country, '') as country,
    count(*) as devices
from fact
where breach_at is not null and breach_at >= %(now)s and breach_at < %(until)s
group by 1, 2 order by 1, 2

-- name: prices
select plan, currency, activation_nano, monthly_nano, per_mb_nano, valid_from, included_bytes from price
order by plan, valid_from
