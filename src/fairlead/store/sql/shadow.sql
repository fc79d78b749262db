-- Shadows: what devices reported of their facets, and what is offered to them. A batch a statement.

-- name: tenant_id
select tenant_named(%(name)s)

-- name: tenant_name
select name from tenant where id = %(tenant)s

-- name: device_ids
select name, id from device where name = any (%(names)s) and state <> 5

-- name: device_names
select id, name from device where id = any (%(devices)s)

-- name: read
-- The card is the device's own at the account that a network document names as its carrier.
select coalesce(r.version, 0), r.state::text, r.at, f.offered, coalesce(f.offered_generation, 0),
       coalesce(f.observed_generation, 0), f.changed_at, s.iccid, s.slot, r.said_at
from unnest(%(devices)s::uuid[], %(facets)s::smallint[]) with ordinality as x (device, facet, n)
left join reported r on r.device = x.device and r.facet = x.facet
left join facet f on f.device = x.device and f.facet = x.facet
left join lateral (
    select p.iccid, p.slot from document d
    join account a on a.name = d.content ->> 'carrier'
    join profile p on p.device = x.device and p.account = a.id
    where x.facet = 1 and d.id = f.offered
    order by p.enabled desc, p.iccid limit 1
) s on true
order by x.n

-- name: documents
select id, jsonb_strip_nulls(content)::text from document where id = any (%(ids)s)

-- name: write
-- Only rows that still have the version that was read are written and answered. The generation counts as
-- observed only if it is still the one offered. A device is dirty when a fact that policies read has moved.
with x as materialized (
    select * from rows from (
        unnest(%(devices)s::uuid[]), unnest(%(facets)s::smallint[]), unnest(%(expected)s::bigint[]), unnest(%(versions)s::bigint[]),
        jsonb_array_elements(%(states)s::jsonb), unnest(%(observed)s::int[]), unnest(%(firmware)s::text[]), unnest(%(config)s::text[]),
        unnest(%(said)s::bigint[])
    ) with ordinality as x (device, facet, expected, version, state, observed, firmware, config, said, n)
), first as (
    insert into reported (tenant, device, facet, version, state, at, said_at)
    select (select nullif(current_setting('app.tenant', true), '')::uuid), x.device, x.facet, x.version, x.state, %(now)s, x.said
    from x where x.expected = 0 order by x.device, x.facet
    on conflict (tenant, device, facet) do nothing
    returning device, facet
), further as (
    update reported r set version = x.version, state = x.state, at = %(now)s, said_at = x.said
    from x
    where r.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and r.device = x.device
      and r.facet = x.facet and r.version = x.expected and x.expected > 0
    returning r.device, r.facet
), written as (
    select x.* from x join (select * from first union all select * from further) w on w.device = x.device and w.facet = x.facet
), acknowledged as (
    update facet f set observed_generation = x.observed
    from written x
    where x.observed is not null and f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)
      and f.device = x.device and f.facet = x.facet
      and ((f.offered_generation = x.observed and f.observed_generation < x.observed)
        or (f.offered_generation = x.observed + 1 and f.observed_generation > x.observed)) -- it has drifted
), contact as (
    select x.device, max(x.firmware) as firmware, max(x.config) as config
    from written x group by x.device
), moved as (
    insert into dirty (tenant, device)
    select f.tenant, f.device from contact c
    join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = c.device
    where (c.firmware is not null and c.firmware is distinct from f.firmware)
       or (c.config is not null and c.config is distinct from f.config_hash)
    order by f.device
    on conflict (tenant, device) do update set device = excluded.device
), seen as (
    update fact f set last_contact_at = greatest(f.last_contact_at, %(now)s), firmware = coalesce(c.firmware, f.firmware),
           config_hash = coalesce(c.config, f.config_hash)
    from contact c
    where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and f.device = c.device
)
select n from written
