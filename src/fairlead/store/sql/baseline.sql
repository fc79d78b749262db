-- What the baseline is judged from: a few statements by the set, each with a time of its own. Groups, not devices, leave
-- the database: a million devices make some thousand groups.

-- name: time_out
select set_config('statement_timeout', %(ms)s, true)

-- name: places
-- One reading of `fact`. The window counts all groups before the limit cuts them off.
select country, carrier, sku, plmn, plan, count(*), max(place_at), sum(count(*)) over ()
from fact where device_state = 'active'
group by country, carrier, sku, plmn, plan
order by count(*) desc, country, carrier, sku limit %(most)s

-- name: lines
-- One reading of active subscriptions, joined by hash with what is told of each.
with horizon as materialized ({horizon}),
told as materialized ({told}),
price_now as (
    select distinct on (plan) plan, included_bytes from price where valid_from <= %(today)s order by plan, valid_from desc
),
line as (
    select h.name, s.plan, {silence} as silence, h.fed_to, p.included_bytes, t.bytes
    from subscription s
    join horizon h on h.id = s.account
    left join told t on t.iccid = s.iccid
    left join fact f on f.tenant = s.tenant and f.device = s.device
    left join price_now p on p.plan = s.plan
    where s.state = 4
)
select name, plan, count(*), count(*) filter (where silence = 'silent'),
    count(*) filter (where silence = 'never_seen'), count(*) filter (where silence = 'unknown'),
    count(*) filter (where included_bytes > 0 and bytes is not null),
    coalesce(sum(included_bytes) filter (where bytes is not null), 0)::bigint,
    coalesce(sum(bytes) filter (where included_bytes > 0), 0)::bigint,
    coalesce(sum(greatest(included_bytes - bytes, 0)), 0)::bigint, max(fed_to), sum(count(*)) over ()
from line group by name, plan order by count(*) desc, name, plan limit %(most)s

-- name: breaches
select country, count(*),
    count(*) filter (where breach_at <= %(now)s),
    count(*) filter (where breach_at > %(now)s and breach_at <= %(now)s + interval '168 hours'),
    count(*) filter (where breach_at > %(now)s + interval '168 hours' and breach_at <= %(now)s + interval '720 hours'),
    count(*) filter (where breach_at > %(now)s + interval '720 hours' and breach_at <= %(now)s + interval '2160 hours'),
    count(*) filter (where country is null or coalesce(law_stance, 'unknown') = 'unknown')
from fact group by country order by country

-- name: prices
select distinct on (plan) plan, currency, monthly_nano from price
where valid_from <= %(today)s order by plan, valid_from desc

-- name: coverage
-- Technologies that an account lists in a country, under the oldest of their dates.
select a.name, c.country, array_agg(c.rat order by c.rat), min(c.source), min(c.as_of)
from coverage c join account a on a.tenant = c.tenant and a.id = c.account
group by a.name, c.country order by a.name, c.country

-- name: accounts
select name from account order by name

-- name: contracts
-- Of each account the contract that ends last, with its active SIMs as last counted.
select distinct on (a.name) a.name, c.number, c.starts_on, c.ends_on, c.notice_days, c.committed_sims, c.commitment,
    (select n from fleet_count f where f.tenant = a.tenant and f.dimension = 'sim.account_state'
        and f.value = a.name || '/active')
from contract c join account a on a.tenant = c.tenant and a.id = c.account
order by a.name, c.ends_on desc nulls first, c.number
