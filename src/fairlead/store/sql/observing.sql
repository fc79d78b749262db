-- Observations from carriers: newest observed_at wins, late ones extend history only (house §6).

-- name: stage
create temp table observed (
    sim text collate "C", iccid text collate "C", imsi text collate "C", msisdn text collate "C", imei text collate "C",
    state smallint, provider_state text, holds text, auto_revert_at timestamptz, plan text collate "C",
    connectivity smallint, plmn text collate "C", country text collate "C", rat text collate "C", cell text collate "C",
    ip text, since timestamptz, at timestamptz, unable text, profile uuid, device uuid, home_country text collate "C"
) on commit drop

-- name: fill
insert into observed
select x.*, p.id, p.device, coalesce(p.home_country, %(home)s)
from unnest(%(sim)s::text[], %(iccid)s::text[], %(imsi)s::text[], %(msisdn)s::text[], %(imei)s::text[],
            %(state)s::smallint[], %(provider_state)s::text[], %(holds)s::text[], %(auto_revert_at)s::timestamptz[],
            %(plan)s::text[], %(connectivity)s::smallint[], %(plmn)s::text[], %(country)s::text[], %(rat)s::text[],
            %(cell)s::text[], %(ip)s::text[], %(since)s::timestamptz[], %(at)s::timestamptz[], %(unable)s::text[])
  as x (sim, iccid, imsi, msisdn, imei, state, provider_state, holds, auto_revert_at, plan, connectivity, plmn, country,
        rat, cell, ip, since, at, unable)
left join profile p on p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and p.iccid = x.iccid

-- name: may_adopt
-- An import under way may be bringing the same SIMs: they are looked at again with the next sweep. Sweeps of other
-- accounts are no reason: they hold this lock together, and adopt one after the other.
-- Two values: whether there are any, and whether they may be.
select u.any, case when u.any
    then pg_try_advisory_xact_lock_shared(hashtextextended('import ' || current_setting('app.tenant', true), 0)) else false end
from (select exists (select 1 from observed where profile is null) as any) u

-- name: adopting
select pg_advisory_xact_lock(hashtextextended('adopt ' || current_setting('app.tenant', true), 0))

-- name: adopt
-- SIMs that the carrier has and we did not: inventory without a device, until an import binds them. What a carrier does
-- not tell of them is not known, and no name that two SIMs could share.
with new as (
    select o.iccid, nullif(o.imsi, '') as imsi, nullif(o.msisdn, '') as msisdn, gen_random_uuid() as id, o.home_country from observed o
    where o.profile is null and not exists (
        select 1 from profile p
        where p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and p.iccid = o.iccid)
), cards as (
    insert into card (tenant, id) select (select nullif(current_setting('app.tenant', true), '')::uuid), id from new
)
insert into profile (tenant, id, card, account, iccid, iccid_raw, imsi, msisdn, home_country)
select (select nullif(current_setting('app.tenant', true), '')::uuid), id, id, %(account)s, iccid, iccid, imsi, msisdn, home_country
from new
on conflict (tenant, iccid) do nothing

-- name: adopt_subscriptions
insert into subscription (tenant, id, profile, account, device, iccid)
select p.tenant, p.id, p.id, p.account, p.device, p.iccid from profile p join observed o on o.iccid = p.iccid
where p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
on conflict (tenant, iccid) do nothing

-- name: subscriptions
update subscription s
set provider_id = o.sim, state = o.state, provider_state = o.provider_state,
    hold_reasons = case when o.holds = '' then '{}' else string_to_array(o.holds, ',') end,
    auto_revert_at = o.auto_revert_at, plan = coalesce(nullif(o.plan, ''), s.plan), observed_at = o.at,
    connectivity = o.connectivity, connectivity_at = o.at, unable = nullif(o.unable, '')::jsonb
from observed o
where s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.iccid = o.iccid
  and (s.observed_at is null or s.observed_at <= o.at)

-- name: end_sessions
update session s set ended_at = o.at, end_cause = coalesce(s.end_cause, 'not online any more')
from observed o
where s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.device = o.device and s.iccid = o.iccid
  and s.ended_at is null and s.source <> 'device' and o.at > s.seen_at
  and (o.connectivity <> 1 or s.started_at <> coalesce(o.since, s.started_at))

-- name: sessions
insert into session (tenant, device, iccid, account, plmn, country, rat, cell, imei, ip, source, started_at, seen_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), o.device, o.iccid, %(account)s, nullif(o.plmn, ''),
       nullif(o.country, ''), nullif(o.rat, ''), nullif(o.cell, ''), nullif(o.imei, ''), nullif(o.ip, ''), %(source)s,
       coalesce(o.since, o.at), o.at
from observed o where o.device is not null and o.connectivity = 1
on conflict (tenant, device, iccid, started_at) do update
set seen_at = greatest(session.seen_at, excluded.seen_at), ended_at = null, plmn = excluded.plmn, country = excluded.country,
    rat = excluded.rat, cell = excluded.cell, ip = excluded.ip

-- name: extend_presence
-- The same SIM, country and network as the last run, without a gap that a session does not bridge.
create temp table extended on commit drop as
with latest as (
    select o.device, o.iccid, o.country, o.plmn, o.at, o.since, o.imei, o.imsi, o.home_country,
           r.first_at, r.last_at, r.country as run_country, r.plmn as run_plmn
    from observed o
    left join lateral (
        select p.first_at, p.last_at, p.country, p.plmn from presence p
        where p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and p.device = o.device and p.iccid = o.iccid
        order by p.first_at desc limit 1) r on true
    where o.device is not null and o.connectivity = 1 and o.country <> ''
)
select l.*, l.run_country = l.country and l.run_plmn = l.plmn
            and (l.at - l.last_at <= interval '36 hours' or l.since <= l.last_at) as continues
from latest l

-- name: lengthen_presence
update presence p set last_at = greatest(p.last_at, e.at)
from extended e
where p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and p.device = e.device and p.iccid = e.iccid
  and p.first_at = e.first_at and e.continues and e.at > p.last_at

-- name: begin_presence
insert into presence (tenant, device, iccid, imsi, imei, eid, account, apn, country, plmn, home_country, first_at, last_at, source)
select (select nullif(current_setting('app.tenant', true), '')::uuid), e.device, e.iccid, nullif(e.imsi, ''), nullif(e.imei, ''), d.eid,
       %(account)s, null, e.country, e.plmn, e.home_country,
       case when e.since is not null and (e.last_at is null or e.since > e.last_at) then least(e.since, e.at) else e.at end, e.at, 'carrier'
from extended e join device d on d.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and d.id = e.device
where e.continues is not true and (e.last_at is null or e.at > e.last_at)

-- name: places
-- Where devices are and on which SIM; returns those whose policy-relevant facts changed.
with seen as (
    select distinct on (o.device) o.* from observed o
    where o.device is not null and o.connectivity = 1 order by o.device, o.at desc
)
update fact f
set country = nullif(o.country, ''), plmn = nullif(o.plmn, ''), rat = nullif(o.rat, ''), cell = nullif(o.cell, ''),
    roaming = case when o.country = '' then null else o.country is distinct from o.home_country end,
    carrier = %(name)s, iccid = o.iccid, imei = coalesce(nullif(o.imei, ''), f.imei), home_country = o.home_country,
    connectivity = 'online', place_at = o.at, place_source = %(source)s, plan = nullif(o.plan, ''),
    subscription_state = (array['inventory', 'test', 'ready', 'active', 'standby', 'suspended', 'deactivated', 'terminated', 'unknown'])[o.state]
from seen o
join fact b on b.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and b.device = o.device
where f.tenant = b.tenant and f.device = b.device and (f.place_at is null or f.place_at < o.at)
returning f.device, (b.country, b.plmn, b.roaming, b.carrier, b.subscription_state) is distinct from
                    (f.country, f.plmn, f.roaming, f.carrier, f.subscription_state) as changed,
          b.country is distinct from f.country or b.iccid is distinct from f.iccid as moved

-- name: gone_offline
update fact f set connectivity = 'offline'
from observed o
where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = o.device and f.iccid = o.iccid
  and o.connectivity <> 1 and f.connectivity is distinct from 'offline' and f.place_at < o.at

-- name: swept
update account set swept_at = %(now)s, failing_since = null, failure = null, changed_cursor = %(cursor)s,
    changed_at = %(now)s
where id = %(account)s

-- name: sweep_read_marks
-- A whole reading that began late enough has read these lines too.
delete from heard h using subscription s
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.tenant = h.tenant
  and s.id = h.subscription and s.account = %(account)s and h.heard_at <= %(before)s

-- name: cursor
update account set changed_cursor = %(cursor)s where id = %(account)s

-- name: caught_up
update account set changed_at = %(now)s, failing_since = null, failure = null where id = %(account)s

-- name: failing
update account set failing_since = coalesce(failing_since, %(now)s), failure = %(failure)s where id = %(account)s

-- name: accounts_to_sweep
select id, name, connector, staleness_s, home_country, swept_at, changed_cursor from account where connector <> 'none' order by name

-- name: mark_dirty
insert into dirty (tenant, device)
select (select nullif(current_setting('app.tenant', true), '')::uuid), u from unnest(%(devices)s::uuid[]) u order by u
on conflict (tenant, device) do update set device = excluded.device

-- name: active_tenants
select id, name from tenant where state = 1 order by id

-- name: awaited
-- SIMs that acknowledged network operations wait to see on the air.
select a.name, coalesce(s.provider_id, s.iccid)
from operation o
join subscription s on s.tenant = o.tenant and s.iccid = o.arguments ->> 'iccid'
join account a on a.tenant = s.tenant and a.id = s.account
where o.driver = 'shadow' and o.state = 4 and o.facet = 1
order by o.dispatched_at limit %(limit)s

-- name: heard
-- Lines that carriers spoke of, those that wait longest first and so many of each account; not of one left in peace.
select x.name, x.sim from (
    select a.name, coalesce(s.provider_id, s.iccid) as sim,
           row_number() over (partition by s.account order by h.next_at, h.subscription) as n
    from heard h
    join subscription s on s.tenant = h.tenant and s.id = h.subscription
    join account a on a.tenant = s.tenant and a.id = s.account
    where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and h.next_at <= %(now)s and (a.paused_until is null or a.paused_until <= %(now)s) and a.connector <> 'none'
) x where x.n <= %(each)s order by x.name, x.n

-- name: looked_again
-- Read before the carrier's own view had caught up with what it said: once more, later. What was heard after we
-- asked stays as it is.
update heard h set next_at = h.heard_at + %(lag)s
from subscription s
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.tenant = h.tenant
  and s.id = h.subscription and s.account = %(account)s
  and coalesce(s.provider_id, s.iccid) = any (%(sims)s::text[])
  and h.heard_at <= %(asked)s and h.heard_at + %(lag)s > %(asked)s

-- name: looked
delete from heard h using subscription s
where h.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.tenant = h.tenant
  and s.id = h.subscription and s.account = %(account)s
  and coalesce(s.provider_id, s.iccid) = any (%(sims)s::text[]) and h.heard_at + %(lag)s <= %(asked)s
