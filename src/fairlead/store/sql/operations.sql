-- Operations: steps begun by the set, proved by facts, dispatched to carriers and read back; our own record of devices.

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
-- A line is moved by facets of its device that each count for themselves, so the line has a count of its own:
-- one generation for each Change and wave that moves it.
insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, leg, step, attempt,
                       driver, verb, state, arguments, dispatched_at, deadline)
select (select nullif(current_setting('app.tenant', true), '')::uuid), gen_random_uuid(), %(change)s, %(wave)s, m.device,
       s.id, 4, 7, coalesce(g.own, g.newest + 1, 1), %(leg)s, %(step)s, %(attempt)s, 'carrier', %(verb)s, 1,
       jsonb_build_object('account', %(account)s::text, 'iccid', s.iccid), null, %(deadline)s
from unnest(%(devices)s::uuid[]) m (device)
join account a on a.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and a.name = %(account)s
join profile p on p.tenant = a.tenant and p.device = m.device and p.account = a.id
join subscription s on s.tenant = a.tenant and s.iccid = p.iccid
left join lateral (
    select max(o.generation) as newest, max(o.generation) filter (where o.change = %(change)s and o.wave = %(wave)s) as own
    from operation o where o.tenant = a.tenant and o.subject = s.id and o.facet = 7
) g on true
where exists (select 1 from facet x where x.tenant = a.tenant and x.device = m.device and x.facet in (1, 7, 8)
              and x.change = %(change)s)
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
returning id, change, wave, device, facet, generation, state, bulk, subject

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
returning id, change, wave, device, facet, generation, state, bulk, subject

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
returning id, change, wave, device, facet, generation, state, bulk, subject

-- name: prove_heard
-- A contact or a carrier's session newer than the moment we began to listen.
update operation o set state = 5, settled_at = %(now)s,
       evidence = o.evidence || jsonb_build_object('fact', 'contact', 'at', greatest(f.last_contact_at, s.seen_at)::text)
from fact f
left join lateral (select max(x.seen_at) as seen_at from session x where x.tenant = f.tenant and x.device = f.device) s on true
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'registry' and o.state = 4
  and f.tenant = o.tenant and f.device = o.device and greatest(f.last_contact_at, s.seen_at) > o.dispatched_at
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject

-- name: retired_wait_no_more
delete from exception where device = any (%(devices)s) and kind in (1, 2)

-- name: names
select name from device where id = any (%(devices)s)

-- name: failure_reasons
select o.device, min(coalesce(o.reason, 'failed')) from operation o
where o.change = %(change)s and o.wave = %(wave)s and o.device = any (%(devices)s) and o.leg = %(leg)s and o.step = %(step)s
  and o.attempt = %(attempt)s and o.state in (6, 7, 8) group by 1

-- name: expire_step
update operation o set state = 8, settled_at = %(now)s, reason = 'no proof before the deadline'
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.state in (2, 3, 4) and o.deadline <= %(now)s
  and o.driver in ('shadow', 'registry')
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject

-- name: prove_reported
-- A facet whose offered document the device reported back. For the network that is an acknowledgement only.
update operation o set state = case when o.facet = 1 then 4 else 5 end,
       settled_at = case when o.facet = 1 then null else %(now)s::timestamptz end,
       evidence = o.evidence || jsonb_build_object('fact', 'reported', 'generation', f.observed_generation, 'at', %(now)s::text)
from facet f
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'shadow' and o.state in (2, 3)
  and f.tenant = o.tenant and f.device = o.device and f.facet = o.facet and f.observed_generation >= o.generation
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject

-- name: prove_sessions
-- Acknowledged and seen by the carrier: a session on the SIM that was asked for, newer than the dispatch.
update operation o set state = 5, settled_at = %(now)s,
       evidence = o.evidence || jsonb_build_object('fact', 'session', 'iccid', s.iccid, 'plmn', s.plmn, 'source', s.source, 'at', s.seen_at::text)
from session s
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'shadow' and o.state = 4 and o.facet = 1
  and s.tenant = o.tenant and s.device = o.device and s.iccid = o.arguments ->> 'iccid' and s.seen_at > o.dispatched_at
  and s.source <> 'device' and s.ended_at is null
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject

-- name: refuse_by_device
-- The device itself went back: its lease ran out, or it could not apply.
update operation o set state = 6, settled_at = %(now)s, reason = %(reason)s,
       evidence = o.evidence || jsonb_build_object('fact', 'reported', 'refused', %(reason)s::text, 'at', %(now)s::text)
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'shadow' and o.device = %(device)s
  and o.facet = %(facet)s and o.state in (2, 3, 4)
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject

-- name: take_carrier_operations
-- Pending ones of an account that are due; they are dispatched when this commits. A line has one write under way
-- at most, so one that waits behind another of its line is left. An array, not `in`: a plan may run a subquery more
-- than once, and then takes more than the limit.
update operation o set state = 2, dispatched_at = %(now)s, not_before = null
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = any (array(
    select p.id from operation p where p.state = 1 and p.driver = 'carrier' and p.arguments ->> 'account' = %(account)s
      and (p.not_before is null or p.not_before <= %(now)s)
      and not exists (select 1 from account a where a.name = %(account)s and a.paused_until > %(now)s)
      and not exists (select 1 from bulk b where b.tenant = p.tenant and b.id = p.bulk and b.state <> 2)
      and not exists (select 1 from operation x where x.tenant = p.tenant and x.subject = p.subject and x.driver = 'carrier'
                      and (x.state in (2, 4, 10) or x.state = 1 and x.deadline > %(now)s and (x.deadline, x.id) < (p.deadline, p.id)
                           and not exists (select 1 from bulk b where b.tenant = x.tenant and b.id = x.bulk and b.state <> 2)))
    order by p.id limit %(limit)s for update skip locked))
returning o.id, o.verb, coalesce((select s.provider_id from subscription s where s.tenant = o.tenant and s.id = o.subject),
  o.arguments ->> 'iccid'), o.change, o.wave, o.device, o.deadline, o.arguments ->> 'iccid', o.put_off, o.arguments, o.subject

-- name: acted_today
-- What lines were asked lately, for carriers that allow a line so many changes a day.
select o.subject, o.verb, o.dispatched_at from operation o
where o.driver = 'carrier' and o.subject = any (%(lines)s) and o.dispatched_at > %(since)s and o.id <> all (%(but)s)
order by o.dispatched_at

-- name: pending_accounts
select o.arguments ->> 'account', count(*) from operation o
where o.state = 1 and o.driver = 'carrier' and o.deadline > %(now)s and (o.not_before is null or o.not_before <= %(now)s)
  and not exists (select 1 from account a where a.tenant = o.tenant and a.name = o.arguments ->> 'account'
                  and a.paused_until > %(now)s)
  and not exists (select 1 from bulk b where b.tenant = o.tenant and b.id = o.bulk and b.state <> 2)
group by 1

-- name: put_off
-- Dispatched and not applied: it waits again. Anything else was only looked at.
update operation o set state = case when o.state = 2 then 1 else o.state end,
       dispatched_at = case when o.state = 2 then null else o.dispatched_at end,
       not_before = p.until, put_off = least(o.put_off + p.busy::int, 1000)
from unnest(%(ids)s::uuid[], %(until)s::timestamptz[], %(busy)s::bool[]) p (id, until, busy)
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = p.id and o.state in (2, 4, 10)

-- name: pause_account
update account set paused_until = greatest(paused_until, %(until)s::timestamptz),
    paused_because = case when paused_until >= %(until)s::timestamptz then paused_because else %(because)s end
where name = %(account)s

-- name: expire_pending
update operation o set state = 8, settled_at = %(now)s, reason = 'not dispatched before the deadline'
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.state = 1 and o.deadline <= %(now)s
  and not exists (select 1 from bulk b where b.tenant = o.tenant and b.id = o.bulk and b.state in (1, 3))
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject

-- name: abandon_operations
-- Dispatched so long ago that nobody works on them any more: whether they arrived is not known.
update operation o set state = 10, reason = 'left behind without an answer'
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.driver = 'carrier' and o.state = 2
  and o.dispatched_at <= %(dispatched_before)s
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject

-- name: doubtful_operations
-- Unknown outcomes and acknowledged ones without proof, unless they or their account must be left in peace. So many of
-- each account: where thousands wait at one, those of the others have their turn.
select o.id, o.verb, coalesce((select s.provider_id from subscription s where s.tenant = o.tenant and s.id = o.subject),
       o.arguments ->> 'iccid'), o.arguments ->> 'account', o.change, o.wave, o.device, o.state, o.dispatched_at,
       o.deadline, o.arguments ->> 'iccid', o.put_off, o.arguments, o.subject, coalesce(o.evidence -> -1 ->> 'reference', ''),
       o.attempt
from (select x.*, row_number() over (partition by x.arguments ->> 'account' order by x.dispatched_at) as turn
      from operation x where x.driver = 'carrier' and x.state in (4, 10)
        and (x.not_before is null or x.not_before <= %(now)s)) o
where o.turn <= %(limit)s
  and not exists (select 1 from account a where a.tenant = o.tenant and a.name = o.arguments ->> 'account'
                  and a.paused_until > %(now)s)
order by o.dispatched_at

-- name: lock_operation
select id, change, device, driver, verb, arguments ->> 'account', state, evidence -> -1 from operation
where id = %(id)s for update

-- name: show_states
-- What a carrier's record proved of a line is known of the line from then on, and not only after the next sweep.
update subscription s set state = x.state, provider_state = x.provider_state, observed_at = x.at
from operation o
join unnest(%(ids)s::uuid[], %(states)s::smallint[], %(provider_states)s::text[], %(at)s::timestamptz[])
  x (id, state, provider_state, at) on x.id = o.id
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.tenant = o.tenant and s.id = o.subject
  and (s.observed_at is null or s.observed_at <= x.at)

-- name: record_outcomes
-- What is pending again was looked at and had not been applied: a new attempt, with what was seen kept. Where its
-- bulk action was cancelled meanwhile, it has failed.
update operation o set state = r.state, reason = nullif(r.reason, ''), evidence = o.evidence || r.evidence::jsonb,
       attempt = o.attempt + (r.state = 1)::int,
       settled_at = case when r.state in (5, 6, 7, 8, 9) then %(now)s::timestamptz end, not_before = r.look_at, put_off = 0
from (
    select x.id, x.reason, x.evidence, x.look_at, case when x.state = 1 and exists (
        select 1 from operation q join bulk b on b.tenant = q.tenant and b.id = q.bulk
        where q.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and q.id = x.id and b.state = 5)
      then 6 else x.state end as state
    from unnest(%(ids)s::uuid[], %(states)s::smallint[], %(reasons)s::text[], %(evidence)s::text[], %(look_at)s::timestamptz[])
      x (id, state, reason, evidence, look_at)) r
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = r.id and o.state in (2, 3, 4, 10)
returning o.id, o.change, o.wave, o.device, o.facet, o.generation, o.state, o.bulk, o.subject
