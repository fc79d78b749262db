-- Imports: rows are copied into a temporary table of their kind, resolved against the fleet, checked,
-- and applied by a few statements. A COPY straight into a walled table is refused, hence the staging.
-- Every check returns (line, column, value, expected) and the store then removes those lines.

-- name: lock
-- One import a tenant at a time.
select pg_advisory_xact_lock(hashtextextended('import ' || %(tenant)s::text, 0))

-- name: accounts
select name, iccid_digits from account

-- name: leave_out
delete from import_row where line = any(%(lines)s)

-- name: touched_to_dirty
insert into dirty (tenant, device) select %(tenant)s, device from import_touched order by device
on conflict (tenant, device) do update set device = excluded.device

-- devices ----------------------------------------------------------------------------------------

-- name: devices_table
create temporary table import_row (
    line int not null, new_id uuid not null, name text collate "C", own_name text collate "C", serial text collate "C",
    imei text collate "C", eid text collate "C", mac text collate "C", sku text, region text, device_group text,
    device_batch text, tags text, home_country text, state smallint,
    id uuid, known boolean not null default false
) on commit drop

-- name: touched_table
create temporary table import_touched (device uuid primary key) on commit drop

-- name: devices_resolve_name
update import_row r set id = d.id, known = true from device d where r.name is not null and d.name = r.name

-- name: devices_resolve_serial
update import_row r set id = d.id, known = true from device d
where r.id is null and r.name is null and r.serial is not null and d.serial = r.serial

-- name: devices_resolve_imei
update import_row r set id = d.id, known = true from device d
where r.id is null and r.name is null and r.imei is not null and d.imei = r.imei

-- name: devices_resolve_eid
update import_row r set id = d.id, known = true from device d
where r.id is null and r.name is null and r.eid is not null and d.eid = r.eid

-- name: devices_resolve_mac
update import_row r set id = d.id, known = true from device d
where r.id is null and r.name is null and r.mac is not null and d.mac = r.mac

-- name: devices_resolve_new
update import_row set id = new_id, name = coalesce(name, own_name) where id is null

-- name: devices_check_ambiguous
select r.line, 'serial', r.serial, 'a name: ' || count(*) || ' devices have this serial'
from import_row r join device d on d.serial = r.serial
where r.name is null group by r.line, r.serial having count(*) > 1

-- name: devices_check_name_taken
select r.line, 'name', r.name, 'a name: another device is called like the one made from this row'
from import_row r join device d on d.name = r.name where not r.known

-- name: devices_check_repeated
select line, 'name', name, 'one row a device: line ' || first_line || ' has it already'
from (
    select line, name, min(line) over (partition by name) as first_line from import_row where name is not null
) as r
where line > first_line

-- name: devices_check_repeated_id
select line, 'name', name, 'one row a device: line ' || first_line || ' has it already'
from (select line, name, min(line) over (partition by id) as first_line from import_row) as r
where line > first_line

-- name: devices_check_repeated_imei
select line, 'imei', imei, 'an IMEI of its own: line ' || first_line || ' has it already'
from (
    select line, imei, min(line) over (partition by imei) as first_line from import_row where imei is not null
) as r
where line > first_line

-- name: devices_check_repeated_eid
select line, 'eid', eid, 'an EID of its own: line ' || first_line || ' has it already'
from (select line, eid, min(line) over (partition by eid) as first_line from import_row where eid is not null) as r
where line > first_line

-- name: devices_check_state
select r.line, 'state', (%(words)s::text[])[r.state],
    'a state that may follow ' || (%(words)s::text[])[d.state]
from import_row r join device d on d.id = r.id
where r.known and r.state is not null and r.state <> d.state
    and (d.state, r.state) not in (select f, t from unnest(%(from_states)s::smallint[], %(to_states)s::smallint[]) as u (f, t))

-- name: devices_release
-- What a device gives up with a new value; before the claims, so that two devices may swap.
select count(release(kind, value)) from (
    select 3::smallint, d.imei from import_row r join device d on d.id = r.id
    where r.known and r.imei is not null and d.imei is not null and d.imei <> r.imei
    union all
    select 1::smallint, d.eid from import_row r join device d on d.id = r.id
    where r.known and r.eid is not null and d.eid is not null and d.eid <> r.eid
) as given_up (kind, value)

-- name: claim_imei
select r.line, 'imei', taken, 'an IMEI that no other device holds'
from claim_all(3::smallint,
    (select array_agg(imei order by imei) from import_row where imei is not null),
    (select array_agg(id order by imei) from import_row where imei is not null)) as taken
join import_row r on r.imei = taken

-- name: claim_eid
select r.line, 'eid', taken, 'an EID that no other device holds'
from claim_all(1::smallint,
    (select array_agg(eid order by eid) from import_row where eid is not null),
    (select array_agg(id order by eid) from import_row where eid is not null)) as taken
join import_row r on r.eid = taken

-- name: devices_insert
insert into device (tenant, id, name, serial, imei, eid, mac, sku, region, device_group, device_batch, tags, state,
    created_at, updated_at)
select %(tenant)s, id, name, serial, imei, eid, mac, sku, region, device_group, device_batch,
    coalesce(string_to_array(tags, ' '), '{}'), coalesce(state, 3), %(now)s, %(now)s
from import_row where not known order by id

-- name: devices_insert_fact
insert into fact (tenant, device, sku, region, device_group, device_batch, tags, home_country, device_state)
select %(tenant)s, id, sku, region, device_group, device_batch, coalesce(string_to_array(tags, ' '), '{}'),
    home_country, (%(words)s::text[])[coalesce(state, 3)]
from import_row where not known order by id

-- name: devices_touch_new
insert into import_touched select id from import_row where not known

-- name: devices_update
-- A column that the file leaves out keeps its value; a row that changes nothing is not written.
with changed as (
    update device d set
        serial = coalesce(r.serial, d.serial), imei = coalesce(r.imei, d.imei), eid = coalesce(r.eid, d.eid),
        mac = coalesce(r.mac, d.mac), sku = coalesce(r.sku, d.sku), region = coalesce(r.region, d.region),
        device_group = coalesce(r.device_group, d.device_group),
        device_batch = coalesce(r.device_batch, d.device_batch),
        tags = coalesce(string_to_array(r.tags, ' '), d.tags), state = coalesce(r.state, d.state),
        updated_at = %(now)s, version = d.version + 1
    from import_row r
    where r.known and d.id = r.id and (
        coalesce(r.serial, d.serial), coalesce(r.imei, d.imei), coalesce(r.eid, d.eid), coalesce(r.mac, d.mac),
        coalesce(r.sku, d.sku), coalesce(r.region, d.region), coalesce(r.device_group, d.device_group),
        coalesce(r.device_batch, d.device_batch), coalesce(string_to_array(r.tags, ' '), d.tags),
        coalesce(r.state, d.state)
    ) is distinct from (
        d.serial, d.imei, d.eid, d.mac, d.sku, d.region, d.device_group, d.device_batch, d.tags, d.state
    )
    returning d.id
)
insert into import_touched select id from changed

-- name: devices_update_fact
-- The bindings stand a second time in fact, where conditions read them.
with changed as (
    update fact f set
        sku = d.sku, region = d.region, device_group = d.device_group, device_batch = d.device_batch, tags = d.tags,
        home_country = coalesce(r.home_country, f.home_country), device_state = (%(words)s::text[])[d.state]
    from import_row r join device d on d.id = r.id
    where r.known and f.device = r.id and (
        f.sku, f.region, f.device_group, f.device_batch, f.tags, f.home_country, f.device_state
    ) is distinct from (
        d.sku, d.region, d.device_group, d.device_batch, d.tags, coalesce(r.home_country, f.home_country),
        (%(words)s::text[])[d.state]
    )
    returning f.device
)
insert into import_touched select device from changed on conflict do nothing

-- name: devices_counts
select count(*) filter (where not known), count(*) filter (where known and t.device is not null),
    count(*) filter (where t.device is null), count(t.device)
from import_row r left join import_touched t on t.device = r.id

-- sims -------------------------------------------------------------------------------------------

-- name: sims_table
create temporary table import_row (
    line int not null, new_card uuid not null, new_profile uuid not null, new_subscription uuid not null,
    iccid text collate "C" not null, iccid_raw text collate "C" not null, imsi text collate "C", msisdn text,
    device_name text collate "C", device_serial text collate "C", device_imei text collate "C",
    account text collate "C" not null, plan text, state smallint, slot smallint, form_factor text, technology text,
    eid text collate "C", multi_imsi boolean, enabled boolean, home_country text, apn text,
    account_id uuid, device uuid, profile uuid, card uuid, old_device uuid, old_imsi text collate "C",
    known boolean not null default false, changed boolean not null default false
) on commit drop

-- name: sims_resolve_account
update import_row r set account_id = a.id from account a where a.name = r.account

-- name: sims_resolve_device_name
update import_row r set device = d.id from device d where r.device_name is not null and d.name = r.device_name

-- name: sims_resolve_device_serial
update import_row r set device = d.id from device d
where r.device is null and r.device_name is null and r.device_serial is not null and d.serial = r.device_serial

-- name: sims_resolve_device_imei
update import_row r set device = d.id from device d
where r.device is null and r.device_name is null and r.device_imei is not null and d.imei = r.device_imei

-- name: sims_resolve_profile
update import_row r set profile = p.id, card = p.card, known = true, old_device = p.device, old_imsi = p.imsi
from profile p where p.iccid = r.iccid

-- name: sims_resolve_card
update import_row r set card = c.id from card c where r.card is null and r.eid is not null and c.eid = r.eid

-- name: sims_resolve_new
-- Profiles of one eUICC in one file share a card: the first row's.
update import_row r set card = coalesce(r.card, n.card), profile = coalesce(r.profile, r.new_profile)
from (
    select line, first_value(coalesce(card, new_card)) over (partition by coalesce(eid, iccid) order by line) as card
    from import_row
) as n
where n.line = r.line and (r.card is null or r.profile is null)

-- name: sims_check_device
select line, case when device_name is not null then 'device' when device_serial is not null then 'serial' else 'imei' end,
    coalesce(device_name, device_serial, device_imei), 'a device of this tenant: import it first'
from import_row
where device is null and (device_name is not null or device_serial is not null or device_imei is not null)

-- name: sims_check_repeated
select line, 'iccid', iccid, 'one row a SIM: line ' || first_line || ' has it already'
from (select line, iccid, min(line) over (partition by iccid) as first_line from import_row) as r
where line > first_line

-- name: sims_release
-- Identities follow the SIM: what the old device held is given back before the new one claims it.
select count(release(kind, value)) from (
    select 4::smallint, iccid from import_row
    where old_device is not null and device is not null and old_device <> device
    union all
    select 2::smallint, old_imsi from import_row
    where old_imsi is not null and old_device is not null
        and ((device is not null and old_device <> device) or (imsi is not null and imsi <> old_imsi))
) as given_up (kind, value)

-- name: claim_iccid
select r.line, 'iccid', taken, 'an ICCID that no other device holds'
from claim_all(4::smallint,
    (select array_agg(iccid order by iccid) from import_row where coalesce(device, old_device) is not null),
    (select array_agg(coalesce(device, old_device) order by iccid) from import_row
        where coalesce(device, old_device) is not null)) as taken
join import_row r on r.iccid = taken

-- name: claim_imsi
select r.line, 'imsi', taken, 'an IMSI that no other device holds'
from claim_all(2::smallint,
    (select array_agg(coalesce(imsi, old_imsi) order by coalesce(imsi, old_imsi), line) from import_row
        where coalesce(imsi, old_imsi) is not null and coalesce(device, old_device) is not null),
    (select array_agg(coalesce(device, old_device) order by coalesce(imsi, old_imsi), line) from import_row
        where coalesce(imsi, old_imsi) is not null and coalesce(device, old_device) is not null)) as taken
join import_row r on coalesce(r.imsi, r.old_imsi) = taken

-- name: sims_insert_card
insert into card (tenant, id, device, eid, form_factor, technology, multi_imsi, slot)
select distinct on (card) %(tenant)s, card, device, eid, coalesce(form_factor, '4FF'),
    coalesce(technology, case when eid is null then 'uicc' else 'euicc' end), coalesce(multi_imsi, false),
    coalesce(slot, 1)
from import_row r
where not exists (select from card c where c.id = r.card)
order by card, line

-- name: sims_update_card
with changed as (
    update card c set device = coalesce(r.device, c.device), eid = coalesce(r.eid, c.eid),
        form_factor = coalesce(r.form_factor, c.form_factor), technology = coalesce(r.technology, c.technology),
        multi_imsi = coalesce(r.multi_imsi, c.multi_imsi), slot = coalesce(r.slot, c.slot)
    from import_row r
    where r.known and c.id = r.card and (c.device, c.eid, c.form_factor, c.technology, c.multi_imsi, c.slot)
        is distinct from (coalesce(r.device, c.device), coalesce(r.eid, c.eid), coalesce(r.form_factor, c.form_factor),
            coalesce(r.technology, c.technology), coalesce(r.multi_imsi, c.multi_imsi), coalesce(r.slot, c.slot))
    returning r.line
)
update import_row r set changed = true from changed where changed.line = r.line

-- name: sims_insert_profile
insert into profile (tenant, id, card, device, account, slot, iccid, iccid_raw, imsi, msisdn, enabled, home_country, apn)
select %(tenant)s, profile, card, device, account_id, coalesce(slot, 1), iccid, iccid_raw, imsi, msisdn,
    coalesce(enabled, true), home_country, apn
from import_row where not known order by profile

-- name: sims_update_profile
-- Only rows that change something, and those are marked: the answer tells new, changed and same apart.
with changed as (
    update profile p set device = coalesce(r.device, p.device), account = r.account_id,
        slot = coalesce(r.slot, p.slot), imsi = coalesce(r.imsi, p.imsi), msisdn = coalesce(r.msisdn, p.msisdn),
        enabled = coalesce(r.enabled, p.enabled), home_country = coalesce(r.home_country, p.home_country),
        apn = coalesce(r.apn, p.apn)
    from import_row r
    where r.known and p.id = r.profile
        and (p.device, p.account, p.slot, p.imsi, p.msisdn, p.enabled, p.home_country, p.apn) is distinct from (
            coalesce(r.device, p.device), r.account_id, coalesce(r.slot, p.slot), coalesce(r.imsi, p.imsi),
            coalesce(r.msisdn, p.msisdn), coalesce(r.enabled, p.enabled), coalesce(r.home_country, p.home_country),
            coalesce(r.apn, p.apn))
    returning r.line
)
update import_row r set changed = true from changed where changed.line = r.line

-- name: sims_insert_subscription
insert into subscription (tenant, id, profile, account, device, iccid, plan, state)
select %(tenant)s, new_subscription, profile, account_id, device, iccid, plan, coalesce(state, 9)
from import_row where not known order by new_subscription

-- name: sims_update_subscription
-- What the carrier itself has been asked since is not overwritten by a file of unknown age.
with changed as (
    update subscription s set device = coalesce(r.device, s.device), account = r.account_id,
        plan = coalesce(r.plan, s.plan),
        state = case when s.observed_at is null then coalesce(r.state, s.state) else s.state end
    from import_row r
    where r.known and s.iccid = r.iccid and (s.device, s.account, s.plan, s.state) is distinct from (
        coalesce(r.device, s.device), r.account_id, coalesce(r.plan, s.plan),
        case when s.observed_at is null then coalesce(r.state, s.state) else s.state end)
    returning r.line
)
update import_row r set changed = true from changed where changed.line = r.line

-- name: sims_update_fact
-- The SIM in use is known from sessions; until one is seen, it is the enabled one in the lowest slot.
with candidate as (
    select distinct on (p.device) p.device, p.iccid, a.name as carrier, s.plan, s.state, p.home_country
    from (select distinct coalesce(device, old_device) as device from import_row) as touched
    join profile p on p.device = touched.device and p.enabled
    join account a on a.id = p.account
    join subscription s on s.iccid = p.iccid
    join fact f on f.device = p.device and (f.iccid is null or f.iccid = p.iccid or f.place_at is null)
    where touched.device is not null
    order by p.device, (f.iccid = p.iccid and f.place_at is not null) desc, (s.state = 4) desc, p.slot, p.iccid
)
update fact f set iccid = c.iccid, carrier = c.carrier, plan = c.plan,
    subscription_state = (%(states)s::text[])[c.state],
    roaming = case when f.country is null or c.home_country is null then f.roaming else f.country <> c.home_country end
from candidate c
where f.device = c.device
    and (f.iccid, f.carrier, f.plan, f.subscription_state) is distinct from
        (c.iccid, c.carrier, c.plan, (%(states)s::text[])[c.state])

-- name: sims_touch
insert into import_touched
select distinct device from (
    select device from import_row where not known or changed
    union
    select old_device from import_row where changed
) as t where device is not null

-- name: sims_counts
select count(*) filter (where not known), count(*) filter (where known and changed),
    count(*) filter (where known and not changed), (select count(*) from import_touched)
from import_row

-- presence and sessions --------------------------------------------------------------------------

-- name: presence_table
create temporary table import_row (
    line int not null, device_name text collate "C", iccid text collate "C", imei text collate "C",
    imsi text collate "C", country text collate "C" not null, plmn text collate "C" not null,
    first_at timestamptz not null, last_at timestamptz not null, apn text, rat text, cell text,
    ip text, bytes bigint, open boolean not null default false,
    device uuid, profile_iccid text collate "C", eid text collate "C", account uuid, home_country text,
    known boolean not null default false, changed boolean not null default false
) on commit drop

-- name: presence_resolve_device_name
update import_row r set device = d.id from device d where r.device_name is not null and d.name = r.device_name

-- name: presence_resolve_device_iccid
update import_row r set device = p.device from profile p
where r.device is null and r.device_name is null and r.iccid is not null and p.iccid = r.iccid

-- name: presence_resolve_device_imsi
update import_row r set device = p.device from profile p
where r.device is null and r.device_name is null and r.imsi is not null and p.imsi = r.imsi

-- name: presence_resolve_device_imei
update import_row r set device = d.id from device d
where r.device is null and r.device_name is null and r.imei is not null and d.imei = r.imei

-- name: presence_resolve_sim
-- The SIM: as named, else by its IMSI, else the only one the device has.
update import_row r set iccid = p.iccid, imsi = coalesce(r.imsi, p.imsi), account = p.account, eid = c.eid,
    apn = coalesce(r.apn, p.apn), home_country = coalesce(p.home_country, a.home_country)
from (
    select s.line, coalesce(
        (select iccid from profile where iccid = s.iccid),
        (select min(iccid) from profile where imsi = s.imsi),
        (select min(iccid) from profile where device = s.device having count(*) = 1)
    ) as iccid
    from import_row s
) as sim
join profile p on p.iccid = sim.iccid
join card c on c.id = p.card
join account a on a.id = p.account
where sim.line = r.line

-- name: presence_resolve_imei
update import_row r set imei = coalesce(r.imei, d.imei) from device d where d.id = r.device and r.imei is null

-- name: presence_check_device
select line, case when device_name is not null then 'device' when iccid is not null then 'iccid'
        when imsi is not null then 'imsi' else 'imei' end,
    coalesce(device_name, iccid, imsi, imei), 'a device of this tenant, or a SIM that is in one'
from import_row where device is null

-- name: sessions_check_sim
select line, 'iccid', iccid, 'the ICCID of the session''s SIM: the device has none or several'
from import_row where device is not null and iccid is null

-- name: presence_bounds
select min(first_at), max(last_at) from import_row

-- name: presence_collapse
-- The same run twice in one file is one run.
delete from import_row r using import_row o
where o.line < r.line and o.device = r.device and o.country = r.country and o.plmn = r.plmn
    and o.first_at = r.first_at and o.last_at = r.last_at and o.iccid is not distinct from r.iccid

-- name: presence_extend
with changed as (
    update presence p set last_at = r.last_at
    from import_row r
    where p.device = r.device and p.first_at = r.first_at and p.country = r.country and p.plmn = r.plmn
        and p.iccid is not distinct from r.iccid and p.last_at < r.last_at
    returning r.line
)
update import_row r set changed = true from changed where changed.line = r.line

-- name: presence_known
update import_row r set known = true from presence p
where p.device = r.device and p.first_at = r.first_at and p.country = r.country and p.plmn = r.plmn
    and p.iccid is not distinct from r.iccid

-- name: presence_insert
insert into presence (tenant, device, iccid, imsi, imei, eid, account, apn, country, plmn, home_country, first_at,
    last_at, source)
select %(tenant)s, device, iccid, imsi, imei, eid, account, apn, country, plmn, home_country, first_at, last_at,
    %(source)s
from import_row where not known order by first_at, device

-- name: sessions_known
with changed as (
    update session s set seen_at = greatest(s.seen_at, r.last_at),
        ended_at = case when r.open then s.ended_at else coalesce(s.ended_at, r.last_at) end,
        bytes = greatest(s.bytes, r.bytes)
    from import_row r
    where s.device = r.device and s.iccid = r.iccid and s.started_at = r.first_at and (
        s.seen_at < r.last_at or (s.ended_at is null and not r.open) or coalesce(s.bytes, -1) < coalesce(r.bytes, -1))
    returning r.line
)
update import_row r set changed = true from changed where changed.line = r.line

-- name: sessions_insert
insert into session (tenant, device, iccid, account, plmn, country, rat, cell, imei, ip, source, started_at, seen_at,
    ended_at, bytes)
select %(tenant)s, device, iccid, account, nullif(plmn, 'unknown'), country, rat, cell, imei, ip, 'import', first_at,
    last_at, case when open then null else last_at end, bytes
from import_row r order by first_at, device
on conflict do nothing

-- name: sessions_feed
-- How far the files of each account reach: a SIM that is silent within is silent, and outside nobody knows.
update account a set fed_from = least(a.fed_from, f.first_at), fed_to = greatest(a.fed_to, f.last_at)
from (
    select account, min(first_at) as first_at, max(last_at) as last_at from import_row
    where account is not null group by account
) f
where a.tenant = %(tenant)s and a.id = f.account
    and (a.fed_from, a.fed_to) is distinct from (least(a.fed_from, f.first_at), greatest(a.fed_to, f.last_at))

-- name: presence_update_fact
-- The newest observation wins; an older one extends history only.
with newest as (
    select distinct on (device) device, country, plmn, rat, cell, iccid, imei, account, home_country, last_at
    from import_row order by device, last_at desc, line desc
)
update fact f set country = n.country, plmn = nullif(n.plmn, 'unknown'), rat = n.rat, cell = n.cell,
    iccid = coalesce(n.iccid, f.iccid), imei = coalesce(n.imei, f.imei), carrier = coalesce(a.name, f.carrier),
    roaming = n.country <> n.home_country,
    plan = case when s.iccid is null then f.plan else s.plan end,
    subscription_state = case when s.iccid is null then f.subscription_state else (%(states)s::text[])[s.state] end,
    place_at = n.last_at, place_source = %(source)s, last_contact_at = greatest(f.last_contact_at, n.last_at)
from newest n left join account a on a.id = n.account left join subscription s on s.iccid = n.iccid
where f.device = n.device and (f.place_at is null or f.place_at < n.last_at)

-- name: presence_touch
insert into import_touched select distinct device from import_row where not known or changed

-- name: presence_counts
select count(*) filter (where not known), count(*) filter (where known and changed),
    count(*) filter (where known and not changed), (select count(*) from import_touched)
from import_row

-- name: ensure_months
select ensure_months(%(parent)s, %(first)s, %(last)s)

-- prices -----------------------------------------------------------------------------------------

-- name: prices_table
create temporary table import_row (
    line int not null, plan text collate "C" not null, currency text not null, activation_nano bigint not null,
    monthly_nano bigint not null, per_mb_nano bigint not null, valid_from date not null, included_bytes bigint
) on commit drop

-- name: prices_check_repeated
select line, 'plan', plan, 'one row a plan and day: line ' || first_line || ' has it already'
from (select line, plan, min(line) over (partition by plan, valid_from) as first_line from import_row) as r
where line > first_line

-- name: prices_check_currency
select line, 'currency', currency, 'the same currency for every price of a plan (' || other || ')'
from (
    select r.line, r.currency,
        coalesce(
            (select min(p.currency) from price p where p.plan = r.plan),
            min(r.currency) over (partition by r.plan)) as other
    from import_row r
) as r
where currency <> other

-- name: prices_apply
-- An allowance that a file leaves out stays as it is.
with written as (
    insert into price as p (tenant, plan, currency, activation_nano, monthly_nano, per_mb_nano, valid_from,
        included_bytes)
    select %(tenant)s, plan, currency, activation_nano, monthly_nano, per_mb_nano, valid_from, included_bytes
    from import_row order by plan, valid_from
    on conflict (tenant, plan, valid_from) do update
        set currency = excluded.currency, activation_nano = excluded.activation_nano,
            monthly_nano = excluded.monthly_nano, per_mb_nano = excluded.per_mb_nano,
            included_bytes = coalesce(excluded.included_bytes, p.included_bytes)
        where (p.currency, p.activation_nano, p.monthly_nano, p.per_mb_nano, p.included_bytes) is distinct from
            (excluded.currency, excluded.activation_nano, excluded.monthly_nano, excluded.per_mb_nano,
             coalesce(excluded.included_bytes, p.included_bytes))
    returning (xmax = 0) as created
)
select count(*) filter (where created), count(*) filter (where not created), (select count(*) from import_row)
from written

-- contracts, coverage, radios of SKUs, ends of networks --------------------------------------------

-- name: contracts_table
create temporary table import_row (
    line int not null, account text collate "C" not null, number text collate "C" not null, starts_on date,
    ends_on date, notice_days int, committed_sims int, commitment text
) on commit drop

-- name: contracts_check_repeated
select line, 'number', number, 'one row a contract: line ' || first_line || ' has it already'
from (select line, number, min(line) over (partition by account, number) as first_line from import_row) as r
where line > first_line

-- name: contracts_apply
-- What a row leaves out stays; the account's record moves on by one version where anything changed.
with written as (
    insert into contract as c (tenant, account, number, starts_on, ends_on, notice_days, committed_sims, commitment)
    select %(tenant)s, a.id, r.number, r.starts_on, r.ends_on, r.notice_days, r.committed_sims, r.commitment
    from import_row r join account a on a.name = r.account order by a.id, r.number
    on conflict (tenant, account, number) do update
        set starts_on = coalesce(excluded.starts_on, c.starts_on), ends_on = coalesce(excluded.ends_on, c.ends_on),
            notice_days = coalesce(excluded.notice_days, c.notice_days),
            committed_sims = coalesce(excluded.committed_sims, c.committed_sims),
            commitment = coalesce(excluded.commitment, c.commitment)
        where (c.starts_on, c.ends_on, c.notice_days, c.committed_sims, c.commitment) is distinct from
            (coalesce(excluded.starts_on, c.starts_on), coalesce(excluded.ends_on, c.ends_on),
             coalesce(excluded.notice_days, c.notice_days), coalesce(excluded.committed_sims, c.committed_sims),
             coalesce(excluded.commitment, c.commitment))
    returning account, (xmax = 0) as created
), recorded as (
    insert into register (tenant, account, updated_at, updated_by)
    select distinct %(tenant)s::uuid, account, %(now)s::timestamptz, 'import' from written
    on conflict (tenant, account) do update
        set version = register.version + 1, updated_at = excluded.updated_at, updated_by = excluded.updated_by
)
select count(*) filter (where created), count(*) filter (where not created), (select count(*) from import_row)
from written

-- name: coverage_table
create temporary table import_row (
    line int not null, account text collate "C" not null, country text collate "C" not null, rats text not null,
    source text not null, as_of date not null
) on commit drop

-- name: coverage_check_repeated
select line, 'rats', rat, 'one row a country and technology: line ' || first_line || ' has it already'
from (
    select line, rat, min(line) over (partition by account, country, rat) as first_line
    from import_row cross join lateral unnest(string_to_array(rats, ' ')) as u (rat)
) as r
where line > first_line

-- name: coverage_apply
-- A newer list replaces what an older one said of the same country and technology, never the other way round.
with entry as (
    select a.id as account, r.country, u.rat, r.source, r.as_of
    from import_row r join account a on a.name = r.account
    cross join lateral unnest(string_to_array(r.rats, ' ')) as u (rat)
), written as (
    insert into coverage as c (tenant, account, country, rat, source, as_of)
    select %(tenant)s, account, country, rat, source, as_of from entry order by account, country, rat
    on conflict (tenant, account, country, rat) do update set source = excluded.source, as_of = excluded.as_of
        where excluded.as_of >= c.as_of and (c.source, c.as_of) is distinct from (excluded.source, excluded.as_of)
    returning account, (xmax = 0) as created
), recorded as (
    insert into register (tenant, account, updated_at, updated_by)
    select distinct %(tenant)s::uuid, account, %(now)s::timestamptz, 'import' from written
    on conflict (tenant, account) do update
        set version = register.version + 1, updated_at = excluded.updated_at, updated_by = excluded.updated_by
)
select count(*) filter (where created), count(*) filter (where not created), (select count(*) from entry)
from written

-- name: skus_table
create temporary table import_row (
    line int not null, sku text collate "C" not null, rats text not null, bands text, source text, as_of date
) on commit drop

-- name: skus_check_repeated
select line, 'sku', sku, 'one row a SKU: line ' || first_line || ' has it already'
from (select line, sku, min(line) over (partition by sku) as first_line from import_row) as r
where line > first_line

-- name: skus_apply
-- Technologies are replaced whole; bands and sources that a row leaves out stay.
with written as (
    insert into sku as s (tenant, sku, rats, bands, source, as_of, updated_at)
    select %(tenant)s, sku, string_to_array(rats, ' '), coalesce(string_to_array(bands, ' '), '{}'), source, as_of,
        %(now)s
    from import_row order by sku
    on conflict (tenant, sku) do update
        set rats = excluded.rats, bands = case when excluded.bands = '{}' then s.bands else excluded.bands end,
            source = coalesce(excluded.source, s.source), as_of = coalesce(excluded.as_of, s.as_of),
            updated_at = excluded.updated_at, version = s.version + 1
        where (s.rats, s.bands, s.source, s.as_of) is distinct from
            (excluded.rats, case when excluded.bands = '{}' then s.bands else excluded.bands end,
             coalesce(excluded.source, s.source), coalesce(excluded.as_of, s.as_of))
    returning (xmax = 0) as created
)
select count(*) filter (where created), count(*) filter (where not created), (select count(*) from import_row)
from written

-- name: sunsets_table
create temporary table import_row (
    line int not null, country text collate "C" not null, rat text collate "C" not null, plmn text collate "C" not null,
    off_on date not null, confidence text not null, source text not null, as_of date not null
) on commit drop

-- name: sunsets_check_repeated
select line, 'rat', rat, 'one row a country, technology and network: line ' || first_line || ' has it already'
from (select line, rat, min(line) over (partition by country, rat, plmn) as first_line from import_row) as r
where line > first_line

-- name: sunsets_apply
-- A later reading of the same end replaces the earlier one.
with written as (
    insert into sunset as s (tenant, country, rat, plmn, off_on, confidence, source, as_of)
    select %(tenant)s, country, rat, plmn, off_on, confidence, source, as_of from import_row
    order by country, rat, plmn
    on conflict (tenant, country, rat, plmn) do update
        set off_on = excluded.off_on, confidence = excluded.confidence, source = excluded.source,
            as_of = excluded.as_of
        where (s.off_on, s.confidence, s.source, s.as_of) is distinct from
            (excluded.off_on, excluded.confidence, excluded.source, excluded.as_of)
    returning (xmax = 0) as created
)
select count(*) filter (where created), count(*) filter (where not created), (select count(*) from import_row)
from written

-- name: certificates_table
create temporary table import_row (
    line int not null, sku text collate "C" not null, country text collate "C" not null, topic text collate "C" not null,
    number text not null, valid_from date, valid_until date, source text, as_of date
) on commit drop

-- name: certificates_check_repeated
select line, 'sku', sku, 'one row a SKU, country and topic: line ' || first_line || ' has it already'
from (select line, sku, min(line) over (partition by sku, country, topic) as first_line from import_row) as r
where line > first_line

-- name: certificates_apply
-- A row is the whole record: a renewal without a day of its end has none.
with written as (
    insert into certificate as s (tenant, sku, country, topic, number, valid_from, valid_until, source, as_of, updated_at)
    select %(tenant)s, sku, country, topic, number, valid_from, valid_until, source, as_of, %(now)s
    from import_row order by sku, country, topic
    on conflict (tenant, sku, country, topic) do update
        set number = excluded.number, valid_from = excluded.valid_from, valid_until = excluded.valid_until,
            source = excluded.source, as_of = excluded.as_of, updated_at = excluded.updated_at, version = s.version + 1
        where (s.number, s.valid_from, s.valid_until, s.source, s.as_of) is distinct from
            (excluded.number, excluded.valid_from, excluded.valid_until, excluded.source, excluded.as_of)
    returning (xmax = 0) as created
)
select count(*) filter (where created), count(*) filter (where not created), (select count(*) from import_row)
from written
