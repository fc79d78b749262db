-- Who stands in a policy, and whom something keeps out of it or in it.

-- name: members_by_policy
-- Devices by class first, then by policy: a class may hold more than one revision of a policy.
select p.kind, p.name, sum(s.n)::bigint
from (select class, count(*) as n from standing where class <> 0 group by class) s
join class c on c.id = s.class
cross join lateral (select distinct r.policy from revision r where r.rule = any (c.rules)) h
join policy p on p.tenant = c.tenant and p.id = h.policy
group by p.kind, p.name

-- name: excepted_by_policy
select p.kind, p.name, x.kind, x.n
from (select policy, kind, count(*) as n from exception group by policy, kind) x
join policy p on p.id = x.policy

-- name: classes_of_policy
select coalesce(array_agg(c.id), '{}') from class c
where c.rules && (select array_agg(r.rule) from revision r where r.policy = %(policy)s)

-- name: members_chunk
-- In the order of ids, so many rows: which of them stand in one of the classes.
with chunk as materialized (
    select s.device, s.class from standing s where s.device > %(after)s order by s.device limit %(chunk)s
)
select (select count(*) from chunk), (select device from chunk order by device desc limit 1),
       array(select k.device from chunk k where k.class = any (%(classes)s)
             and (%(departments)s::text[] is null or exists (
                 select 1 from device d where d.id = k.device and d.device_group = any (%(departments)s)))
             order by k.device limit %(want)s)

-- name: names
select d.id, d.name, d.device_group from device d where d.id = any (%(devices)s) order by d.id

-- name: excepted
-- Who is longest in line first.
select x.device, d.name, d.device_group, r.number, x.change, x.since
from exception x
join device d on d.tenant = x.tenant and d.id = x.device
left join revision r on r.tenant = x.tenant and r.policy = x.policy and r.rule = x.rule
where x.policy = %(policy)s and x.kind = %(kind)s
  and (%(departments)s::text[] is null or d.device_group = any (%(departments)s))
  and (x.since, x.device) > (%(after_since)s, %(after)s)
order by x.since, x.device limit %(limit)s
