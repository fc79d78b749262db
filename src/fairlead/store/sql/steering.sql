-- Steering by the set: whom each list binds, how each line stands to its list, who left.

-- name: alone
select pg_advisory_xact_lock(hashtextextended(%(what)s || current_setting('app.tenant', true), 0))

-- name: discard
drop table if exists steered

-- name: discard_judged
drop table if exists steered_line

-- name: make
create temporary table steered (name text collate "C", subscription uuid) on commit drop

-- name: fill
insert into steered (name, subscription)
select %(name)s, s.id from subscription s join fact f on f.tenant = s.tenant and f.device = s.device
where s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.state <> 8 and {match}

-- name: analyze
analyze steered

-- name: reached
-- How many lines each matches at each account, where their devices are, and how many lines the account has in all.
select x.name, a.name, a.connector, a.config, jsonb_object_agg(x.country, x.lines), sum(x.lines)::bigint, t.lines
from (
    select r.name, s.account, coalesce(f.country, '') as country, count(*) as lines
    from steered r
    join subscription s on s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.id = r.subscription
    left join fact f on f.tenant = s.tenant and f.device = s.device
    group by 1, 2, 3
) x
join account a on a.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and a.id = x.account
join (
    select s.account, count(*) as lines from subscription s
    where s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.state <> 8 group by 1
) t on t.account = x.account
group by x.name, a.name, a.connector, a.config, t.lines order by 1, 2

-- name: judge
-- Our own newest operation on a line's networks says how it stands; what a person asked for since the steering was
-- written is left alone, and what a carrier refused is not asked again. Two steerings that match one line: neither.
create temporary table steered_line on commit drop as
select r.name, w.account, s.id as subscription, s.iccid, case
    when r.several then 'clash'
    when n.id is null then 'due'
    when n.rule is null and n.asked_at >= w.since then 'person'
    when n.state in (1, 2, 3, 4, 10) then case when n.bulk_state = 1 then 'waiting' else 'under way' end
    when n.state = 9 and n.same then 'person'
    when not n.same then 'due'
    when n.state = 5 then 'set'
    when n.state = 7 and n.rule = w.label then 'refused'
    when n.settled_at > %(retry_before)s then 'failed'
    else 'due' end as standing
from (select name, subscription, count(*) over (partition by subscription) > 1 as several from steered) r
join subscription s on s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.id = r.subscription
join account a on a.tenant = s.tenant and a.id = s.account
join unnest(%(names)s::text[], %(accounts)s::text[], %(kinds)s::text[], %(plmns)s::text[], %(labels)s::text[], %(sinces)s::timestamptz[])
    w (name, account, kind, plmns, label, since) on w.name = r.name and w.account = a.name
left join lateral (
    select o.id, o.state, o.settled_at, b.rule, b.created_at as asked_at, b.state as bulk_state,
        (o.arguments ->> 'kind', o.arguments -> 'plmns') is not distinct from (w.kind, w.plmns::jsonb) as same
    from operation o left join bulk b on b.tenant = o.tenant and b.id = o.bulk
    where o.tenant = s.tenant and o.subject = s.id and o.facet = 7 and o.verb = 'set_network_policy'
    order by o.generation desc limit 1) n on true

-- name: standing
select name, account, standing, count(*) from steered_line group by 1, 2, 3

-- name: due
select iccid from steered_line where name = %(name)s and account = %(account)s and standing = 'due' order by iccid limit %(limit)s

-- name: left
-- Lines whose newest list is a steering's, and that none matches now: they go back to what the first of its lists
-- found, whatever revisions followed each other. What a person set in between is where the way back ends.
with chain as (
    select o.subject, o.generation, o.bulk, b.rule like 'steering/%%' and b.undo_of is null and o.state = 5 as ours
    from operation o left join bulk b on b.tenant = o.tenant and b.id = o.bulk
    where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.facet = 7
        and o.verb in ('set_network_policy', 'undo')
        and o.subject in (
            select x.subject from bulk y join operation x on x.tenant = y.tenant and x.bulk = y.id
            where y.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and y.rule like 'steering/%%')
        and not exists (select 1 from steered r where r.subscription = o.subject)
        and not (b.rule like 'steering/%%' and b.undo_of is null -- those that changed nothing
            and (o.state in (6, 7, 8, 9) or coalesce(o.evidence -> -1 ->> 'changed', 'true') = 'false'))
), ended as (
    select subject, max(generation) filter (where ours is not true) as at from chain group by 1
), first as (
    select distinct on (c.subject) c.subject, c.bulk from chain c join ended e on e.subject = c.subject
    where c.generation > coalesce(e.at, 0) order by c.subject, c.generation
)
select b.id, b.rule, b.author, array_agg(s.iccid order by s.iccid)
from first f
join bulk b on b.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and b.id = f.bulk
join subscription s on s.tenant = b.tenant and s.id = f.subject and s.state <> 8
group by b.id, b.rule, b.author order by b.id limit %(limit)s

-- name: forget
delete from rule_account where kind = %(kind)s

-- name: keep
insert into rule_account (tenant, kind, name, account, revision, judged_at, verdict)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(kind)s, x.name, x.account, x.revision, x.at, x.verdict::jsonb
from unnest(%(names)s::text[], %(accounts)s::text[], %(revisions)s::int[], %(ats)s::timestamptz[], %(verdicts)s::text[])
    x (name, account, revision, at, verdict)
on conflict (tenant, kind, name, account) do update set revision = excluded.revision, judged_at = excluded.judged_at,
    verdict = excluded.verdict

-- name: kept
select name, account, revision, judged_at, verdict from rule_account
where kind = %(kind)s and (name, account) > (%(name)s, %(account)s) and (%(only)s::text is null or name = %(only)s)
order by name, account limit %(limit)s
