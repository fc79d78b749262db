-- Resolution, set-based: which rules each device enters and leaves, and what follows from it.
-- `judged` is made by store/resolving.py, because its columns hold the compiled rules: the rules a
-- device enters are bits of a few bigint words w0, w1 …, and {same} compares the words of j and d.

-- name: make_scope
create temp table scope (device uuid) on commit drop

-- name: scope_given
insert into scope select unnest(%(devices)s::uuid[])

-- name: scope_dirty
-- Taken before their facts are read, and marks lock what they mark (`do update`, never `do nothing`): whoever
-- moves a fact meanwhile marks the device once more or makes us wait, so no mark is lost.
with taken as (
    delete from dirty d
    where d.ctid = any (array(select ctid from dirty order by device limit %(limit)s for update skip locked))
    returning d.device
)
insert into scope select device from taken

-- name: combos_plain
-- The cold way: no device is in a class and none is excepted.
select class, ''::text as leaving, ''::text as excluded, count(*) as n, {words}
from judged j group by class, {words}

-- name: exceptions_of_judged
create temp table excepted on commit drop as
select x.device, string_agg(x.policy::text || ':' || x.kind || ':' || x.rule, ',' order by x.policy) as excluded
from exception x join judged j on j.device = x.device
group by x.device

-- name: combos
select class, leaving, excluded, count(*) as n, {words} from keyed j group by class, leaving, excluded, {words}

-- name: judged_keys
create temp table keyed on commit drop as
select j.device, j.had, j.class, j.country, j.carrier, {words}, coalesce(l.leaving, '') as leaving,
       coalesce(x.excluded, '') as excluded
from judged j
left join leaving l on l.device = j.device
left join excepted x on x.device = j.device

-- name: keyed_inline
create temp table keyed on commit drop as
select j.device, j.had, j.class, j.country, j.carrier, {words}, coalesce(j.leaving, '') as leaving,
       coalesce(x.excluded, '') as excluded
from judged j
left join excepted x on x.device = j.device

-- name: classes
select id, rules from class

-- name: add_classes
insert into class (tenant, id, rules)
select (select nullif(current_setting('app.tenant', true), '')::uuid),
       (select coalesce(max(id), 0) from class) + row_number() over (order by r.rules),
       r.rules
from (select distinct string_to_array(t, ',')::int[] as rules from unnest(%(sets)s::text[]) t) r
where not exists (select 1 from class c where c.rules = r.rules)
on conflict (tenant, rules) do nothing

-- name: add_strata
insert into stratum (tenant, id, country, carrier)
select (select nullif(current_setting('app.tenant', true), '')::uuid),
       (select coalesce(max(id), 0) from stratum) + row_number() over (order by n.country, n.carrier),
       n.country, n.carrier
from (select distinct coalesce(country, '') as country, coalesce(carrier, '') as carrier from judged) n
where not exists (select 1 from stratum s where s.country = n.country and s.carrier = n.carrier)
on conflict (tenant, country, carrier) do nothing

-- name: make_decided
create temp table decided (class int, leaving text, excluded text, to_class int, wait_in text, wait_out text, clear text,
                           {words}) on commit drop

-- name: fill_decided
insert into decided
select * from unnest(%(class)s::int[], %(leaving)s::text[], %(excluded)s::text[], %(to_class)s::int[], %(wait_in)s::text[],
                     %(wait_out)s::text[], %(clear)s::text[], {words})

-- name: stand_nowhere
-- Devices that nobody resolved yet stand in no class.
insert into standing (tenant, device, class, stratum, bucket)
select (select nullif(current_setting('app.tenant', true), '')::uuid), j.device, 0, 0,
       abs(mod(uuid_hash_extended(j.device, 0), 10000))
from judged j where not j.had order by j.device
on conflict do nothing

-- name: stand_cold
-- Devices that never stood anywhere; whole resolutions of a tenant come one after another. `judged` has them
-- in the order of the facts, which is that of their keys.
insert into standing (tenant, device, class, stratum, bucket)
select (select nullif(current_setting('app.tenant', true), '')::uuid), j.device, d.to_class, coalesce(s.id, 0),
       abs(mod(uuid_hash_extended(j.device, 0), 10000))
from judged j
join decided d on d.class = j.class and {same}
left join stratum s on s.country = coalesce(j.country, '') and s.carrier = coalesce(j.carrier, '')
where not j.had

-- name: stand_new
insert into standing (tenant, device, class, stratum, bucket)
select (select nullif(current_setting('app.tenant', true), '')::uuid), j.device, d.to_class, coalesce(s.id, 0),
       abs(mod(uuid_hash_extended(j.device, 0), 10000))
from keyed j
join decided d on d.class = j.class and d.leaving = j.leaving and d.excluded = j.excluded and {same}
left join stratum s on s.country = coalesce(j.country, '') and s.carrier = coalesce(j.carrier, '')
where not j.had
order by j.device
on conflict do nothing

-- name: stand_moved
update standing t set class = d.to_class, stratum = coalesce(s.id, 0)
from keyed j
join decided d on d.class = j.class and d.leaving = j.leaving and d.excluded = j.excluded and {same}
left join stratum s on s.country = coalesce(j.country, '') and s.carrier = coalesce(j.carrier, '')
where t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = j.device and j.had
  and (t.class <> d.to_class or t.stratum <> coalesce(s.id, 0))

-- name: record_transitions_cold
insert into transition (tenant, from_class, to_class, members, cause, at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), j.class, d.to_class,
       array_agg(j.device), %(cause)s, %(now)s
from judged j join decided d on d.class = j.class and {same}
where d.to_class <> j.class
group by j.class, d.to_class

-- name: record_transitions
insert into transition (tenant, from_class, to_class, members, cause, at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), j.class, d.to_class,
       array_agg(j.device), %(cause)s, %(now)s
from keyed j join decided d on d.class = j.class and d.leaving = j.leaving and d.excluded = j.excluded and {same}
where d.to_class <> j.class
group by j.class, d.to_class

-- name: wait
-- kind 1: waiting to enter, 2: waiting to leave. A device that waits already keeps its place; a bar on another
-- revision of the policy says nothing about this one.
insert into exception (tenant, policy, device, kind, rule, change, since)
select (select nullif(current_setting('app.tenant', true), '')::uuid), r.policy, j.device, %(kind)s, r.rule, r.change, %(now)s
from keyed j
join decided d on d.class = j.class and d.leaving = j.leaving and d.excluded = j.excluded and {same}
cross join lateral unnest(string_to_array(case when %(kind)s = 1 then d.wait_in else d.wait_out end, ',')::int[]) w (rule)
join (select * from unnest(%(rules)s::int[], %(policies)s::uuid[], %(changes)s::uuid[]) x (rule, policy, change)) r
  on r.rule = w.rule
on conflict (tenant, policy, device) do update set kind = excluded.kind, rule = excluded.rule, change = excluded.change,
  since = excluded.since
  where (exception.kind in (1, 2) and exception.kind <> excluded.kind) or exception.rule <> excluded.rule

-- name: wait_cold
insert into exception (tenant, policy, device, kind, rule, change, since)
select (select nullif(current_setting('app.tenant', true), '')::uuid), r.policy, j.device, 1, r.rule, r.change, %(now)s
from judged j
join decided d on d.class = j.class and {same}
cross join lateral unnest(string_to_array(d.wait_in, ',')::int[]) w (rule)
join (select * from unnest(%(rules)s::int[], %(policies)s::uuid[], %(changes)s::uuid[]) x (rule, policy, change)) r
  on r.rule = w.rule
order by r.policy, j.device
on conflict do nothing

-- name: no_longer_waiting
delete from exception x
using keyed j
join decided d on d.class = j.class and d.leaving = j.leaving and d.excluded = j.excluded and {same}
where x.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and x.device = j.device
  and x.kind in (1, 2) and x.policy = any (string_to_array(d.clear, ',')::uuid[])

-- name: sweep_from
-- Up to where a threshold was swept; a new one begins now.
insert into sweep (tenant, column_name, offset_s, swept_to)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(column)s, %(offset)s, %(now)s)
on conflict (tenant, column_name, offset_s) do update set swept_to = sweep.swept_to
returning swept_to

-- name: swept
update sweep set swept_to = %(now)s where column_name = %(column)s and offset_s = %(offset)s

-- name: sweep_crossed
-- Devices whose instant crossed the threshold since the last sweep; {column} is one of our own.
insert into dirty (tenant, device)
select f.tenant, f.device from fact f
where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
  and f.{column} > %(from)s and f.{column} <= %(to)s
order by f.device
on conflict (tenant, device) do update set device = excluded.device

-- name: some_judged
select device from judged limit 20

-- name: everyone_dirty
-- The nil device stands for the whole tenant.
delete from dirty where tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
  and device = '00000000-0000-0000-0000-000000000000' returning device

-- name: any_dirty
select 1 from dirty limit 1

-- name: make_opening
-- Devices whose class would change, for a plan.
create temp table opening on commit drop as
select j.device, j.class as from_class, d.to_class
from judged j join decided d on d.class = j.class and {same}
where d.to_class <> j.class
