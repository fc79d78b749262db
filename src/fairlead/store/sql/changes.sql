-- Changes: the rows of the story; their moves are in moves.sql.

-- name: insert_change
insert into change (tenant, id, title, kind, state, reason, author, plan, rollout, salt, approvals_needed, emergency, created_at, ends_at)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(id)s, %(title)s, %(kind)s, %(state)s, %(reason)s,
        %(author)s, %(plan)s, %(rollout)s, %(salt)s, %(approvals)s, %(emergency)s, %(now)s, %(ends_at)s)

-- name: read_change
select id, title, kind, state, reason, author, plan, rollout, salt, approvals_needed, emergency, created_at, started_at,
       settled_at, waves, version, ends_at from change where id = %(id)s

-- name: lock_change
select id, title, kind, state, reason, author, plan, rollout, salt, approvals_needed, emergency, created_at, started_at,
       settled_at, waves, version, ends_at from change where id = %(id)s for update

-- name: list_changes
select id, title, kind, state, reason, author, plan, rollout, salt, approvals_needed, emergency, created_at, started_at,
       settled_at, waves, version, ends_at from change
where (%(before)s::uuid is null or id < %(before)s) and state = any (%(states)s)
order by id desc limit %(limit)s

-- name: changes_in
select id from change where state = any (%(states)s) order by id

-- name: changes_ended
select id from change where ends_at <= %(now)s and state in (4, 5, 7) order by id

-- name: set_state
update change set state = %(state)s, version = version + 1,
       started_at = case when %(state)s = 4 then coalesce(started_at, %(now)s) else started_at end,
       settled_at = case when %(state)s in (6, 7, 8, 9) then coalesce(settled_at, %(now)s) else settled_at end
where id = %(id)s

-- name: next_wave
update change set waves = waves + 1 where id = %(id)s returning waves

-- name: insert_approval
insert into approval (tenant, change, principal, verdict, note, at)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(change)s, %(principal)s, %(verdict)s, %(note)s, %(now)s)
on conflict (tenant, change, principal) do update set verdict = excluded.verdict, note = excluded.note, at = excluded.at

-- name: approvals
select principal, verdict, note, at from approval where change = %(change)s order by at

-- name: batches
select b.wave, s.country, s.carrier, b.stage, b.percent, b.state, b.admitted, b.opened_at, b.decided_at, b.decision, b.stratum
from batch b join stratum s on s.tenant = b.tenant and s.id = b.stratum
where b.change = %(change)s order by b.wave, s.country, s.carrier, b.stage

-- name: latest_batches
-- Wave 0: the furthest stage of each stratum.
select distinct on (stratum) stratum, stage, percent, state, decided_at from batch
where change = %(change)s and wave = 0 order by stratum, stage desc

-- name: move_counts
select k.stratum, s.country, s.carrier, k.wave, k.stage, k.state, k.n
from (select tenant, stratum, wave, stage, state, count(*) as n from move where change = %(change)s group by 1, 2, 3, 4, 5) k
join stratum s on s.tenant = k.tenant and s.id = k.stratum

-- name: move_totals
select state, count(*) from move where change = %(change)s group by 1

-- name: taken_back_count
select count(*) from move where change = %(change)s and taken_back_by = 3

-- name: counts_of
-- Of the Changes on one page: agreements that were given, and moves by state.
select c.id, (select count(*) from approval a where a.tenant = c.tenant and a.change = c.id and a.verdict = 1),
       (select jsonb_object_agg(k.state, k.n) from (select m.state, count(*) as n from move m
        where m.tenant = c.tenant and m.change = c.id group by 1) k)
from change c where c.id = any (%(changes)s)

-- name: exception_counts
select kind, count(*) from exception where change = %(change)s group by 1

-- name: moves
select m.device, d.name, m.wave, s.country, s.carrier, m.stage, m.state, m.leg, m.step, m.attempt, m.opened_at, m.settled_at, m.outcome,
       m.taken_back_by, m.situation
from move m join device d on d.tenant = m.tenant and d.id = m.device join stratum s on s.tenant = m.tenant and s.id = m.stratum
where m.change = %(change)s and (%(state)s::smallint is null or m.state = %(state)s)
  and (%(wave)s::int is null or m.wave = %(wave)s) and (%(stage)s::int is null or m.stage = %(stage)s)
  and (%(country)s::text is null or s.country = %(country)s) and (%(carrier)s::text is null or s.carrier = %(carrier)s)
  and (%(device)s::uuid is null or m.device = %(device)s)
  and (%(after)s::uuid is null or (m.device, m.wave) > (%(after)s, %(after_wave)s::int))
order by m.device, m.wave limit %(limit)s

-- name: operations
select o.id, o.change, o.wave, o.device, d.name, o.facet, o.generation, o.leg, o.step, o.attempt, o.driver, o.verb, o.state,
       o.reason, o.arguments, o.evidence, o.dispatched_at, o.settled_at, o.deadline,
       case when o.state in (1, 4, 10) then o.not_before end, o.put_off
from operation o left join device d on d.tenant = o.tenant and d.id = o.device
where (%(change)s::uuid is null or o.change = %(change)s) and (%(device)s::uuid is null or o.device = %(device)s)
  and (%(state)s::smallint is null or o.state = %(state)s) and (%(after)s::uuid is null or o.id > %(after)s)
order by o.id limit %(limit)s

-- name: operation_totals
select state, count(*) from operation where change = %(change)s group by 1

-- name: standing_waits
-- Entrants and leavers of standing changes that are ripe, by rule, direction and stratum.
select x.policy, x.rule, x.kind, s.stratum, count(*)
from exception x join standing s on s.tenant = x.tenant and s.device = x.device
where x.kind in (1, 2) and x.since <= %(now)s group by 1, 2, 3, 4

-- name: admitted_since
select stratum, sum(admitted) from batch where change = %(change)s and wave > 0 and opened_at > %(since)s group by 1

-- name: waiting_devices
-- The next ones in line of one rule, direction and stratum.
select x.device, s.class from exception x join standing s on s.tenant = x.tenant and s.device = x.device
where x.policy = %(policy)s and x.rule = %(rule)s and x.kind = %(kind)s and s.stratum = %(stratum)s and x.since <= %(now)s
  and not exists (select 1 from move m where m.tenant = x.tenant and m.device = x.device and m.state in (1, 2, 5)
                  and (m.state <> 1 or m.step > 0 or m.wave > 0)) -- one open move a device: they wait for it
order by x.since, x.device limit %(limit)s

-- name: wait_longer
-- They cannot be moved as they are: looked at again later, behind those that can.
update exception x set since = %(until)s
from situation s cross join lateral unnest(s.members) u (device)
where s.owner = %(change)s and s.wave = %(wave)s and (s.recipe ->> 'block_code') is not null
  and x.tenant = s.tenant and x.device = u.device and x.kind in (1, 2) and x.policy = any (%(policies)s)

-- name: device_why
select s.class, s.stratum, s.bucket, s.arm from standing s where s.device = %(device)s

-- name: device_exceptions
select x.policy, p.name, x.kind, x.rule, x.change, x.since from exception x
join policy p on p.tenant = x.tenant and p.id = x.policy where x.device = %(device)s

-- name: device_facets
select f.facet, d.content, f.generation, f.offered_generation, f.observed_generation, v.content, f.change, f.changed_at, r.state, r.at, r.version
from facet f
left join document d on d.tenant = f.tenant and d.id = f.desired
left join document v on v.tenant = f.tenant and v.id = f.verified
left join reported r on r.tenant = f.tenant and r.device = f.device and r.facet = f.facet
where f.device = %(device)s order by f.facet

-- name: device_moves
select m.change, c.title, m.wave, m.state, m.stage, m.leg, m.step, m.opened_at, m.settled_at, m.outcome
from move m join change c on c.tenant = m.tenant and c.id = m.change
where m.device = %(device)s order by m.opened_at desc limit 20

-- name: open_moves_anywhere
select exists (select 1 from move where next_at is not null)

-- name: lift_bar
delete from exception where device = any (%(devices)s) and policy = %(policy)s and kind = 3

-- name: mark_dirty
insert into dirty (tenant, device) select (select nullif(current_setting('app.tenant', true), '')::uuid), u
from unnest(%(devices)s::uuid[]) u order by u on conflict (tenant, device) do update set device = excluded.device
