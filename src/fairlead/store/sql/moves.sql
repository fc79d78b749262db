-- Moves: opened by the set, advanced in groups, proved by facts, taken back by batch.

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

-- name: due_groups
-- Due moves, locked, grouped by what is to be done next. `progress` tells how this step's operations
-- stand (`held`: a way back waits until it is certain what the forward call did); `begun` whether the
-- forward step of the same index may have been applied (what a way back must know).
with due as (
    select m.change, c.plan, m.device, m.wave, m.situation, m.leg, m.step, m.attempt, m.state
    from move m join change c on c.tenant = m.tenant and c.id = m.change
    where m.next_at <= %(now)s and (c.state in (4, 7) or m.leg = 2 or m.state = 2)
    order by m.next_at limit %(limit)s for update of m skip locked
), judged as (
    select d.*, case
        when count(o.id) = 0 and d.leg = 2 and exists (select 1 from operation w
            where w.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and w.change = d.change
              and w.device = d.device and w.wave = d.wave and w.leg = 1 and w.step = d.step
              and w.driver = 'carrier' and w.state in (2, 3, 4, 10)) then 'held'
        when count(o.id) = 0 then 'none'
        when bool_or(o.state in (6, 7, 8)) then 'failed'
        when bool_and(o.state = 5) then 'verified'
        else 'open' end as progress,
        min(o.deadline) filter (where o.state in (1, 2, 3, 4, 10)) as deadline,
        d.leg = 2 and exists (select 1 from operation w
            where w.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and w.change = d.change
              and w.device = d.device and w.wave = d.wave and w.leg = 1 and w.step = d.step
              and w.dispatched_at is not null and (w.driver <> 'carrier' or w.state not in (6, 7))) as begun
    from due d left join operation o on o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
      and o.change = d.change and o.device = d.device and o.wave = d.wave
      and o.leg = d.leg and o.step = d.step and o.attempt = d.attempt
    group by d.change, d.plan, d.device, d.wave, d.situation, d.leg, d.step, d.attempt, d.state
)
select change, plan, wave, situation, leg, step, attempt, state, progress, begun, min(deadline), array_agg(device order by device)
from judged group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

-- name: start_shadow_step
-- The dispatch rows commit before anything is sent; the shadow offers the document from now on. On the way
-- back to a facet of which nothing was known, the shadow ceases to offer and nothing is left to prove. A
-- device that reports the document already, because it went back by itself, has acknowledged it: hints of a
-- network document (how, not what) are not reported.
with step as (
    select f.device, f.facet, f.generation, f.desired, d.content, p.iccid,
           r.state @> (d.content - array['lease_s', 'release', 'method'])
             and (f.facet <> 1 or p.iccid is null or r.state ->> 'iccid' = p.iccid) as already
    from facet f
    left join document d on d.tenant = f.tenant and d.id = f.desired
    left join account a on f.facet = 1 and a.tenant = f.tenant and a.name = d.content ->> 'carrier'
    left join profile p on p.tenant = f.tenant and p.device = f.device and p.account = a.id
    left join reported r on r.tenant = f.tenant and r.device = f.device and r.facet = f.facet
    where f.device = any (%(devices)s) and f.facet = any (%(facets)s)
), offered as (
    update facet f set offered = s.desired, offered_generation = s.generation,
           observed_generation = case when s.already then s.generation else f.observed_generation end
    from step s
    where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = s.device and f.facet = s.facet
)
insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, leg, step, attempt,
                       driver, verb, state, arguments, dispatched_at, deadline)
select (select nullif(current_setting('app.tenant', true), '')::uuid), gen_random_uuid(), %(change)s, %(wave)s, s.device,
       s.device, 1, s.facet, s.generation, %(leg)s, %(step)s, %(attempt)s, 'shadow', 'write', 2,
       case when s.facet = 1 then jsonb_strip_nulls(jsonb_build_object(
         'carrier', s.content ->> 'carrier', 'iccid', s.iccid, 'apn', s.content ->> 'apn')) else '{}'::jsonb end,
       %(now)s, %(deadline)s
from step s
where s.desired is not null
on conflict (tenant, subject, facet, generation, leg, step, attempt) do nothing

-- name: start_carrier_step
insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, leg, step, attempt,
                       driver, verb, state, arguments, dispatched_at, deadline)
select (select nullif(current_setting('app.tenant', true), '')::uuid), gen_random_uuid(), %(change)s, %(wave)s, m.device,
       s.id, 4, 7, f.generation, %(leg)s, %(step)s, %(attempt)s, 'carrier', %(verb)s, 1,
       jsonb_build_object('account', %(account)s::text, 'iccid', s.iccid), null, %(deadline)s
from unnest(%(devices)s::uuid[]) m (device)
join account a on a.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and a.name = %(account)s
join profile p on p.tenant = a.tenant and p.device = m.device and p.account = a.id
join subscription s on s.tenant = a.tenant and s.iccid = p.iccid
join lateral (select max(x.generation) as generation from facet x where x.tenant = a.tenant and x.device = m.device
              and x.facet in (1, 7, 8) and x.change = %(change)s) f on f.generation is not null
on conflict (tenant, subject, facet, generation, leg, step, attempt) do nothing

-- name: set_device_state
-- Our own record of where a device stands; facts read it, so it is looked at again. The state before is kept
-- with the step, which is how the step is taken back. A retired device is refused at the door by this state.
with step as (
    select d.id, d.state as before, f.generation
    from unnest(%(devices)s::uuid[]) m (device)
    join device d on d.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and d.id = m.device
    join facet f on f.tenant = d.tenant and f.device = d.id and f.facet = 8 and f.change = %(change)s
    for update of d
), stood as (
    update device d set state = %(state)s, updated_at = %(now)s, version = d.version + 1
    from step s where d.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and d.id = s.id and d.state <> %(state)s
), told as (
    update fact f set device_state = (array['manufactured', 'bootstrapped', 'active', 'quarantined', 'retired'])[%(state)s]
    from step s where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = s.id
), again as (
    insert into dirty (tenant, device)
    select (select nullif(current_setting('app.tenant', true), '')::uuid), s.id from step s order by s.id
    on conflict (tenant, device) do update set device = excluded.device
)
insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, leg, step, attempt,
                       driver, verb, state, arguments, evidence, dispatched_at, settled_at, deadline)
select (select nullif(current_setting('app.tenant', true), '')::uuid), gen_random_uuid(), %(change)s, %(wave)s, s.id,
       s.id, 1, 8, s.generation, %(leg)s, %(step)s, %(attempt)s, 'registry', %(verb)s, 5,
       jsonb_build_object('before', s.before, 'after', %(state)s::int),
       jsonb_build_array(jsonb_build_object('fact', 'recorded', 'at', %(now)s::text)), %(now)s, %(now)s, %(deadline)s
from step s
on conflict (tenant, subject, facet, generation, leg, step, attempt) do nothing
returning id, change, wave, device, facet, generation, state

-- name: restore_device_state
-- The way back of the statement above: to the state that the forward step found.
with step as (
    select o.device as id, (o.arguments ->> 'before')::smallint as before, d.state as now_in, f.generation
    from operation o
    join device d on d.tenant = o.tenant and d.id = o.device
    join facet f on f.tenant = o.tenant and f.device = o.device and f.facet = 8 and f.change = %(change)s
    where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.change = %(change)s
      and o.wave = %(wave)s and o.device = any (%(devices)s) and o.leg = 1 and o.step = %(step)s and o.driver = 'registry'
    for update of d
), stood as (
    update device d set state = s.before, updated_at = %(now)s, version = d.version + 1
    from step s where d.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and d.id = s.id
), told as (
    update fact f set device_state = (array['manufactured', 'bootstrapped', 'active', 'quarantined', 'retired'])[s.before]
    from step s where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = s.id
), again as (
    insert into dirty (tenant, device)
    select (select nullif(current_setting('app.tenant', true), '')::uuid), s.id from step s order by s.id
    on conflict (tenant, device) do update set device = excluded.device
)
insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, leg, step, attempt,
                       driver, verb, state, arguments, evidence, dispatched_at, settled_at, deadline)
select (select nullif(current_setting('app.tenant', true), '')::uuid), gen_random_uuid(), %(change)s, %(wave)s, s.id,
       s.id, 1, 8, s.generation, %(leg)s, %(step)s, %(attempt)s, 'registry', %(verb)s, 5,
       jsonb_build_object('before', s.now_in, 'after', s.before),
       jsonb_build_array(jsonb_build_object('fact', 'recorded', 'at', %(now)s::text)), %(now)s, %(now)s, %(deadline)s
from step s
on conflict (tenant, subject, facet, generation, leg, step, attempt) do nothing
returning id, change, wave, device, facet, generation, state

-- name: start_hearing
-- Nothing is sent: the device is to be heard from by itself.
insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, leg, step, attempt,
                       driver, verb, state, arguments, dispatched_at, deadline)
select (select nullif(current_setting('app.tenant', true), '')::uuid), gen_random_uuid(), %(change)s, %(wave)s, f.device,
       f.device, 1, 8, f.generation, %(leg)s, %(step)s, %(attempt)s, 'registry', 'hear', 4, '{}', %(now)s, %(deadline)s
from facet f
where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = any (%(devices)s)
  and f.facet = 8 and f.change = %(change)s
on conflict (tenant, subject, facet, generation, leg, step, attempt) do nothing
returning id, change, wave, device, facet, generation, state

-- name: prove_heard
-- A contact or a carrier's session newer than the moment we began to listen.
update operation o set state = 5, settled_at = %(now)s,
       evidence = o.evidence || jsonb_build_object('fact', 'contact', 'at', greatest(f.last_contact_at, s.seen_at)::text)
from fact f
left join lateral (select max(x.seen_at) as seen_at from session x where x.tenant = f.tenant and x.device = f.device) s on true
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'registry' and o.state = 4
  and f.tenant = o.tenant and f.device = o.device and greatest(f.last_contact_at, s.seen_at) > o.dispatched_at
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

-- name: retired_wait_no_more
delete from exception where device = any (%(devices)s) and kind in (1, 2)

-- name: names
select name from device where id = any (%(devices)s)

-- name: advance
update move m set step = %(step)s, leg = %(leg)s, attempt = %(attempt)s, state = %(state)s, next_at = %(next_at)s,
       settled_at = %(settled_at)s, outcome = coalesce(%(outcome)s, m.outcome)
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.change = %(change)s and m.wave = %(wave)s
  and m.device = any (%(devices)s)

-- name: postpone
update move m set next_at = %(next_at)s, state = case when m.state = 1 then 2 else m.state end
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.change = %(change)s and m.wave = %(wave)s
  and m.device = any (%(devices)s)

-- name: failure_reasons
select o.device, min(coalesce(o.reason, 'failed')) from operation o
where o.change = %(change)s and o.wave = %(wave)s and o.device = any (%(devices)s) and o.leg = %(leg)s and o.step = %(step)s
  and o.attempt = %(attempt)s and o.state in (6, 7, 8) group by 1

-- name: expire_step
update operation o set state = 8, settled_at = %(now)s, reason = 'no proof before the deadline'
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.state in (2, 3, 4) and o.deadline <= %(now)s
  and o.driver in ('shadow', 'registry')
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

-- name: prove_reported
-- A facet whose offered document the device reported back. For the network that is an acknowledgement only.
update operation o set state = case when o.facet = 1 then 4 else 5 end,
       settled_at = case when o.facet = 1 then null else %(now)s::timestamptz end,
       evidence = o.evidence || jsonb_build_object('fact', 'reported', 'generation', f.observed_generation, 'at', %(now)s::text)
from facet f
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'shadow' and o.state in (2, 3)
  and f.tenant = o.tenant and f.device = o.device and f.facet = o.facet and f.observed_generation >= o.generation
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

-- name: prove_sessions
-- Acknowledged and seen by the carrier: a session on the SIM that was asked for, newer than the dispatch.
update operation o set state = 5, settled_at = %(now)s,
       evidence = o.evidence || jsonb_build_object('fact', 'session', 'iccid', s.iccid, 'plmn', s.plmn, 'source', s.source, 'at', s.seen_at::text)
from session s
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'shadow' and o.state = 4 and o.facet = 1
  and s.tenant = o.tenant and s.device = o.device and s.iccid = o.arguments ->> 'iccid' and s.seen_at > o.dispatched_at
  and s.source <> 'device' and s.ended_at is null
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

-- name: wake_moves
update move m set next_at = %(now)s
from (select distinct * from unnest(%(changes)s::uuid[], %(waves)s::int[], %(devices)s::uuid[]) x (change, wave, device)) w
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.change = w.change and m.wave = w.wave
  and m.device = w.device and m.next_at is not null

-- name: verify_facets
update facet f set verified = f.desired, observed_generation = greatest(f.observed_generation, f.offered_generation)
from unnest(%(devices)s::uuid[]) m (device)
where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = m.device
  and f.change = %(change)s and f.desired is not null

-- name: refuse_by_device
-- The device itself went back: its lease ran out, or it could not apply.
update operation o set state = 6, settled_at = %(now)s, reason = %(reason)s,
       evidence = o.evidence || jsonb_build_object('fact', 'reported', 'refused', %(reason)s::text, 'at', %(now)s::text)
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'shadow' and o.device = %(device)s
  and o.facet = %(facet)s and o.state in (2, 3, 4)
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

-- name: take_carrier_operations
-- Pending ones of an account that are due, oldest first; they are dispatched when this commits. An array, not
-- `in`: a plan may run a subquery more than once, and then takes more than the limit.
update operation o set state = 2, dispatched_at = %(now)s, not_before = null
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = any (array(
    select id from operation where state = 1 and driver = 'carrier' and arguments ->> 'account' = %(account)s
      and (not_before is null or not_before <= %(now)s)
      and not exists (select 1 from account a where a.name = %(account)s and a.paused_until > %(now)s)
    order by id limit %(limit)s for update skip locked))
returning o.id, o.verb, coalesce((select s.provider_id from subscription s where s.tenant = o.tenant and s.id = o.subject),
  o.arguments ->> 'iccid'), o.change, o.wave, o.device, o.deadline, o.arguments ->> 'iccid', o.put_off

-- name: pending_accounts
select o.arguments ->> 'account', count(*) from operation o
where o.state = 1 and o.driver = 'carrier' and o.deadline > %(now)s and (o.not_before is null or o.not_before <= %(now)s)
  and not exists (select 1 from account a where a.tenant = o.tenant and a.name = o.arguments ->> 'account'
                  and a.paused_until > %(now)s)
group by 1

-- name: put_off
-- Dispatched and not applied: it waits again. Anything else was only looked at.
update operation o set state = case when o.state = 2 then 1 else o.state end,
       dispatched_at = case when o.state = 2 then null else o.dispatched_at end,
       not_before = p.until, put_off = least(o.put_off + p.busy::int, 1000)
from unnest(%(ids)s::uuid[], %(until)s::timestamptz[], %(busy)s::bool[]) p (id, until, busy)
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = p.id and o.state in (2, 4, 10)

-- name: pause_account
update account set paused_until = greatest(paused_until, %(until)s::timestamptz) where name = %(account)s

-- name: expire_pending
update operation o set state = 8, settled_at = %(now)s, reason = 'not dispatched before the deadline'
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.state = 1 and o.deadline <= %(now)s
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

-- name: abandon_operations
-- Dispatched so long ago that nobody works on them any more: whether they arrived is not known.
update operation o set state = 10, reason = 'left behind without an answer'
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'carrier' and o.state = 2
  and o.dispatched_at <= %(dispatched_before)s
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

-- name: doubtful_operations
-- Unknown outcomes and acknowledged ones without proof, unless they or their account must be left in peace.
select o.id, o.verb, coalesce((select s.provider_id from subscription s where s.tenant = o.tenant and s.id = o.subject),
       o.arguments ->> 'iccid'), o.arguments ->> 'account', o.change, o.wave, o.device, o.state, o.dispatched_at,
       o.deadline, o.arguments ->> 'iccid', o.put_off
from operation o
where o.driver = 'carrier' and o.state in (4, 10) and (o.not_before is null or o.not_before <= %(now)s)
  and not exists (select 1 from account a where a.tenant = o.tenant and a.name = o.arguments ->> 'account'
                  and a.paused_until > %(now)s)
order by o.dispatched_at limit %(limit)s

-- name: lock_operation
select id, change, device, driver, verb, arguments ->> 'account', state, evidence -> -1 from operation
where id = %(id)s for update

-- name: record_outcomes
update operation o set state = r.state, reason = nullif(r.reason, ''), evidence = o.evidence || r.evidence::jsonb,
       settled_at = case when r.state in (5, 6, 7, 8, 9) then %(now)s::timestamptz end, not_before = null, put_off = 0
from unnest(%(ids)s::uuid[], %(states)s::smallint[], %(reasons)s::text[], %(evidence)s::text[]) r (id, state, reason, evidence)
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = r.id and o.state in (2, 3, 4, 10)
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state

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

-- name: begin_undo
-- Class, facets and bars go back by the set; the moves run their recipe backwards. Of a device that came and went
-- in several waves only the last Move stands for where it is.
create temp table undone on commit drop as
select m.device, m.from_class, m.to_class, m.wave, m.step, m.state
from move m
where m.change = %(change)s and m.state in (1, 2, 3, 4, 8) and (%(devices)s::uuid[] is null or m.device = any (%(devices)s::uuid[]))
  and (%(wave)s::int is null or m.wave = %(wave)s)
  and (%(strata)s::int[] is null or m.stratum = any (%(strata)s)) and (%(stage)s::int is null or m.stage = %(stage)s)
  and not exists (select 1 from move n where n.tenant = m.tenant and n.change = m.change and n.device = m.device
                  and n.wave > m.wave and n.state not in (6, 7))
  and not exists (select 1 from facet f
                  left join class_document b on b.tenant = f.tenant and b.class = m.from_class and b.facet = f.facet
                  left join class_document n on n.tenant = f.tenant and n.class = m.to_class and n.facet = f.facet
                  where f.tenant = m.tenant and f.device = m.device and f.change <> m.change
                    and f.changed_at > m.opened_at and b.document is distinct from n.document)

-- name: find_voided
-- Moves that those taken back had overtaken, and what these had overtaken in turn. They never brought what they
-- wanted: on the way back to what was verified before, it does not hold any more.
create temp table voided on commit drop as
with recursive chain as (
    select u.device, %(change)s::uuid as change, 0 as depth from undone u
    union
    select m.device, m.change, c.depth + 1 from chain c
    join move m on m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
      and m.device = c.device and m.superseded_by = c.change
    where c.depth < 20
)
select m.change, m.wave, m.device, m.from_class, m.to_class, max(c.depth) as depth
from chain c join move m on m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
  and m.device = c.device and m.superseded_by = c.change
where not exists (select 1 from move n where n.tenant = m.tenant and n.device = m.device and n.change = m.change
                  and n.opened_at > m.opened_at)
group by 1, 2, 3, 4, 5

-- name: no_voided
create temp table voided (change uuid, wave int, device uuid, from_class int, to_class int, depth int) on commit drop

-- name: undone_into
-- Only where rules of others are there besides.
select distinct t.class from undone u
join standing t on t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device
left join (select distinct on (device) device, from_class from voided order by device, depth desc) v on v.device = u.device
where t.class <> coalesce(v.from_class, u.from_class)

-- name: carry_on
insert into transition (tenant, from_class, to_class, members, cause, at)
select t.tenant, coalesce(v.from_class, u.from_class), t.class, array_agg(u.device order by u.device), 'rolled back', %(now)s
from undone u
join standing t on t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device
left join (select distinct on (device) device, from_class from voided order by device, depth desc) v on v.device = u.device
where t.class <> coalesce(v.from_class, u.from_class)
  and exists (select 1 from class_document d left join facet f on f.tenant = t.tenant and f.device = t.device and f.facet = d.facet
              where d.class = t.class and d.facet < 7 and f.desired is distinct from d.document)
group by 1, 2, 3

-- name: any_superseded
select 1 from move where superseded_by = %(change)s limit 1

-- name: voided_depths
select distinct depth from voided order by depth

-- name: make_voiding
create temp table voiding on commit drop as select device, from_class, to_class from voided where depth = %(depth)s

-- name: void_facets
-- Of a facet that nobody else changed since: what was verified. Where it was offered, that is offered again.
update facet f set desired = f.previous, generation = f.generation + 1, changed_at = %(now)s,
       offered = case when f.offered_generation = f.generation then f.previous else f.offered end,
       offered_generation = case when f.offered_generation = f.generation then f.generation + 1 else f.offered_generation end
from (select distinct device, change from voided) v
where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = v.device and f.change = v.change

-- name: void_moves
update move m set superseded_by = null
from voided v
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.change = v.change
  and m.device = v.device and m.wave = v.wave

-- name: mark_voided
-- They are looked at again: a standing Change takes them in anew, as its policy admits entrants.
insert into dirty (tenant, device)
select distinct (select nullif(current_setting('app.tenant', true), '')::uuid), device from voided order by 2
on conflict (tenant, device) do update set device = excluded.device

-- name: undone_classes
-- Where the devices stand now; later Changes may have added rules of their own since.
select distinct t.class, u.from_class, u.to_class from {moves} u
join standing t on t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device
where t.class <> u.from_class

-- name: undo_classes
update standing t set class = k.back
from {moves} u
join unnest(%(now_in)s::int[], %(from_class)s::int[], %(to_class)s::int[], %(back)s::int[]) k (now_in, from_class, to_class, back)
  on k.from_class = u.from_class and k.to_class = u.to_class
where t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = u.device and t.class = k.now_in

-- name: undo_facets
update facet f set desired = f.previous, generation = f.generation + 1, changed_at = %(now)s
from undone u
where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = u.device and f.change = %(change)s

-- name: bar
-- From the revisions that the move brought, or took away; a Change may have others that do not concern it.
insert into exception (tenant, policy, device, kind, rule, change, since)
select (select nullif(current_setting('app.tenant', true), '')::uuid), r.policy, u.device, 3, r.rule, %(change)s, %(now)s
from undone u
join (
    select p.from_class, p.to_class, r.policy, r.rule
    from (select distinct from_class, to_class from undone) p
    cross join unnest(%(policies)s::uuid[], %(rules)s::int[]) r (policy, rule)
    left join class b on b.id = p.from_class
    left join class n on n.id = p.to_class
    where r.rule = any (coalesce(b.rules, '{}')) <> (r.rule = any (coalesce(n.rules, '{}')))
) r on r.from_class = u.from_class and r.to_class = u.to_class
order by r.policy, u.device
on conflict (tenant, policy, device) do update set kind = 3, rule = excluded.rule, change = excluded.change, since = excluded.since

-- name: undo_moves
update move m set state = 5, leg = 2, attempt = case when u.state = 8 then m.attempt + 1 else 1 end, next_at = %(now)s, settled_at = null,
       outcome = coalesce(m.outcome, %(outcome)s), taken_back_by = coalesce(m.taken_back_by, %(by)s)
from undone u
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.change = %(change)s and m.device = u.device
  and m.wave = u.wave

-- name: undo_cut_operations
-- What was on its way is overtaken by the way back.
update operation o set state = 9, settled_at = %(now)s, reason = 'rolled back'
from undone u
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.change = %(change)s and o.device = u.device
  and o.wave = u.wave and o.leg = 1 and (o.state = 1 or (o.driver = 'shadow' and o.state in (2, 3, 4)))

-- name: left_by_undo
-- Moves of the selection that a later Change has overtaken: they are listed, not touched.
select count(*) from move m
where m.change = %(change)s and m.state in (3, 7) and (%(devices)s::uuid[] is null or m.device = any (%(devices)s::uuid[]))
  and (%(wave)s::int is null or m.wave = %(wave)s) and (%(strata)s::int[] is null or m.stratum = any (%(strata)s))
  and (%(stage)s::int is null or m.stage = %(stage)s)
  and not exists (select 1 from undone u where u.device = m.device and u.wave = m.wave)

-- name: undo_counts
select count(*), count(*) filter (where state = 3) from undone

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

-- name: moves_matching
select distinct m.device from move m
join device d on d.tenant = m.tenant and d.id = m.device
join stratum s on s.tenant = m.tenant and s.id = m.stratum
join fact f on f.tenant = m.tenant and f.device = m.device
where m.change = %(change)s and (%(countries)s::text[] is null or s.country = any (%(countries)s::text[]))
  and (%(names)s::text[] is null or d.name = any (%(names)s::text[])) and ({condition})
