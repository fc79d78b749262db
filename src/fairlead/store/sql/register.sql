-- The carriers' register: due diligence, contracts, coverage, radios of SKUs, ends of networks.

-- name: records
select a.name, a.carrier, r.kind, r.upstream, r.breakout, r.local_imsis, r.plans, r.fees, r.contacts, r.notes, r.source,
    r.as_of, coalesce(r.version, 0), r.updated_at, r.updated_by,
    (select count(distinct c.country) from coverage c where c.tenant = a.tenant and c.account = a.id), a.id
from account a left join register r on r.tenant = a.tenant and r.account = a.id
where %(account)s::uuid is null or a.id = %(account)s
order by a.name

-- name: contracts
-- The one that ends last first; without an end, by number behind those.
select account, number, starts_on, ends_on, notice_days, committed_sims, commitment from contract
where %(account)s::uuid is null or account = %(account)s
order by account, ends_on desc nulls last, number

-- name: add
insert into register (tenant, account, kind, upstream, breakout, local_imsis, plans, fees, contacts, notes, source,
    as_of, updated_at, updated_by)
values (%(tenant)s, %(account)s, %(kind)s, %(upstream)s, %(breakout)s, %(local_imsis)s, %(plans)s, %(fees)s,
    %(contacts)s, %(notes)s, %(source)s, %(as_of)s, %(now)s, %(actor)s)
on conflict (tenant, account) do nothing

-- name: replace
update register set kind = %(kind)s, upstream = %(upstream)s, breakout = %(breakout)s, local_imsis = %(local_imsis)s,
    plans = %(plans)s, fees = %(fees)s, contacts = %(contacts)s, notes = %(notes)s, source = %(source)s,
    as_of = %(as_of)s, updated_at = %(now)s, updated_by = %(actor)s, version = version + 1
where account = %(account)s and version = %(version)s

-- name: forget_contracts
delete from contract where account = %(account)s

-- name: add_contract
insert into contract (tenant, account, number, starts_on, ends_on, notice_days, committed_sims, commitment)
values (%(tenant)s, %(account)s, %(number)s, %(starts_on)s, %(ends_on)s, %(notice_days)s, %(committed_sims)s,
    %(commitment)s)

-- name: coverage
select country, rat, source, as_of from coverage where account = %(account)s order by country, rat

-- name: begin
-- A list can be kept of an account of which nothing else is known.
insert into register (tenant, account, updated_at, updated_by) values (%(tenant)s, %(account)s, %(now)s, %(actor)s)
on conflict (tenant, account) do nothing

-- name: touch
update register set updated_at = %(now)s, updated_by = %(actor)s, version = version + 1
where account = %(account)s and version = %(version)s

-- name: forget_coverage
delete from coverage where account = %(account)s

-- name: add_coverage
insert into coverage (tenant, account, country, rat, source, as_of)
select %(tenant)s, %(account)s, * from unnest(%(countries)s::text[], %(rats)s::text[], %(sources)s::text[],
    %(days)s::date[])

-- name: skus
select sku, rats, bands, source, as_of, version from sku order by sku

-- name: add_sku
insert into sku (tenant, sku, rats, bands, source, as_of, updated_at)
values (%(tenant)s, %(sku)s, %(rats)s, %(bands)s, %(source)s, %(as_of)s, %(now)s)
on conflict (tenant, sku) do nothing

-- name: replace_sku
update sku set rats = %(rats)s, bands = %(bands)s, source = %(source)s, as_of = %(as_of)s, updated_at = %(now)s,
    version = version + 1
where sku = %(sku)s and version = %(version)s

-- name: sunsets
select country, rat, nullif(plmn, ''), off_on, confidence, source, as_of from sunset order by country, rat, plmn

-- name: mappings
select source, body, updated_at, updated_by, version from mapping
where %(source)s::text is null or source = %(source)s
order by source

-- name: add_mapping
insert into mapping (tenant, source, body, updated_at, updated_by)
values (%(tenant)s, %(source)s, %(body)s, %(now)s, %(actor)s)
on conflict (tenant, source) do nothing

-- name: replace_mapping
update mapping set body = %(body)s, updated_at = %(now)s, updated_by = %(actor)s, version = version + 1
where source = %(source)s and version = %(version)s

-- name: remove_mapping
delete from mapping where source = %(source)s
