-- Shipments: by the set, whatever the number of their devices.

-- name: named
-- Names and serials as they were given; a name stands before a serial, and a serial for one device alone.
select g.given, d.id, s.id, s.n
from (select distinct u as given from unnest(%(names)s::text[]) u) g
left join device d on d.name = g.given
left join lateral (
    select min(x.id::text)::uuid as id, count(*) as n from device x where d.id is null and x.serial = g.given
) s on true

-- name: promised
select d.name, m.shipment
from shipment_device m
join shipment s on s.tenant = m.tenant and s.id = m.shipment and s.state in (1, 2, 3)
join device d on d.tenant = m.tenant and d.id = m.device
where m.device = any (%(devices)s) order by d.name limit 100

-- name: insert
insert into shipment (tenant, id, country, sku, leaves_on, arrives_on, route, note, state, author, devices, created_at)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(id)s, %(country)s, %(sku)s, %(leaves_on)s,
        %(arrives_on)s, %(route)s, %(note)s, %(state)s, %(author)s, %(devices)s, %(now)s)

-- name: insert_devices
insert into shipment_device (tenant, shipment, device)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(id)s, u from unnest(%(members)s::uuid[]) u order by u

-- name: columns
s.id, s.country, s.sku, s.leaves_on, s.arrives_on, s.route, s.note, s.state, s.author, s.devices, s.created_at,
    s.checked_at, s.digest, s.reasons, s.activation, s.override, s.change, s.left_at, s.settled_at, s.version,
    (select c.state from change c where c.tenant = s.tenant and c.id = s.change)

-- name: read
select {columns} from shipment s where s.id = %(id)s {lock}

-- name: page
select {columns} from shipment s
where s.id < %(below)s and (%(state)s::smallint is null or s.state = %(state)s)
order by s.id desc limit %(limit)s

-- name: consignments
-- What is the same about them for the judge. A profile's home is its own, else its account's. Lateral: by the keys of
-- each device, whatever the statistics say right after an import.
select d.sku, coalesce(f.device_state, 'manufactured'), d.imei is not null,
    d.secret_hash is not null or d.fingerprint is not null or f.last_contact_at is not null, sims.found,
    array_agg(d.id order by d.id)
from shipment_device m
join device d on d.tenant = m.tenant and d.id = m.device
left join fact f on f.tenant = m.tenant and f.device = m.device
left join lateral (
    select jsonb_agg(jsonb_build_array(
        a.name, coalesce(p.home_country, a.home_country), coalesce(p.iccid = f.iccid, false), p.enabled,
        coalesce(u.state, 9), c.eid is not null, coalesce(c.multi_imsi, false),
        p.home_country is null and a.home_country is null and coalesce(left(p.imsi, 3) in ('901', '999'), false)
    ) order by a.name, coalesce(p.iccid = f.iccid, false), p.enabled, coalesce(u.state, 9), p.iccid) as found
    from profile p
    join account a on a.tenant = p.tenant and a.id = p.account
    left join card c on c.tenant = p.tenant and c.id = p.card
    left join subscription u on u.tenant = p.tenant and u.iccid = p.iccid
    where p.tenant = m.tenant and p.device = m.device
) sims on true
where m.shipment = %(id)s
group by 1, 2, 3, 4, 5
order by 1 nulls last, 2, 3, 4, 5 nulls first

-- name: listed
select a.name, c.rat from coverage c join account a on a.tenant = c.tenant and a.id = c.account where c.country = %(country)s

-- name: lists
select a.name from account a where exists (select 1 from coverage c where c.tenant = a.tenant and c.account = a.id)

-- name: local
select a.name from register r join account a on a.tenant = r.tenant and a.id = r.account
where %(country)s = any (r.local_imsis)

-- name: forget_lines
delete from shipment_line where shipment = %(id)s

-- name: add_line
insert into shipment_line (tenant, shipment, no, about, devices, reasons)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(id)s, %(no)s, %(about)s, %(devices)s, %(reasons)s)

-- name: set_lines
update shipment_device m set line = x.line
from unnest(%(members)s::uuid[], %(nos)s::int[]) x (device, line)
where m.shipment = %(id)s and m.device = x.device and m.line is distinct from x.line

-- name: checked
update shipment set state = %(state)s, checked_at = %(checked_at)s, digest = %(digest)s, reasons = %(reasons)s,
    activation = %(activation)s, override = %(override)s, version = version + 1
where id = %(id)s

-- name: lines
select no, about, devices, reasons from shipment_line where shipment = %(id)s order by no

-- name: names
select d.name from shipment_device m join device d on d.tenant = m.tenant and d.id = m.device
where m.shipment = %(id)s order by d.id

-- name: bind
with sent as (
    update fact f set destination = %(country)s
    from shipment_device m
    where m.shipment = %(id)s and f.tenant = m.tenant and f.device = m.device and f.destination is distinct from %(country)s
    returning f.tenant, f.device
)
insert into dirty (tenant, device) select tenant, device from sent order by device on conflict do nothing

-- name: set_state
update shipment set state = %(state)s, change = coalesce(%(change)s, change), override = coalesce(%(override)s, override),
    left_at = case when %(state)s = 4 then %(now)s::timestamptz else left_at end,
    settled_at = case when %(state)s in (5, 6) then %(now)s::timestamptz else settled_at end, version = version + 1
where id = %(id)s

-- name: due
-- Those on their way whose arrival was not counted for an hour; another process takes none of them meanwhile.
select {columns} from shipment s
where s.state = 4 and (s.looked_at is null or s.looked_at <= %(now)s::timestamptz - interval '1 hour')
order by s.id limit %(limit)s for update of s skip locked

-- name: looked_at
update shipment set looked_at = %(now)s where id = any (%(ids)s)

-- name: seen
-- One sighting there is enough to have arrived; who was seen, and never there, is elsewhere.
select x.shipment, count(*) filter (where x.there), count(*) filter (where not x.there),
    coalesce(array_agg(distinct x.last) filter (where not x.there), '{}')
from (
    select m.shipment, m.device, bool_or(p.country = s.country) as there,
        (array_agg(p.country order by p.last_at desc))[1] as last
    from shipment s
    join shipment_device m on m.tenant = s.tenant and m.shipment = s.id
    join presence p on p.tenant = m.tenant and p.device = m.device and p.last_at > s.left_at
    where s.id = any (%(ids)s) and s.left_at is not null
    group by m.shipment, m.device
) x
group by x.shipment

-- name: devices
-- In the order of the key, so that a page stops where it is full.
select * from (
    select m.device, d.name, d.serial, m.line,
        case when p.there then 'arrived' when p.country is not null then 'elsewhere' else 'unseen' end as whereabouts,
        p.country, p.last_at
    from shipment s
    join shipment_device m on m.tenant = s.tenant and m.shipment = s.id
    join device d on d.tenant = m.tenant and d.id = m.device
    left join lateral (
        select bool_or(q.country = s.country) as there, (array_agg(q.country order by q.last_at desc))[1] as country,
            max(q.last_at) as last_at
        from presence q where q.tenant = m.tenant and q.device = m.device and q.last_at > s.left_at
    ) p on true
    where s.id = %(id)s and m.device > %(above)s
) x
where (%(line)s::int is null or x.line = %(line)s) and (%(where)s::text is null or x.whereabouts = %(where)s)
order by x.device limit %(limit)s

-- name: certificates
select sku, country, topic, number, valid_from, valid_until, source, as_of, version from certificate
where (%(country)s::text is null or country = %(country)s) and (%(sku)s::text is null or sku = %(sku)s)
  and (%(after_sku)s::text is null or (sku, country, topic) > (%(after_sku)s, %(after_country)s, %(after_topic)s))
order by sku, country, topic limit %(limit)s

-- name: add_certificate
insert into certificate (tenant, sku, country, topic, number, valid_from, valid_until, source, as_of, updated_at)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(sku)s, %(country)s, %(topic)s, %(number)s,
        %(valid_from)s, %(valid_until)s, %(source)s, %(as_of)s, %(now)s)
on conflict do nothing

-- name: replace_certificate
update certificate set number = %(number)s, valid_from = %(valid_from)s, valid_until = %(valid_until)s, source = %(source)s,
    as_of = %(as_of)s, updated_at = %(now)s, version = version + 1
where sku = %(sku)s and country = %(country)s and topic = %(topic)s and version = %(version)s

-- name: remove_certificate
delete from certificate where sku = %(sku)s and country = %(country)s and topic = %(topic)s

-- name: shipping
select strict, network_years, patience_days, version from shipping

-- name: add_shipping
insert into shipping (tenant, strict, network_years, patience_days, updated_at)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(strict)s, %(network_years)s, %(patience_days)s, %(now)s)
on conflict do nothing

-- name: replace_shipping
update shipping set strict = %(strict)s, network_years = %(network_years)s, patience_days = %(patience_days)s,
    updated_at = %(now)s, version = version + 1
where version = %(version)s
