-- Reading and editing the fleet. Lists walk one index in the order of the page, in chunks, so that no
-- combination of filters ever costs more than its time budget; the rest of the filters are judged on
-- the chunk. Search walks the indexes of the names a device has, one after the other.

-- name: tenant
select name, cell, state, created_at from tenant where id = %(tenant)s

-- name: walk_fact
-- A chunk by an index of `fact` (or its primary key), and which of it is wanted.
with chunk as materialized (
    select f.device, coalesce({wanted}, false) as wanted from fact f
    where {drive} and f.device > %(after)s
    order by f.device limit %(chunk)s
)
select (select count(*) from chunk),
    (select device from chunk order by device desc limit 1),
    array(select device from chunk where wanted order by device limit %(want)s)

-- name: walk_device
-- The same by an index of `device`; the lateral lookup keeps it at one key lookup a row.
with chunk as materialized (
    select d.id as device from device d
    where {drive} and d.id > %(after)s
    order by d.id limit %(chunk)s
)
select (select count(*) from chunk),
    (select device from chunk order by device desc limit 1),
    array(
        select c.device from chunk c
        cross join lateral (select coalesce({wanted}, false) as wanted from fact f where f.device = c.device limit 1) f
        where f.wanted order by c.device limit %(want)s
    )

-- name: walk_breach
-- Soonest breach first. The place is (breach_at, device).
with chunk as materialized (
    select f.breach_at, f.device, coalesce({wanted}, false) as wanted from fact f
    where f.breach_at < %(breach_before)s and f.breach_at is not null
        and (f.breach_at, f.device) > (%(after_at)s, %(after)s)
    order by f.breach_at, f.device limit %(chunk)s
),
ending as (select breach_at, device from chunk order by breach_at desc, device desc limit 1)
select (select count(*) from chunk), (select breach_at from ending), (select device from ending),
    array(select breach_at from chunk where wanted order by breach_at, device limit %(want)s),
    array(select device from chunk where wanted order by breach_at, device limit %(want)s)

-- name: cheapest
-- How many devices each of the filters leaves, as last counted: the smallest drives the walk.
select dimension, n from fleet_count
where (dimension, value) in (select d, v from unnest(%(dimensions)s::text[], %(values)s::text[]) as u (d, v))

-- name: probe_device
-- A chunk of one name's range. `{known}` leaves out what an earlier range has found already.
with chunk as materialized (
    select {column} as value, d.id as device, not ({known}) as fresh from device d
    where {column} >= %(low)s and {column} < %(high)s and ({column}, d.id) > (%(value)s, %(after)s)
    order by {column}, d.id limit %(chunk)s
)
select c.value, c.device, c.fresh and f.wanted from chunk c
cross join lateral (select coalesce({wanted}, false) as wanted from fact f where f.device = c.device limit 1) f
order by c.value, c.device

-- name: probe_profile
with chunk as materialized (
    select {column} as value, p.device from profile p
    where {column} >= %(low)s and {column} < %(high)s and ({column}, p.device) > (%(value)s, %(after)s)
    order by {column}, p.device limit %(chunk)s
)
select c.value, c.device, d.fresh and f.wanted from chunk c
cross join lateral (select not ({known}) as fresh from device d where d.id = c.device limit 1) d
cross join lateral (select coalesce({wanted}, false) as wanted from fact f where f.device = c.device limit 1) f
order by c.value, c.device

-- name: probe_session
-- Who holds this address now; `{known}` as above. An address is looked for whole.
with chunk as materialized (
    select s.device from session s
    where s.ip = %(low)s and s.ended_at is null and s.device > %(after)s
    group by s.device order by s.device limit %(chunk)s
)
select %(low)s, c.device, d.fresh and f.wanted from chunk c
cross join lateral (select not ({known}) as fresh from device d where d.id = c.device limit 1) d
cross join lateral (select coalesce({wanted}, false) as wanted from fact f where f.device = c.device limit 1) f
order by c.device

-- name: devices
select d.id, d.name, d.serial, d.imei, d.eid, d.mac, d.fingerprint, d.sku, d.region, d.device_group, d.device_batch,
    d.tags, d.state, d.secret_hash is not null, d.created_at, d.updated_at, d.version,
    f.home_country, f.country, f.plmn, f.rat, f.cell, f.roaming, f.carrier, f.iccid, f.fact_imei, f.connectivity,
    f.law_stance, f.law_confidence, f.subscription_state, f.plan, f.usage_24h_bytes, f.usage_month_bytes,
    f.usage_at, f.usage_lag_s, f.silent_days,
    f.success_rate_1h, f.outage, f.outage_over_at, f.firmware, f.config_hash, f.days_used, f.breach_at, f.imei_breach_at, f.cert_not_after,
    f.last_contact_at, f.place_at, f.place_source
from unnest(%(ids)s::uuid[]) with ordinality as u (id, n)
cross join lateral (select * from device d where d.id = u.id limit 1) d
left join lateral (select f.*, f.imei as fact_imei from fact f where f.device = u.id limit 1) f on true
order by u.n

-- name: device_id
select id from device where name = %(name)s

-- name: cards
select id, eid, form_factor, technology, multi_imsi, slot from card where device = %(device)s order by slot, id

-- name: profiles
select p.id, p.card, a.name as account, p.iccid, p.imsi, p.msisdn, p.enabled, p.slot, p.home_country, p.apn
from profile p join account a on a.tenant = p.tenant and a.id = p.account
where p.device = %(device)s order by p.slot, p.iccid

-- name: facets
-- Desired against observed, who wants it so, and how far the open Move is that carries it. The reasons are those
-- of the class, and only where what is desired is what the class says: a barred device may be held elsewhere.
select x.n as facet, c.content as desired, coalesce(f.generation, 0) as generation,
    coalesce(f.offered_generation, 0) as offered_generation, coalesce(f.observed_generation, 0) as observed_generation,
    case when x.n in (7, 8) then f.verified is not distinct from f.desired -- proved by carrier or registry, not reported
         else coalesce(f.generation = f.observed_generation, true) end as in_sync, f.change, f.changed_at,
    r.state as reported, r.version as reported_version, r.at as reported_at,
    v.content as verified, coalesce(f.verified = f.desired, false) as proved, k.reasons,
    m.change as move_change, h.title as move_title, m.state as move_state, m.leg as move_leg, m.step as move_step,
    m.attempt as move_attempt, m.opened_at as move_opened_at, s.recipe as move_recipe, o.deadline as move_deadline,
    o.states as move_operations
from generate_series(1, 8) as x (n)
left join facet f on f.device = %(device)s and f.facet = x.n
left join document c on c.tenant = f.tenant and c.id = f.desired
left join document v on v.tenant = f.tenant and v.id = f.verified
left join reported r on r.device = %(device)s and r.facet = x.n
left join standing t on t.device = %(device)s
left join class_document k on k.class = t.class and k.facet = x.n and k.document = f.desired
left join lateral (
    select m.* from move m
    where m.device = %(device)s and m.change = f.change and m.state in (1, 2, 5) order by m.opened_at desc limit 1
) m on true
left join change h on h.tenant = m.tenant and h.id = m.change
left join situation s on s.tenant = m.tenant and s.owner = case m.wave when 0 then h.plan else h.id end
    and s.wave = m.wave and s.no = m.situation
left join lateral (
    select min(o.deadline) filter (where o.state in (1, 2, 3, 4, 10)) as deadline, array_agg(o.state) as states
    from operation o where o.tenant = m.tenant and o.change = m.change and o.device = m.device and o.wave = m.wave
        and o.leg = m.leg and o.step = m.step and o.attempt = m.attempt
) o on true
where f.facet is not null or r.facet is not null
order by x.n

-- name: in_force
select p.name, r.number as revision, r.resource ->> 'match' as match
from standing s join class c on c.id = s.class
cross join lateral unnest(c.rules) u (rule)
join revision r on r.tenant = c.tenant and r.rule = u.rule
join policy p on p.tenant = r.tenant and p.id = r.policy
where s.device = %(device)s and p.kind = 'Policy' order by p.name

-- name: factory_record
select factory is not null from device where id = %(device)s

-- name: sessions
select iccid, access, plmn, country, rat, cell, imei, ip, source, started_at, seen_at, ended_at, bytes, end_cause
from session where device = %(device)s order by started_at desc limit 20

-- name: presence
select iccid, imei, country, plmn, first_at, last_at, source
from presence where device = %(device)s order by first_at desc limit 50

-- name: clocks
select rule, topic, days_used, breach_at, started_at, computed_at
from clock where device = %(device)s order by breach_at nulls last, rule

-- name: rebind_device
update device set sku = %(sku)s, region = %(region)s, device_group = %(group)s, device_batch = %(batch)s,
    tags = %(tags)s, updated_at = %(now)s, version = version + 1
where id = %(device)s and version = %(version)s

-- name: rebind_fact
update fact set sku = %(sku)s, region = %(region)s, device_group = %(group)s, device_batch = %(batch)s,
    tags = %(tags)s, home_country = %(home_country)s
where device = %(device)s

-- name: mark_dirty
insert into dirty (tenant, device) values (%(tenant)s, %(device)s)
on conflict (tenant, device) do update set device = excluded.device

-- name: set_secret
update device set secret_hash = %(hash)s, updated_at = %(now)s, version = version + 1 where id = %(device)s

-- name: secret_holders
-- Devices by name, with what a new secret needs to know; one that is locked here is not given two at a time.
select id, name, device_group, secret_hash is not null from device where name = any (%(names)s) order by id for update

-- name: set_secrets
update device d set secret_hash = x.hash, updated_at = %(now)s, version = d.version + 1
from unnest(%(devices)s::uuid[], %(hashes)s::bytea[]) x (device, hash)
where d.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and d.id = x.device

-- name: accounts
select a.id, a.name, a.connector, a.carrier, a.home_country, a.config, a.credential is not null as has_credential,
    a.iccid_digits, a.staleness_s, a.created_at, a.updated_at, a.version, a.swept_at, a.failing_since, a.failure,
    a.paused_until, a.paused_because, h.made_at as hook_made_at, h.heard_at as hook_heard_at,
    coalesce(h.heard, 0) as hook_heard, coalesce(h.repeated, 0) as hook_repeated, coalesce(h.refused, 0) as hook_refused,
    h.refused_at as hook_refused_at
from account a left join hook h on h.tenant = a.tenant and h.account = a.id order by a.name

-- name: add_account
insert into account (tenant, id, name, connector, carrier, home_country, config, credential, iccid_digits, staleness_s,
    created_at, updated_at)
values (%(tenant)s, %(id)s, %(name)s, %(connector)s, %(carrier)s, %(home_country)s, %(config)s, %(credential)s,
    %(iccid_digits)s, %(staleness_s)s, %(now)s, %(now)s)
on conflict (tenant, name) do nothing

-- name: alone_with_accounts
-- Whoever adds an account or gives one another credential looks at all of them first, one after the other.
select pg_advisory_xact_lock(hashtextextended('accounts ' || current_setting('app.tenant', true), 0))

-- name: sealed_accounts
select id, name, connector, config, credential from account where connector <> 'none' order by name

-- name: credential
select credential from account where id = %(account)s

-- name: change_account
update account set {changes}, updated_at = %(now)s, version = version + 1
where id = %(account)s and version = %(version)s

-- Conditions of a list. Those on `f` can be judged on any chunk and two of them drive one; those on `d` drive.

-- name: is_country
f.country = %(country)s

-- name: is_carrier
f.carrier = %(carrier)s

-- name: is_sku
f.sku = %(sku)s

-- name: is_group
f.device_group = %(group)s

-- name: is_region
f.region = %(region)s

-- name: is_batch
f.device_batch = %(batch)s

-- name: is_state
f.device_state = %(state_word)s

-- name: is_stance
f.law_stance = %(stance)s

-- name: is_connectivity
f.connectivity = %(connectivity)s

-- name: is_roaming
f.roaming = %(roaming)s

-- name: is_breach_before
f.breach_at < %(breach_before)s

-- name: is_departments
f.device_group = any(%(departments)s)

-- name: drive_sku
d.sku = %(sku)s

-- name: drive_group
d.device_group = %(group)s

-- name: drive_region
d.region = %(region)s

-- name: drive_batch
d.device_batch = %(batch)s

-- name: drive_state
d.state = %(state)s
