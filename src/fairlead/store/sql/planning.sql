-- From judged devices to situations: who would change, from what to what, by which means.

-- name: merge_transitions
-- Devices whose class resolution has changed: from where their facets are to where they stand now,
-- whatever lay between. Those with a move under way are busy, and wait for it.
create temp table merged on commit drop as
with ripe as (
    select distinct u.device from transition t cross join lateral unnest(t.members) u (device) where t.at <= %(now)s
), first as (
    select distinct on (u.device) u.device, t.from_class
    from transition t cross join lateral unnest(t.members) u (device) join ripe r on r.device = u.device
    order by u.device, t.id
)
select f.device, f.from_class, coalesce(s.class, f.from_class) as to_class, coalesce(s.class, f.from_class) = f.from_class as dealt,
       exists (select 1 from move m where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
               and m.device = f.device and m.state in (1, 2, 5) and (m.state <> 1 or m.step > 0 or m.wave > 0)) as busy,
       (select max(id) from transition) as newest
from first f
left join standing s on s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.device = f.device

-- name: any_transition
select 1 from transition where at <= %(now)s limit 1

-- name: merged_pairs
select from_class, to_class, count(*) from merged where not dealt and not busy group by 1, 2

-- name: make_opening_merged
create temp table opening on commit drop as
select m.device, m.from_class, m.to_class
from merged m join unnest(%(from_class)s::int[], %(to_class)s::int[]) p (from_class, to_class)
  on p.from_class = m.from_class and p.to_class = m.to_class
where not m.dealt and not m.busy

-- name: deal_with
update merged m set dealt = true
from unnest(%(from_class)s::int[], %(to_class)s::int[]) p (from_class, to_class)
where p.from_class = m.from_class and p.to_class = m.to_class and not m.busy

-- name: leave_transitions
-- What was dealt with leaves its transitions; those that are empty go. What this very look put off until later stays.
update transition t set members = k.members
from (
    select t.id, coalesce(array_agg(u.device order by u.device) filter (where m.device is null), '{}') as members
    from transition t cross join lateral unnest(t.members) u (device) left join merged m on m.device = u.device and m.dealt and t.id <= m.newest
    group by t.id having count(m.device) > 0
) k
where t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.id = k.id

-- name: drop_transitions
delete from transition where members = '{}'

-- name: waits_aside
update exception x set since = %(until)s from opening o
where x.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and x.device = o.device
  and o.to_class = any (%(classes)s) and x.kind in (1, 2) and x.policy = any (%(policies)s)

-- name: transitions_aside
insert into transition (tenant, from_class, to_class, members, cause, at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), o.from_class, o.to_class,
       array_agg(o.device order by o.device), 'collision', %(until)s
from opening o where o.to_class = any (%(classes)s) group by o.from_class, o.to_class

-- name: opening_aside
delete from opening where to_class = any (%(classes)s)

-- name: blocked_transitions
-- They cannot be moved as they are: looked at again later.
insert into transition (tenant, from_class, to_class, members, cause, at)
select s.tenant, s.from_class, s.to_class, s.members, 'blocked', %(until)s
from situation s where s.owner = %(change)s and s.wave = %(wave)s and (s.recipe ->> 'block_code') is not null

-- name: make_opening_given
create temp table opening on commit drop as
select * from unnest(%(devices)s::uuid[], %(from_class)s::int[], %(to_class)s::int[]) as o (device, from_class, to_class)

-- name: pairs
select from_class, to_class, count(*) from opening group by 1, 2

-- name: account_settings
select name, connector, config from account order by name

-- name: make_pair
create temp table pair (from_class int, to_class int, target text collate "C", network boolean, life boolean) on commit drop

-- name: fill_pair
insert into pair select * from unnest(%(from_class)s::int[], %(to_class)s::int[], %(target)s::text[], %(network)s::boolean[],
                                   %(life)s::boolean[])

-- name: group_situations
-- One row a situation, its members ascending, and what is the same for all of them.
create temp table grouped on commit drop as
select o.from_class, o.to_class,
       coalesce(f.country, '') as country, coalesce(f.carrier, '') as carrier, p.target,
       coalesce(ta.connector, '') as target_connector, tp.id is not null as target_present,
       coalesce(ts.state, 9) as target_state, coalesce(ca.connector, '') as current_connector,
       coalesce(cs.state, 9) as current_state,
       (d.secret_hash is not null or f.last_contact_at is not null) as reachable,
       case when p.life then coalesce(f.device_state, 'active') else '' end as life,
       case when p.life then coalesce((
           select string_agg(x.one, ',' order by x.one) from (
               select distinct sa.name || '|' || sa.connector || '|' || s.state as one
               from subscription s join account sa on sa.tenant = s.tenant and sa.id = s.account
               where s.tenant = f.tenant and s.device = o.device
           ) x), '') else '' end as sims,
       count(*) as n, array_agg(o.device order by o.device) as members
from opening o
join pair p on p.from_class = o.from_class and p.to_class = o.to_class
join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device
join device d on d.tenant = f.tenant and d.id = o.device
left join account ta on ta.tenant = f.tenant and ta.name = p.target
left join profile tp on tp.tenant = f.tenant and tp.device = o.device and tp.account = ta.id
left join subscription ts on ts.tenant = f.tenant and ts.iccid = tp.iccid
left join account ca on ca.tenant = f.tenant and ca.name = f.carrier
left join subscription cs on cs.tenant = f.tenant and cs.iccid = f.iccid
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13

-- name: add_strata_of_grouped
insert into stratum (tenant, id, country, carrier)
select (select nullif(current_setting('app.tenant', true), '')::uuid),
       (select coalesce(max(id), 0) from stratum) + row_number() over (order by n.country, n.carrier), n.country, n.carrier
from (select distinct country, carrier from grouped) n
where not exists (select 1 from stratum s where s.country = n.country and s.carrier = n.carrier)
on conflict (tenant, country, carrier) do nothing

-- name: read_grouped
select g.from_class, g.to_class, s.id as stratum, g.country, g.carrier, g.target, g.target_connector, g.target_present,
       g.target_state, g.current_connector, g.current_state, g.reachable, g.life, g.sims, g.n,
       sha256(convert_to(array_to_string(g.members, ','), 'UTF8')) as digest
from grouped g join stratum s on s.country = g.country and s.carrier = g.carrier
order by g.from_class, g.to_class, s.id, g.target, g.target_connector, g.target_present, g.target_state, g.current_connector, g.current_state, g.reachable, g.life, g.sims

-- name: keep_situations
-- `no` follows the order of read_grouped; recipe and facts were made by the planner for each.
insert into situation (tenant, owner, wave, no, from_class, to_class, stratum, facts, recipe, n, members, digest)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(owner)s, %(wave)s, r.no, r.from_class, r.to_class,
       r.stratum, k.facts::jsonb, k.recipe::jsonb, r.n, r.members, r.digest
from (
    select row_number() over (order by g.from_class, g.to_class, s.id, g.target, g.target_connector, g.target_present, g.target_state, g.current_connector, g.current_state, g.reachable, g.life, g.sims) as no,
           g.from_class, g.to_class, s.id as stratum, g.n, g.members,
           sha256(convert_to(array_to_string(g.members, ','), 'UTF8')) as digest
    from grouped g join stratum s on s.country = g.country and s.carrier = g.carrier
) r
join (select * from unnest(%(nos)s::int[], %(facts)s::text[], %(recipes)s::text[]) x (no, facts, recipe)) k on k.no = r.no

-- name: impact_by
-- Who is touched, by the dimensions people ask for.
select 'country' as dimension, coalesce(f.country, 'unknown') as value, count(*) from opening o
join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device group by 2
union all
select 'group', coalesce(f.device_group, 'none'), count(*) from opening o
join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device group by 2
union all
select 'carrier', coalesce(f.carrier, 'unknown'), count(*) from opening o
join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device group by 2
union all
select 'stance', coalesce(f.law_stance, 'unknown'), count(*) from opening o
join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device group by 2

-- name: impact_law
-- Breaches that the moved devices would otherwise run into.
select coalesce(f.country, 'unknown') as country,
       count(*) filter (where f.breach_at <= %(now)s) as breached,
       count(*) filter (where f.breach_at > %(now)s and f.breach_at <= %(now)s + interval '30 days') as within_30_days,
       count(*) filter (where f.breach_at > %(now)s + interval '30 days') as later
from opening o
join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device
where f.breach_at is not null group by 1 order by 1

-- name: impact_conflicts
select m.change, count(*) from opening o join move m on m.device = o.device and m.state in (1, 2, 5) group by 1

-- name: impact_cost
-- Prices of the subscription that is left and the one that is taken, where the plan has a price valid today.
select x.currency_new, x.currency_old, x.release, count(*) as devices,
       count(*) filter (where x.priced) as priced,
       sum(case when x.priced and x.activates then x.activation_new else 0 end)::text as one_off_nano,
       sum(case when x.priced then x.monthly_new else 0 end)::text as monthly_new_nano,
       sum(case when x.priced then x.monthly_old else 0 end)::text as monthly_old_nano
from (
    select np.currency as currency_new, op.currency as currency_old, ts.state not in (3, 4) as activates,
           np.plan is not null and op.plan is not null as priced, p.network as release,
           np.activation_nano as activation_new, np.monthly_nano as monthly_new, op.monthly_nano as monthly_old
    from opening o
    join pair p on p.from_class = o.from_class and p.to_class = o.to_class and p.target is not null
    join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device
    left join account ta on ta.tenant = f.tenant and ta.name = p.target
    left join profile tp on tp.tenant = f.tenant and tp.device = o.device and tp.account = ta.id
    left join subscription ts on ts.tenant = f.tenant and ts.iccid = tp.iccid
    left join subscription cs on cs.tenant = f.tenant and cs.iccid = f.iccid
    left join lateral (select * from price pr where pr.plan = ts.plan and pr.valid_from <= %(today)s
                       order by pr.valid_from desc limit 1) np on true
    left join lateral (select * from price pr where pr.plan = cs.plan and pr.valid_from <= %(today)s
                       order by pr.valid_from desc limit 1) op on true
    where f.carrier is distinct from p.target
) x group by 1, 2, 3

-- name: impact_saves
-- Monthly fees of the lines that the given situations put aside, where their plan has a price valid today.
select s.no, pr.currency, count(*) as lines, count(pr.plan) as priced, sum(coalesce(pr.monthly_nano, 0))::text as monthly_nano
from situation s
cross join unnest(s.members) as m (device)
join fact f on f.tenant = s.tenant and f.device = m.device
join subscription cs on cs.tenant = f.tenant and cs.iccid = f.iccid and cs.state = 4
left join lateral (select * from price pr where pr.plan = cs.plan and pr.valid_from <= %(today)s
                   order by pr.valid_from desc limit 1) pr on true
where s.owner = %(owner)s and s.wave = 0 and s.no = any (%(nos)s)
group by 1, 2 order by 1, 2

-- name: hidden_devices
-- Devices that a rule says nothing about because a fact it reads is absent.
select count(*) from fact f where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and ({condition}) is null

-- name: select_devices
-- Who is chosen for an action, by name or by a condition, and whether it is open to them.
select d.id, d.name, coalesce({passing}, false), coalesce(f.device_state, 'active')
from device d join fact f on f.tenant = d.tenant and f.device = d.id
where d.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
  and (%(names)s::text[] is null or d.name = any (%(names)s::text[])) and ({match})
order by d.id

-- name: insert_plan
insert into plan (tenant, id, kind, author, created_at, expires_at, resources, summary, tolerance, digest, lasts)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(id)s, %(kind)s, %(author)s, %(now)s, %(expires)s,
        %(resources)s, %(summary)s, %(tolerance)s, %(digest)s, %(lasts)s)

-- name: read_plan
select id, kind, author, created_at, expires_at, resources, summary, tolerance, digest, applied, lasts from plan where id = %(id)s

-- name: list_plans
select id, kind, author, created_at, expires_at, summary, applied from plan
where (%(before)s::uuid is null or id < %(before)s) order by id desc limit %(limit)s

-- name: lock_plan
select applied from plan where id = %(id)s for update

-- name: plan_applied
update plan set applied = %(change)s where id = %(id)s

-- name: situations
select no, from_class, to_class, stratum, facts, recipe, n, digest from situation
where owner = %(owner)s and wave = %(wave)s order by no

-- name: drift
-- Members of a plan that are grouped otherwise now, either way.
with planned as (
    select u.device, s.from_class, s.to_class, s.stratum, (s.recipe ->> 'block_code') is not null as blocked
    from situation s cross join lateral unnest(s.members) u (device) where s.owner = %(owner)s and s.wave = 0
), present as (
    select u.device, g.from_class, g.to_class, t.id as stratum
    from grouped g join stratum t on t.country = g.country and t.carrier = g.carrier
    cross join lateral unnest(g.members) u (device)
)
select count(*) filter (where n.device is null) as gone, count(*) filter (where p.device is null) as come,
       count(*) filter (where p.device is not null and n.device is not null
                          and (p.from_class, p.to_class, p.stratum) is distinct from (n.from_class, n.to_class, n.stratum)) as altered,
       count(p.device) as planned,
       (array_agg(coalesce(n.device, p.device)) filter (where n.device is null or p.device is null
          or (p.from_class, p.to_class, p.stratum) is distinct from (n.from_class, n.to_class, n.stratum)))[1:20] as examples
from planned p full join present n on n.device = p.device
