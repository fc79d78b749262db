-- Usage rules by the set: every line a rule matches is judged in one statement, as of its carrier's data.

-- name: accounts
select name, connector, config from account order by name

-- name: discard
drop table if exists usage_judged

-- name: judge
-- What was used within the window, counted back from where the data of the line ends: whole days, and of the first
-- one the share that lies within. `policy.usage` says the same for one line. Lines about which something is being
-- done are left out; what was used before a line came back does not count against it again.
create temporary table usage_judged on commit drop as
with line as (
    select s.id as subscription, s.iccid, a.name as account, u.covered_from, u.last_byte_at, h.counts_from,
        t.through, t.through at time zone 'UTC' as until, make_interval(secs => coalesce(u.lag_s, 172800)) as lag
    from subscription s
    join account a on a.tenant = s.tenant and a.id = s.account
    left join usage_state u on u.tenant = s.tenant and u.subscription = s.id
    left join lateral (select least(u.through, %(now)s::timestamptz) as through where u.through is not null) t on true
    left join fact f on f.tenant = s.tenant and f.device = s.device
    left join usage_hold h on h.tenant = s.tenant and h.rule = %(policy)s and h.subscription = s.id
    where s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.state in (2, 3, 4, 9)
        and (%(carriers)s::text[] is null or a.name = any (%(carriers)s)) and coalesce(h.state, 1) not in (2, 3, 4, 5)
        and {match}
), latest as (
    select distinct on (d.subscription, d.day) d.subscription, d.day, d.bytes
    from line l join usage_day d on d.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and d.subscription = l.subscription
    where d.day >= l.until::date - %(reach)s::int
    order by d.subscription, d.day, d.kind, starts_with(d.source, 'carrier/') desc, d.observed_at desc
), counted as (
    select l.subscription,
        floor(coalesce(sum(case
            when d.day < l.counts_from then 0
            when %(window)s = 'month' then case when d.day >= date_trunc('month', l.until)::date then d.bytes else 0 end
            when d.day > l.until::date - %(span)s::int then d.bytes
            when d.day = l.until::date - %(span)s::int then d.bytes * (1 - extract(epoch from l.until::time) / 86400)
            else 0 end), 0))::bigint as used,
        floor(coalesce(sum(case
            when d.day = l.until::date - %(span)s::int then d.bytes * extract(epoch from l.until::time) / 86400
            when d.day >= l.until::date - %(span)s::int then 0
            when d.day > l.until::date - %(span)s::int - %(against)s::int then d.bytes
            when d.day = l.until::date - %(span)s::int - %(against)s::int
                then d.bytes * (1 - extract(epoch from l.until::time) / 86400)
            else 0 end), 0))::bigint as before
    from line l left join latest d on d.subscription = l.subscription group by l.subscription
), known as (
    select l.*, c.used, c.before, case %(measure)s
        when 'silent' then floor(extract(epoch from l.through
            - greatest(l.last_byte_at, l.covered_from, l.counts_from::timestamp at time zone 'UTC')) / 86400)::bigint
        else c.used end as value,
        case when %(window)s = 'month' then date_trunc('month', l.until) at time zone 'UTC'
            else l.through - make_interval(days => %(span)s::int + %(against)s::int) end as begins,
        coalesce(%(max_age)s::interval, l.lag + interval '1 day') as allowed
    from line l join counted c on c.subscription = l.subscription
)
select subscription, iccid, account, through, greatest(value, 0) as value, case
    when account = any (%(unjudged)s) then 'cannot'
    when through is null then 'unknown'
    when allowed < lag or (%(window)s <> 'month' and make_interval(days => %(span)s::int) < lag) then 'cannot'
    when through < %(now)s::timestamptz - allowed then 'stale'
    when %(window)s = 'month' and through < date_trunc('month', %(now)s::timestamptz at time zone 'UTC') at time zone 'UTC'
        then 'stale'
    when %(measure)s = 'silent' then case when value is null then 'gap' when value >= %(limit)s then 'crossed' else 'within' end
    when %(measure)s = 'above' and used > %(limit)s then 'crossed'
    when covered_from is null or covered_from > begins then 'gap'
    when %(measure)s = 'growth' and used > %(limit)s
        and used::numeric * 1000 * %(against)s::int > %(times)s::numeric * before * %(span)s::int then 'crossed'
    else 'within' end as word
from known

-- name: words
select account, word, count(*), min(through) filter (where word in ('crossed', 'within')) from usage_judged group by 1, 2

-- name: cross
-- Who crossed and was not known to, or had come back since; a carrier that refused is asked again by a new revision.
insert into usage_hold as h (tenant, rule, subscription, revision, state, crossed_at, value, through)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(policy)s, j.subscription, %(revision)s, 1, %(now)s, j.value, j.through
from usage_judged j where j.word = 'crossed' order by j.subscription
on conflict (tenant, rule, subscription) do update set value = excluded.value, through = excluded.through,
    revision = excluded.revision,
    state = case when h.state = 6 or h.revision <> excluded.revision then 1 else h.state end,
    crossed_at = case when h.state = 6 then excluded.crossed_at else h.crossed_at end,
    because = case when h.state = 6 or h.revision <> excluded.revision then null else h.because end,
    bulk = null, undo = null, held_at = null, revert_at = null, over_at = null, over_by = null
where h.state in (1, 6, 7)

-- name: within
update usage_hold h set state = 6, over_at = %(now)s, over_by = 'data' from usage_judged j
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.rule = %(policy)s and h.subscription = j.subscription and h.state in (1, 7) and j.word = 'within'

-- name: unmatched
-- Lines that the rule looks at no more: another match, or out of service.
update usage_hold h set state = 6, over_at = %(now)s, over_by = 'rule'
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.rule = %(policy)s and h.state in (1, 7)
    and not exists (select 1 from usage_judged j where j.subscription = h.subscription)

-- name: end_others
update usage_hold set state = 6, over_at = %(now)s, over_by = 'rule'
where tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and state in (1, 7) and not rule = any (%(policies)s::uuid[])

-- name: idle
-- Only lines that this very judgement found beyond the measure.
select j.iccid from usage_hold h join usage_judged j on j.subscription = h.subscription
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.rule = %(policy)s and h.state = 1 and h.bulk is null and j.word = 'crossed' and j.account = %(account)s
order by j.iccid limit %(limit)s

-- name: acted
select coalesce(sum(total), 0)::bigint from bulk
where tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and starts_with(rule, %(rule)s) and undo_of is null and state in (2, 3, 4) and started_at > %(since)s

-- name: waits
select exists (
    select 1 from bulk b
    where b.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and starts_with(b.rule, %(rule)s) and b.state = 1 and b.selected ->> 'carrier' = %(account)s)

-- name: note
update usage_hold h set state = %(state)s, bulk = %(bulk)s, because = nullif(%(because)s, ''), lasts_s = %(lasts_s)s
from subscription s
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.rule = %(policy)s and s.tenant = h.tenant and s.id = h.subscription and s.iccid = any (%(iccids)s)

-- name: decided
-- A person agreed, or would not have it: then what was used until today does not count again.
update usage_hold h set state = case when b.state = 5 then 6 else 3 end,
    over_at = case when b.state = 5 then %(now)s::timestamptz end, over_by = case when b.state = 5 then 'person' end,
    counts_from = case when b.state = 5 then %(tomorrow)s::date else h.counts_from end
from bulk b
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.state = 2 and b.tenant = h.tenant and b.id = h.bulk and b.state in (2, 3, 4, 5)

-- name: acting
-- What became of what was asked: held until its time is up, or not done and why.
update usage_hold h set
    state = case when o.state = 9 then 6 when o.state <> 5 or o.same then 7 else 4 end,
    held_at = case when o.state = 5 and not o.same then o.settled_at end,
    revert_at = case when o.state = 5 and not o.same then case
        when h.lasts_s is null then (date_trunc('month', o.settled_at at time zone 'UTC') + interval '1 month') at time zone 'UTC'
        else o.settled_at + make_interval(secs => h.lasts_s) end end,
    because = case when o.state = 5 then case when o.same then 'it was so already' end else coalesce(nullif(o.reason, ''), 'failed') end,
    over_at = case when o.state = 9 then %(now)s::timestamptz end, over_by = case when o.state = 9 then 'person' end,
    counts_from = case when o.state = 9 then %(tomorrow)s::date else h.counts_from end
from (
    select x.bulk, x.subject, x.state, x.settled_at, x.reason, coalesce(x.evidence -> -1 ->> 'changed', 'true') = 'false' as same
    from operation x
    where x.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and x.state in (5, 6, 7, 8, 9) and x.bulk in (
        select bulk from usage_hold where tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and state = 3)
) o
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.state = 3 and o.bulk = h.bulk and o.subject = h.subscription

-- name: resumed
-- A person took it back, here or at the carrier: that is respected, and only new usage counts against the line.
update usage_hold h set state = 6, over_at = %(now)s, over_by = 'person', revert_at = null, counts_from = %(tomorrow)s::date
from subscription s
join account a on a.tenant = s.tenant and a.id = s.account
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.state = 4 and s.tenant = h.tenant and s.id = h.subscription and exists (
    select 1 from operation o join operation x on x.tenant = o.tenant and x.subject = o.subject and x.facet = 7
        and x.generation > o.generation and x.state = 5 and x.bulk is distinct from h.undo
        and (x.verb = o.verb or o.verb = 'suspend' and x.verb in ('activate', 'resume'))
    where o.tenant = h.tenant and o.bulk = h.bulk and o.subject = h.subscription
    union all
    select 1 from operation o
    where o.tenant = h.tenant and o.bulk = h.bulk and o.subject = h.subscription and o.verb = 'suspend'
        and s.state in (2, 3, 4) and s.observed_at > h.held_at + make_interval(secs => a.staleness_s))

-- name: gone_back
-- What became of the way back: over, or tried again later.
update usage_hold h set
    state = case when o.id is null or o.state in (5, 9) then 6 else 4 end,
    over_at = case when o.id is null or o.state in (5, 9) then %(now)s::timestamptz end,
    over_by = case when o.id is null or o.state in (5, 9) then case when o.state = 9 then 'person' else 'rule' end end,
    revert_at = case when o.id is null or o.state in (5, 9) then null else %(again_at)s::timestamptz end,
    because = case when o.state in (6, 7, 8) then 'could not be taken back: ' || coalesce(o.reason, 'failed') end,
    counts_from = %(tomorrow)s::date
from usage_hold k left join operation o on o.tenant = k.tenant and o.bulk = k.undo and o.subject = k.subscription
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.state = 5 and k.tenant = h.tenant and k.rule = h.rule and k.subscription = h.subscription
    and (o.id is null or o.state in (5, 6, 7, 8, 9))

-- name: due_back
select b.rule, b.author, b.id, array_agg(s.iccid order by s.iccid)
from usage_hold h
join bulk b on b.tenant = h.tenant and b.id = h.bulk
join subscription s on s.tenant = h.tenant and s.id = h.subscription
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.state = 4 and h.revert_at <= %(now)s
group by 1, 2, 3 order by 3 limit %(limit)s

-- name: going_back
update usage_hold h set state = 5, undo = %(undo)s from subscription s
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.state = 4 and h.bulk = %(of)s and s.tenant = h.tenant and s.id = h.subscription
    and s.iccid = any (%(iccids)s)

-- name: open
-- Line by line; where more than `each` of an account are beyond one rule, the one that was first, for all of them.
select p.name, h.revision, h.subscription, h.iccid, a.name, d.name, h.state, h.value, h.through, h.crossed_at, h.because,
       h.revert_at, h.together
from (
    select h.*, s.iccid, s.account, s.device, count(*) over (partition by h.rule, s.account) as together,
           row_number() over (partition by h.rule, s.account order by h.crossed_at, h.subscription) as place
    from usage_hold h
    join subscription s on s.tenant = h.tenant and s.id = h.subscription
    where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.state <> 6
) h
join policy p on p.tenant = h.tenant and p.id = h.rule
join account a on a.tenant = h.tenant and a.id = h.account
left join device d on d.tenant = h.tenant and d.id = h.device
where h.together <= %(each)s or h.place = 1
order by h.subscription, p.name

-- name: held
select a.name, h.state, count(*) from usage_hold h
join subscription s on s.tenant = h.tenant and s.id = h.subscription
join account a on a.tenant = s.tenant and a.id = s.account
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.rule = %(policy)s and h.state <> 6 group by 1, 2
