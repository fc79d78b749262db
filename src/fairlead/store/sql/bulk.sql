-- Bulk actions: chosen by the set, written by the set, counted by their operations.

-- name: chosen
-- What a line is shown as counts only where nothing of ours may have changed it since (`doubt`).
select a.name, a.connector, case when not {doubt} then s.state end, a.swept_at, count(*), coalesce(s.unable ->> %(verb)s, '')
from subscription s
join account a on a.tenant = s.tenant and a.id = s.account
{judging}
where {wanted} and {named}
group by 1, 2, 3, 4, 6 order by 1, 3, 6

-- name: doubt
-- What we last proved of a line is another state, and what is shown may be from before it: a carrier's view lags.
coalesce((
    select l.evidence -> -1 ->> 'state' <> (%(states)s::text[])[s.state] from operation l
    where l.tenant = s.tenant and l.subject = s.id and l.facet = 7 and l.state = 5 and l.evidence -> -1 ? 'state'
      and l.settled_at > s.observed_at - make_interval(secs => a.staleness_s)
    order by l.settled_at desc limit 1), false)

-- name: named
s.iccid = any (%(iccids)s)

-- name: missing
-- ICCIDs that no line the caller may see has.
select x.iccid from unnest(%(iccids)s::text[]) x (iccid)
where not exists (select 1 from subscription s {judging} where s.iccid = x.iccid and {wanted})
order by 1

-- name: fees
-- What the chosen lines that are active and can be asked cost a month, where their plan has a price valid today. A line that is not active
-- is in no amount: what is paid for it, if anything, is another thing.
select a.name, pr.currency, count(*), count(pr.plan), sum(coalesce(pr.monthly_nano, 0))::text
from subscription s
join account a on a.tenant = s.tenant and a.id = s.account
{judging}
left join lateral (select * from price p where p.plan = s.plan and p.valid_from <= %(today)s
                   order by p.valid_from desc limit 1) pr on true
where s.state = 4 and not coalesce(s.unable ? %(verb)s, false) and {wanted} and {named}
group by 1, 2 order by 1, 2

-- name: insert
insert into bulk (tenant, id, verb, arguments, selected, reason, state, author, undo_of, total, created_at, started_at, rule)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(id)s, %(verb)s, %(arguments)s, %(selected)s,
        %(reason)s, %(state)s, %(author)s, %(undo_of)s, %(total)s, %(now)s, %(started_at)s, %(rule)s)

-- name: add_lines
-- One operation a line. What cannot be asked has its result at once, and so has a line that the carrier shows as it
-- should be, unless something is under way on it. The count of generations is the line's own, as in
-- `start_carrier_step`. Ids begin with the line's place by account and ICCID: results are read in that order.
insert into operation (tenant, id, bulk, device, subject, subject_kind, facet, generation, leg, step, attempt, driver,
                       verb, state, reason, arguments, evidence, deadline, settled_at)
select s.tenant,
    overlay(gen_random_uuid()::text placing lpad(to_hex(row_number() over (order by a.name, s.iccid)), 8, '0') from 1 for 8)::uuid,
    %(bulk)s, s.device, s.id, 4, 7, coalesce(g.newest, 0) + 1, 1, 0, 1, 'carrier', %(verb)s,
    case when w.why is not null then 7 when g.so then 5 else 1 end,
    w.why,
    %(arguments)s::jsonb || jsonb_build_object(
        'account', a.name, 'iccid', s.iccid,
        'before', jsonb_build_object('state', (%(states)s::text[])[s.state], 'plan', s.plan, 'at', s.observed_at)),
    case when w.why is not null then jsonb_build_array(jsonb_build_object('fact', 'not-asked', 'at', %(now)s::text))
         when g.so then jsonb_build_array(jsonb_build_object(
            'fact', 'already', 'at', %(now)s::text, 'observed_at', s.observed_at, 'provider_state', s.provider_state,
            'changed', false))
         else '[]'::jsonb end,
    %(deadline)s,
    case when w.why is not null or g.so then %(now)s::timestamptz end
from subscription s
join account a on a.tenant = s.tenant and a.id = s.account
join unnest(%(accounts)s::text[], %(because)s::text[], %(already)s::smallint[]) t (account, because, already) on t.account = a.name
left join lateral (select max(o.generation) as newest,
        s.state = t.already and not coalesce(bool_or(o.state in (1, 2, 3, 4, 10)), false) and not {doubt} as so
    from operation o where o.tenant = s.tenant and o.subject = s.id and o.facet = 7) g on true
cross join lateral (select coalesce(nullif(t.because, ''), case when g.so is not true then s.unable ->> %(verb)s end) as why) w
{judging}
where {wanted} and {named}

-- name: add_back
-- The way back of another bulk action, for the lines it changed, in its order: each to the state it was in before, or to
-- the setting that was read before it was written.
insert into operation (tenant, id, bulk, device, subject, subject_kind, facet, generation, leg, step, attempt, driver,
                       verb, state, reason, arguments, evidence, deadline, settled_at)
select o.tenant,
    overlay(gen_random_uuid()::text placing lpad(to_hex(row_number() over (order by o.id)), 8, '0') from 1 for 8)::uuid,
    %(bulk)s, o.device, o.subject, 4, 7, coalesce(g.newest, 0) + 1, 1, 0, 1, 'carrier',
    coalesce(b.verb, 'undo'), case when c.verb is null then 7 else 1 end,
    case when b.verb is null then 'nothing takes it back' when c.verb is null then 'unsupported' end,
    jsonb_build_object('account', o.arguments ->> 'account', 'iccid', o.arguments ->> 'iccid', 'plan', o.arguments #> '{{before,plan}}',
        'before', jsonb_build_object('state', (%(states)s::text[])[s.state], 'plan', s.plan, 'at', s.observed_at))
        || coalesce(p.prior, '{{}}'),
    case when c.verb is null then jsonb_build_array(jsonb_build_object('fact', 'not-asked', 'at', %(now)s::text)) else '[]'::jsonb end,
    %(deadline)s, case when c.verb is null then %(now)s::timestamptz end
from operation o
join subscription s on s.tenant = o.tenant and s.id = o.subject
left join lateral (select jsonb_path_query_first(o.evidence, '$[*] ? (@.fact == "before")') -> 'arguments' as prior) p on true
left join lateral (select case when p.prior is not null then o.verb when o.verb = 'set_plan' then case when o.arguments #>> '{{before,plan}}' is not null then 'set_plan' end
    when o.verb = any (%(state_verbs)s) then (%(back)s::jsonb) ->> (o.arguments #>> '{{before,state}}') end as verb) b on true
left join unnest(%(accounts)s::text[], %(verbs)s::text[]) c (account, verb) on c.account = o.arguments ->> 'account' and c.verb = b.verb
left join lateral (select max(x.generation) as newest from operation x
    where x.tenant = o.tenant and x.subject = o.subject and x.facet = 7) g on true
where o.bulk = %(of)s and o.state = 5 and coalesce(o.evidence -> -1 ->> 'changed', 'true') <> 'false'
    and (%(only)s::text[] is null or s.iccid = any (%(only)s))

-- name: columns
b.id, b.verb, b.arguments, b.selected, b.reason, b.state, b.author, b.approver, b.undo_of, b.total, b.created_at,
    b.started_at, b.settled_at, b.version, b.rule, c.counts

-- name: counted
left join lateral (
    select coalesce(jsonb_object_agg(x.state, x.n), '{{}}') as counts
    from (select o.state, count(*) as n from operation o where o.tenant = b.tenant and o.bulk = b.id group by 1) x
) c on true

-- name: read
select {columns} from bulk b {counted} where b.id = %(id)s {lock}

-- name: page
select {columns} from (select * from bulk b where b.id < %(below)s order by b.id desc limit %(limit)s) b {counted}
order by b.id desc

-- name: results
select o.id, o.arguments ->> 'iccid', o.arguments ->> 'account', d.name, o.verb, o.state, o.reason,
    coalesce(o.arguments -> 'before', '{{}}'), coalesce(o.evidence -> -1, '{{}}'), o.settled_at
from operation o left join device d on d.tenant = o.tenant and d.id = o.device
where o.bulk = %(bulk)s and o.id > %(above)s and (%(state)s::smallint is null or o.state = %(state)s)
order by o.id limit %(limit)s

-- name: set_state
update bulk set state = %(state)s, approver = coalesce(%(approver)s, approver), version = version + 1,
    started_at = case when %(state)s = 2 then coalesce(started_at, %(now)s) else started_at end,
    settled_at = case when %(state)s in (4, 5) then %(now)s::timestamptz end
where id = %(id)s

-- name: drop_pending
update operation set state = 9, reason = 'cancelled before it left', settled_at = %(now)s
where tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and bulk = %(bulk)s and state = 1

-- name: prolong
update operation set deadline = greatest(deadline, %(deadline)s), not_before = null
where tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and bulk = %(bulk)s and state = 1

-- name: settle
update bulk b set state = 4, settled_at = %(now)s, version = version + 1
where b.state = 2 and not exists (select 1 from operation o where o.tenant = b.tenant and o.bulk = b.id and o.state in (1, 2, 3, 4, 10))
returning b.id

-- name: set_total
update bulk set total = %(total)s where id = %(id)s
