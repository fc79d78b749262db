-- What happened to one device, newest first. Each statement reads one source by an index that begins with the
-- device, and gives at most a page of it; rows of one instant stay together, so that an instant is where a page ends.

-- name: sessions_begun
select iccid, access, plmn, country, rat, source, started_at, ended_at, bytes, end_cause, started_at as at
from session where device = %(device)s and started_at < %(before)s
order by started_at desc fetch first %(limit)s rows with ties

-- name: sessions_ended
select iccid, access, plmn, country, rat, source, started_at, ended_at, bytes, end_cause, ended_at as at
from session where device = %(device)s and started_at < %(before)s and ended_at < %(before)s
order by ended_at desc fetch first %(limit)s rows with ties

-- name: presence
select iccid, country, plmn, source, first_at as at, last_at
from presence where device = %(device)s and first_at < %(before)s
order by first_at desc fetch first %(limit)s rows with ties

-- name: moves
with mine as (
    select m.change, m.wave, m.state, m.leg, m.opened_at, m.settled_at, m.outcome
    from move m where m.device = %(device)s and m.opened_at < %(before)s
), event as (
    select 'opened' as what, opened_at as at, * from mine
    union all
    select 'ended', settled_at, * from mine where settled_at < %(before)s
)
select what, at, change, wave, state, leg, outcome from event order by at desc fetch first %(limit)s rows with ties

-- name: wanted
-- Why Moves of these Changes are: what their two classes say differently.
select m.change, m.wave, c.title,
    array(
        select p.name || '@' || r.number from class t
        cross join lateral unnest(t.rules) u (rule)
        join revision r on r.tenant = t.tenant and r.rule = u.rule
        join policy p on p.tenant = r.tenant and p.id = r.policy
        where t.id = m.to_class and not exists (select from class f where f.id = m.from_class and u.rule = any (f.rules))
        order by u.rule
    ) as entered,
    array(
        select p.name || '@' || r.number from class f
        cross join lateral unnest(f.rules) u (rule)
        join revision r on r.tenant = f.tenant and r.rule = u.rule
        join policy p on p.tenant = r.tenant and p.id = r.policy
        where f.id = m.from_class and not exists (select from class t where t.id = m.to_class and u.rule = any (t.rules))
        order by u.rule
    ) as left_behind,
    array(
        select n from generate_series(1, 7) n
        left join class_document b on b.class = m.from_class and b.facet = n
        left join class_document a on a.class = m.to_class and a.facet = n
        where b.document is distinct from a.document order by n
    ) as facets
from move m join change c on c.id = m.change
where m.device = %(device)s and m.change = any (%(changes)s)

-- name: operations
-- Each operation when it was sent, when somebody said something of it, and when it was settled.
with mine as (
    select o.id, o.change, o.wave, o.facet, o.generation, o.leg, o.step, o.attempt, o.driver, o.verb, o.state, o.reason,
        o.arguments, o.evidence, o.dispatched_at, o.settled_at, o.deadline
    from operation o where o.device = %(device)s and o.facet = any (%(facets)s)
), event as (
    select 'sent' as what, dispatched_at as at, null::jsonb as said, 0 as part, * from mine
    union all
    select 'said', (e.said ->> 'at')::timestamptz, e.said, e.part::int, m.* from mine m
    cross join lateral jsonb_array_elements(m.evidence) with ordinality e (said, part)
    where e.said ? 'at' and not (m.settled_at is not null and e.part = jsonb_array_length(m.evidence)) -- the last word is told with the end
    union all
    select 'settled', settled_at, evidence -> -1, 0, * from mine
)
select what, at, said, part, id, change, wave, facet, generation, leg, step, attempt, driver, verb, state, reason,
    arguments, deadline
from event where at < %(before)s
order by at desc fetch first %(limit)s rows with ties

-- name: reported
select facet, version, state, at from reported
where device = %(device)s and at < %(before)s and facet = any (%(facets)s) order by at desc

-- name: journal
select id, at, actor, action, reason, payload, change
from journal where subject_kind = 'device' and subject_id = %(shown)s and at < %(before)s
order by at desc fetch first %(limit)s rows with ties

-- name: findings
-- What insight concluded of the device itself: when it opened, when somebody knew, when it ended.
with mine as (
    select id, kind as finding, severity, title, sightings, opened_at, acknowledged_at, acknowledged_because, closed_at,
        closed_because
    from finding where subject_kind = 'device' and subject_id = %(shown)s and opened_at < %(before)s
), event as (
    select 'opened' as what, opened_at as at, '' as because, * from mine
    union all
    select 'acknowledged', acknowledged_at, acknowledged_because, * from mine
    union all
    select 'closed', closed_at, closed_because, * from mine
)
select what, at, because, id, finding, severity, title, sightings
from event where at < %(before)s order by at desc fetch first %(limit)s rows with ties
