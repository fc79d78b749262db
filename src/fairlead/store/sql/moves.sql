-- Moves: what is due next, how it goes on, and the way back.

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

-- name: advance
update move m set step = %(step)s, leg = %(leg)s, attempt = %(attempt)s, state = %(state)s, next_at = %(next_at)s,
       settled_at = %(settled_at)s, outcome = coalesce(%(outcome)s, m.outcome)
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.change = %(change)s and m.wave = %(wave)s
  and m.device = any (%(devices)s)

-- name: postpone
update move m set next_at = %(next_at)s, state = case when m.state = 1 then 2 else m.state end
where m.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and m.change = %(change)s and m.wave = %(wave)s
  and m.device = any (%(devices)s)

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

-- name: moves_matching
select distinct m.device from move m
join device d on d.tenant = m.tenant and d.id = m.device
join stratum s on s.tenant = m.tenant and s.id = m.stratum
join fact f on f.tenant = m.tenant and f.device = m.device
where m.change = %(change)s and (%(countries)s::text[] is null or s.country = any (%(countries)s::text[]))
  and (%(names)s::text[] is null or d.name = any (%(names)s::text[])) and ({condition})
