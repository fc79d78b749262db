-- Stages: who is admitted, what is wanted of them from now on, the batches they make and how those stand.

-- name: stage_members
-- Members of a plan's situations that this stage admits: ranks low to high inside each open stratum.
-- Devices that stand elsewhere by now stay where they are.
create temp table admitted on commit drop as
select m.device, m.situation, m.from_class, m.to_class, m.stratum
from (
    select u.device, s.no as situation, s.from_class, s.to_class, s.stratum,
           row_number() over (partition by s.stratum order by (t.bucket + %(salt)s) %% 10000, u.device) as rank,
           count(*) over (partition by s.stratum) as total, t.class
    from situation s
    cross join lateral unnest(s.members) u (device)
    join standing t on t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device
    where s.owner = %(owner)s and s.wave = %(wave)s and s.stratum = any (%(strata)s)
      and (s.recipe ->> 'block_code') is null
) m
where m.class = m.from_class
  and m.rank > ceil(m.total * %(low)s / 100.0) and m.rank <= ceil(m.total * %(high)s / 100.0)

-- name: stage_members_whole
-- The same where the stage is the whole stratum: no ranks are needed.
create temp table admitted on commit drop as
select u.device, s.no as situation, s.from_class, s.to_class, s.stratum
from situation s
cross join lateral unnest(s.members) u (device)
join standing t on t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device
where s.owner = %(owner)s and s.wave = %(wave)s and s.stratum = any (%(strata)s)
  and (s.recipe ->> 'block_code') is null
  and t.class = case when %(entered)s then s.to_class else s.from_class end

-- name: leave_those_out
-- Held out or barred by this very Change.
delete from admitted a using exception x
where x.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and x.device = a.device
  and x.policy = any (%(policies)s) and x.kind in (3, 4) and x.change = %(change)s

-- name: leave_those_in_flight
delete from admitted a using move m
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.device = a.device
  and (m.state in (2, 5) or (m.state = 1 and (m.step > 0 or m.change = %(change)s)))
returning m.change, a.device

-- name: supersede_in_flight
-- A declared emergency waits for nobody: what is under way on these devices is overtaken.
with overtaken as (
    update move m set state = 7, next_at = null, settled_at = %(now)s, outcome = 'superseded by an emergency',
           superseded_by = case when m.leg = 1 then %(change)s::uuid end
    from admitted a
    where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.device = a.device
      and m.state in (1, 2, 5) and m.change <> %(change)s
    returning m.change, m.wave, m.device
)
update operation o set state = 9, settled_at = %(now)s, reason = 'superseded by an emergency'
from overtaken x
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.change = x.change and o.wave = x.wave
  and o.device = x.device and o.state in (1, 2, 3, 4)

-- name: supersede_waiting
-- On the same facet only: a Move of another facet has its own way. Network and subscription are one here, since
-- both move SIMs.
with pair as (
    select distinct a.from_class, a.to_class, m.from_class as was_from, m.to_class as was_to
    from admitted a join move m on m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
      and m.device = a.device and m.state = 1 and m.step = 0 and m.change <> %(change)s
), touched as (
    select c.from_class, c.to_class, array_agg(distinct case when f.facet = 7 then 1 else f.facet end) as facets
    from (select from_class, to_class from pair union select was_from, was_to from pair) c
    cross join generate_series(1, 7) f (facet)
    left join class_document b on b.class = c.from_class and b.facet = f.facet
    left join class_document n on n.class = c.to_class and n.facet = f.facet
    where b.document is distinct from n.document group by 1, 2
), same as (
    select p.* from pair p join touched h on h.from_class = p.from_class and h.to_class = p.to_class
    join touched w on w.from_class = p.was_from and w.to_class = p.was_to where h.facets && w.facets
)
update move m set state = 7, next_at = null, settled_at = %(now)s, outcome = 'superseded by a later change',
       superseded_by = %(change)s
from admitted a join same s on s.from_class = a.from_class and s.to_class = a.to_class
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.device = a.device
  and m.state = 1 and m.step = 0 and m.change <> %(change)s and m.from_class = s.was_from and m.to_class = s.was_to

-- name: any_open_move
select 1 from move where next_at is not null limit 1

-- name: enter_classes
update standing t set class = a.to_class from admitted a
where t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = a.device

-- name: end_waits
delete from exception x using admitted a
where x.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and x.device = a.device
  and x.policy = any (%(policies)s)

-- name: any_exception
select 1 from exception limit 1

-- name: make_doc_change
create temp table doc_change on commit drop as
select p.from_class, p.to_class, f.facet, b.document as before, n.document as after
from (select distinct from_class, to_class from admitted) p
cross join generate_series(1, 8) f (facet)
left join class_document b on b.class = p.from_class and b.facet = f.facet
left join class_document n on n.class = p.to_class and n.facet = f.facet
where b.document is distinct from n.document

-- name: baseline_documents
-- What devices reported of facets that nobody managed before: kept as documents, for the way back.
insert into document (tenant, digest, content)
select distinct (select nullif(current_setting('app.tenant', true), '')::uuid),
       sha256(convert_to('reported:' || r.state::text, 'UTF8')), r.state
from admitted a
join doc_change c on c.from_class = a.from_class and c.to_class = a.to_class and c.before is null
join reported r on r.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
  and r.device = a.device and r.facet = c.facet
on conflict (tenant, digest) do nothing

-- name: baseline_networks
-- A network facet that nobody managed and no device reported: the carrier it is seen on, with that account's APN.
with seen as (
    select a.name as carrier, jsonb_strip_nulls(jsonb_build_object('carrier', a.name, 'apn', a.config ->> 'apn')) as content
    from account a
)
insert into document (tenant, digest, content)
select (select nullif(current_setting('app.tenant', true), '')::uuid),
       sha256(convert_to('seen:' || s.content::text, 'UTF8')), s.content
from seen s
on conflict (tenant, digest) do nothing

-- name: seen_networks
create temp table seen_network on commit drop as
select a.name as carrier, d.id
from account a join document d on d.tenant = a.tenant and d.digest = sha256(convert_to('seen:' ||
  jsonb_strip_nulls(jsonb_build_object('carrier', a.name, 'apn', a.config ->> 'apn'))::text, 'UTF8'))

-- name: has_unmanaged
select 1 from doc_change where before is null and after is not null limit 1

-- name: want_facets
insert into facet (tenant, device, facet, desired, generation, verified, previous, change, changed_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), a.device, c.facet, c.after, 1, c.before, c.before,
       %(change)s, %(now)s
from admitted a
join doc_change c on c.from_class = a.from_class and c.to_class = a.to_class
order by a.device, c.facet
on conflict (tenant, device, facet) do update
set desired = excluded.desired, generation = facet.generation + 1, change = excluded.change,
    changed_at = excluded.changed_at, verified = coalesce(facet.verified, excluded.verified),
    previous = coalesce(facet.verified, excluded.verified)

-- name: want_facets_with_baseline
-- The same where some facet was not managed before: what was observed is the way back.
insert into facet (tenant, device, facet, desired, generation, verified, previous, change, changed_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), a.device, c.facet, c.after, 1,
       coalesce(c.before, rd.id, n.id), coalesce(c.before, rd.id, n.id), %(change)s, %(now)s
from admitted a
join doc_change c on c.from_class = a.from_class and c.to_class = a.to_class
join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = a.device
left join reported r on c.before is null and r.tenant = f.tenant and r.device = a.device and r.facet = c.facet
left join document rd on r.state is not null and rd.tenant = f.tenant
  and rd.digest = sha256(convert_to('reported:' || r.state::text, 'UTF8'))
left join seen_network n on c.facet = 1 and n.carrier = f.carrier
order by a.device, c.facet
on conflict (tenant, device, facet) do update
set desired = excluded.desired, generation = facet.generation + 1, change = excluded.change,
    changed_at = excluded.changed_at, verified = coalesce(facet.verified, excluded.verified),
    previous = coalesce(facet.verified, excluded.verified)

-- name: open_moves
insert into move (tenant, change, device, wave, situation, stratum, stage, state, from_class, to_class, next_at, opened_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(change)s, a.device, %(wave)s, a.situation,
       a.stratum, %(stage)s, 1, a.from_class, a.to_class, %(now)s, %(now)s
from admitted a order by a.device

-- name: admitted_by_stratum
select stratum, count(*) from admitted group by 1

-- name: open_batches
insert into batch (tenant, change, wave, stratum, stage, percent, state, admitted, opened_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(change)s, %(wave)s, s.stratum, %(stage)s, %(percent)s, 1,
       coalesce(a.n, 0), %(now)s
from unnest(%(strata)s::int[]) s (stratum)
left join (select stratum, count(*) as n from admitted group by 1) a on a.stratum = s.stratum

-- name: batch_counts
-- What a person took back is counted by itself, and neither as failed nor as under way.
select b.change, b.wave, b.stratum, b.stage, b.percent, b.state, b.admitted, b.opened_at,
       count(m.device) filter (where m.state = 3) as verified,
       count(m.device) filter (where m.state in (4, 5, 6, 8) and m.taken_back_by is distinct from 3) as failed,
       count(m.device) filter (where m.state = 7) as superseded,
       count(m.device) filter (where m.state in (4, 5, 6, 8) and m.taken_back_by = 3) as taken_back,
       count(m.device) filter (where m.state in (1, 2)) as open,
       count(m.device) filter (where m.state in (4, 5) and m.taken_back_by is distinct from 3) as undoing,
       count(m.device) filter (where m.state in (4, 5) and m.taken_back_by = 3) as going_back,
       max(m.settled_at) as last_settled
from batch b left join move m on m.tenant = b.tenant and m.change = b.change and m.wave = b.wave
  and m.stratum = b.stratum and m.stage = b.stage
where b.state in (1, 4) group by b.tenant, b.change, b.wave, b.stratum, b.stage

-- name: decide_batch
update batch set state = %(state)s, decided_at = %(now)s, decision = %(decision)s
where change = %(change)s and wave = %(wave)s and stratum = %(stratum)s and stage = %(stage)s

-- name: bar_not_admitted
-- A stratum was stopped: its members that were never admitted stay out too.
insert into exception (tenant, policy, device, kind, rule, change, since)
select (select nullif(current_setting('app.tenant', true), '')::uuid), r.policy, u.device, 3, r.rule, %(change)s, %(now)s
from situation s cross join lateral unnest(s.members) u (device)
join standing t on t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device and t.class = s.from_class
join (
    select p.from_class, p.to_class, r.policy, r.rule
    from (select distinct from_class, to_class from situation where owner = %(owner)s and wave = 0) p
    cross join unnest(%(policies)s::uuid[], %(rules)s::int[]) r (policy, rule)
    left join class b on b.id = p.from_class
    left join class n on n.id = p.to_class
    where r.rule = any (coalesce(b.rules, '{}')) <> (r.rule = any (coalesce(n.rules, '{}')))
) r on r.from_class = s.from_class and r.to_class = s.to_class
where s.owner = %(owner)s and s.wave = 0 and s.stratum = %(stratum)s
on conflict (tenant, policy, device) do update set kind = 3, rule = excluded.rule, change = excluded.change, since = excluded.since

-- name: hold_out
-- The comparison group: the last ranks of each stratum stay out, by design.
with held as (
    select m.device, m.from_class, m.to_class from (
        select u.device, s.from_class, s.to_class, row_number() over (partition by s.stratum order by (t.bucket + %(salt)s) %% 10000 desc, u.device) as rank,
               count(*) over (partition by s.stratum) as total
        from situation s cross join lateral unnest(s.members) u (device)
        join standing t on t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device
        where s.owner = %(owner)s and s.wave = 0) m
    where m.rank <= floor(m.total * %(percent)s / 100.0)
), marked as (
    update standing t set arm = 1 from held h
    where t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = h.device
)
insert into exception (tenant, policy, device, kind, rule, change, since)
select (select nullif(current_setting('app.tenant', true), '')::uuid), r.policy, h.device, 4, r.rule, %(change)s, %(now)s
from held h
join (
    select p.from_class, p.to_class, r.policy, r.rule
    from (select distinct from_class, to_class from held) p
    cross join unnest(%(policies)s::uuid[], %(rules)s::int[]) r (policy, rule)
    left join class b on b.id = p.from_class
    left join class n on n.id = p.to_class
    where r.rule = any (coalesce(b.rules, '{}')) <> (r.rule = any (coalesce(n.rules, '{}')))
) r on r.from_class = h.from_class and r.to_class = h.to_class
on conflict (tenant, policy, device) do update set kind = 4, rule = excluded.rule, change = excluded.change, since = excluded.since
