-- Cards, profiles and subscriptions of all carriers in one table: a row a subscription, with the card and profile it
-- is on. Lists walk one index in the order of ids, searches one name's index after the other; what no index serves is
-- judged on the chunk, by key, so that a million rows cost a page no more than its time.

-- name: columns
s.id, s.iccid, a.name as account, d.name as device, s.plan, s.state, s.provider_id, s.provider_state,
    case when held.so then s.hold_reasons || array['policy'] else s.hold_reasons end,
    coalesce(s.auto_revert_at, held.revert_at), s.observed_at, s.connectivity, s.connectivity_at,
    p.imsi, p.msisdn, p.home_country, p.enabled, c.eid, c.form_factor, c.technology, c.multi_imsi, f.country

-- name: beside
-- Everything that stands beside `s`, one key lookup each; last, whether a usage rule of ours holds it.
join account a on a.tenant = s.tenant and a.id = s.account
left join lateral (select d.name from device d where d.id = s.device limit 1) d on true
left join lateral (select p.* from profile p where p.id = s.profile limit 1) p on true
left join lateral (select c.* from card c where c.id = p.card limit 1) c on true
left join lateral (select f.country from fact f where f.device = s.device limit 1) f on true
left join lateral (select true as so, min(h.revert_at) as revert_at from usage_hold h
    where h.subscription = s.id and h.state in (4, 5) having count(*) > 0) held on true

-- name: of_device
select {columns} from subscription s {beside} where s.device = %(device)s order by s.iccid

-- name: one
select {columns} from subscription s {beside} where {which}

-- name: by_ids
select {columns} from unnest(%(ids)s::uuid[]) with ordinality as u (id, n)
cross join lateral (select * from subscription s where s.id = u.id limit 1) s
{beside}
order by u.n

-- name: walk
with chunk as materialized (
    select s.id, s.profile, s.device, s.account, s.state, s.plan, s.connectivity, s.connectivity_at, s.iccid
    from subscription s
    where {drive} and s.id > %(after)s
    order by s.id limit %(chunk)s
), judged as materialized (
    select s.id, coalesce({wanted}, false) as wanted from chunk s {judging}
)
select (select count(*) from chunk), (select id from chunk order by id desc limit 1),
    array(select id from judged where wanted order by id limit %(want)s)

-- name: probe_profile
-- A chunk of one name's range of profiles. `{known}` leaves out what an earlier range has found already.
with chunk as materialized (
    select {column} as value, p.id, p.iccid, not ({known}) as fresh from profile p
    where {column} >= %(low)s and {column} < %(high)s and ({column}, p.id) > (%(value)s, %(after)s)
    order by {column}, p.id limit %(chunk)s
)
select k.value, k.id, s.id, s.id is not null and k.fresh and coalesce({wanted}, false) from chunk k
left join lateral (select * from subscription s where s.iccid = k.iccid limit 1) s on true
{judging}
order by k.value, k.id

-- name: probe_card
-- The same by the EID: a card may have several profiles, which are found together. The limit, which no card
-- reaches, keeps it at one lookup a card.
with chunk as materialized (
    select {column} as value, c.id from card c
    where {column} >= %(low)s and {column} < %(high)s and ({column}, c.id) > (%(value)s, %(after)s)
    order by {column}, c.id limit %(chunk)s
)
select k.value, k.id, s.id, s.id is not null and not ({known}) and coalesce({wanted}, false) from chunk k
left join lateral (select p.id, p.iccid, p.imsi, p.msisdn from profile p where p.card = k.id limit 1000) p on true
left join lateral (select * from subscription s where s.iccid = p.iccid limit 1) s on true
{judging}
order by k.value, k.id, s.id

-- name: judging_card
left join lateral (
    select c.form_factor, c.technology, c.multi_imsi from profile q join card c on c.tenant = q.tenant and c.id = q.card
    where q.id = s.profile limit 1
) c on true

-- name: judging_place
left join lateral (
    select f.country, f.device_group, f.iccid, f.last_contact_at from fact f where f.device = s.device limit 1
) f on true

-- name: judging_facts
-- The same with every fact: a condition of the caller's own names those it reads.
left join lateral (select f.* from fact f where f.device = s.device limit 1) f on true

-- name: judging_use
-- See use.sql; one index lookup a line.
left join lateral (select * from ({horizon}) h where h.id = s.account limit 1) h on true
left join lateral ({told}) t on true

-- name: cheapest
-- How many each filter leaves, as last counted: the smallest drives the walk.
select dimension, n from fleet_count
where (dimension, value) in (select d, v from unnest(%(dimensions)s::text[], %(values)s::text[]) as u (d, v))

-- name: refresh
-- One reading of all subscriptions fills every dimension; their names begin with `sim.`.
insert into fleet_count (tenant, dimension, value, n, at)
select %(tenant)s,
    case
        when grouping(account, state) = 0 then 'sim.account_state'
        when grouping(account) = 0 then 'sim.account'
        when grouping(state) = 0 then 'sim.state'
        when grouping(plan) = 0 then 'sim.plan'
        when grouping(connectivity) = 0 then 'sim.connectivity'
        when grouping(form_factor) = 0 then 'sim.form_factor'
        when grouping(technology) = 0 then 'sim.technology'
        when grouping(remote) = 0 then 'sim.remote'
        when grouping(multi_imsi) = 0 then 'sim.multi_imsi'
        when grouping(country) = 0 then 'sim.country'
        else 'sim.all'
    end,
    case when grouping(account, state) = 0 then account || '/' || state
        else coalesce(account, state, plan, connectivity, form_factor, technology, remote, multi_imsi, country, '') end,
    count(*),
    %(now)s
from (
    select a.name as account, (%(states)s::text[])[s.state] as state, s.plan,
        (%(connectivities)s::text[])[s.connectivity] as connectivity, c.form_factor, c.technology,
        case when c.technology = any (%(remote_technologies)s) or c.multi_imsi then 'changeable'
            when c.id is not null then 'swap_needed' end as remote,
        case when c.multi_imsi then 'true' when not c.multi_imsi then 'false' end as multi_imsi,
        f.country
    from subscription s
    join account a on a.tenant = s.tenant and a.id = s.account
    left join profile p on p.tenant = s.tenant and p.id = s.profile
    left join card c on c.tenant = p.tenant and c.id = p.card
    left join fact f on f.tenant = s.tenant and f.device = s.device
) x
group by grouping sets
    ((), (account), (state), (plan), (connectivity), (form_factor), (technology), (remote), (multi_imsi), (country),
     (account, state))
on conflict (tenant, dimension, value) do update set n = excluded.n, at = excluded.at

-- name: forget_old
delete from fleet_count where at < %(now)s and starts_with(dimension, 'sim.')

-- Conditions of a list.

-- name: is_account
s.account = %(account)s

-- name: is_state
s.state = %(state)s

-- name: is_plan
s.plan = %(plan)s

-- name: is_connectivity
s.connectivity = %(connectivity)s

-- name: is_form_factor
c.form_factor = %(form_factor)s

-- name: is_technology
c.technology = %(technology)s

-- name: is_remote
(c.technology = any (%(remote_technologies)s) or c.multi_imsi) = %(remote)s

-- name: is_multi_imsi
c.multi_imsi = %(multi_imsi)s

-- name: is_silence
({silence}) = %(silence)s

-- name: is_where
coalesce({where}, false)

-- name: is_country
f.country = %(country)s

-- name: is_departments
f.device_group = any (%(departments)s)

-- name: by_id
s.id = %(id)s

-- name: by_iccid
s.iccid = %(iccid)s
