-- A fleet of any size, made by the set: devices, facts, cards, profiles, subscriptions.
-- Run as fairlead_app within a tenant's transaction. Holes: %(n)s devices, %(now)s.
-- 14 countries of unequal weight, 4 carriers, 20 SKUs, 12 groups, 50 batches; 2 % are near a breach.

-- name: account
insert into account (tenant, id, name, connector, carrier, created_at, updated_at)
select current_setting('app.tenant')::uuid, gen_random_uuid(), 'carrier-' || c, 'none', 'Carrier ' || c, %(now)s, %(now)s
from generate_series(0, 3) as c

-- name: device
insert into device (tenant, id, name, serial, imei, sku, region, device_group, device_batch, state, created_at, updated_at)
select current_setting('app.tenant')::uuid,
    encode(sha256(int4send(n)), 'hex')::varchar(32)::uuid,
    'trk-' || lpad(n::text, 7, '0'), 'SN' || lpad(n::text, 9, '0'), '35' || lpad(n::text, 13, '0'),
    'sku-' || n %% 20, 'region-' || n %% 5, 'group-' || n %% 12, 'batch-' || n / greatest(%(n)s / 50, 1),
    case when n %% 100 = 0 then 4 else 3 end, %(now)s, %(now)s
from generate_series(0, %(n)s - 1) as n
order by 2

-- name: fact
insert into fact (tenant, device, sku, region, device_group, device_batch, tags, home_country, device_state, country,
    plmn, roaming, carrier, connectivity, law_stance, breach_at, last_contact_at, place_at, usage_24h_bytes)
select d.tenant, d.id, d.sku, d.region, d.device_group, d.device_batch, '{}', 'DE',
    case d.state when 4 then 'quarantined' else 'active' end,
    (array['DE','DE','DE','FR','FR','BR','TR','SA','IN','US','US','MX','AU','CN','GB','JP','ZA','NG'])[1 + h.h %% 18],
    '262-02', h.h %% 18 > 2, 'carrier-' || h.h / 18 %% 4,
    (array['online','attached','offline','unknown'])[1 + h.h / 72 %% 4],
    (array['permissive','permissive','conditional','unknown','prohibited'])[1 + h.h / 300 %% 5],
    case when h.h / 7 %% 50 = 0 then %(now)s + (h.h / 350 %% 120) * interval '1 day' end,
    %(now)s - (h.h %% 7200) * interval '1 second', %(now)s - (h.h %% 7200) * interval '1 second', h.h::bigint * 1000
from device d cross join lateral (select ('x' || substr(d.id::text, 1, 7))::bit(28)::int as h) as h
order by d.id

-- name: card
insert into card (tenant, id, device) select tenant, id, id from device order by id

-- name: profile
insert into profile (tenant, id, card, device, account, iccid, iccid_raw, imsi)
select d.tenant, d.id, d.id, d.id, a.id, '8944' || substr(d.imei, 3) || '00', '8944' || substr(d.imei, 3) || '00',
    '262' || substr(d.imei, 4)
from device d join fact f on f.tenant = d.tenant and f.device = d.id
join account a on a.tenant = d.tenant and a.name = f.carrier
order by d.id

-- name: subscription
insert into subscription (tenant, id, profile, account, device, iccid, plan, state)
select tenant, id, id, account, device, iccid, 'iot-1', 4 from profile order by id
