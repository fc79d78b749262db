-- Shipments: devices that leave for a country, what was judged of them, and what came of it; and what allows a SKU there.

create table shipment (
    tenant uuid not null,
    id uuid not null,
    country text collate "C" not null, -- where it goes
    sku text collate "C", -- what it was said to be; null: whatever the devices are
    leaves_on date not null,
    arrives_on date not null,
    route text not null default '', -- who carries it, by which way
    note text not null default '',
    -- 1 draft 2 refused 3 ready 4 left 5 arrived 6 cancelled
    state smallint not null,
    author uuid not null,
    devices int not null,
    created_at timestamptz not null,
    checked_at timestamptz,
    digest bytea, -- over all that the last check judged by
    reasons jsonb not null default '[]', -- of the whole shipment; those of its lines stand there
    activation jsonb not null default '{}', -- what leaving would activate, as it was planned at the check
    override jsonb, -- who let it go in spite of its reasons, why, and of which check
    change uuid, -- that activates its devices; null: there was nothing to activate
    left_at timestamptz,
    settled_at timestamptz, -- when all of it had been seen there, or it was cancelled
    looked_at timestamptz, -- since it left: when its arrival was counted last, without anybody asking
    version bigint not null default 1,
    primary key (tenant, id)
);
create index shipment_state on shipment (tenant, state, id);
call wall('shipment');
create trigger hint_new after insert on shipment referencing new table as written
    for each statement execute function hint('shipments');
create trigger hint_changed after update on shipment referencing new table as written
    for each statement execute function hint('shipments');

create table shipment_device (
    tenant uuid not null,
    shipment uuid not null,
    device uuid not null,
    line int, -- of the last check
    primary key (tenant, shipment, device)
) with (fillfactor = 70);
create index shipment_of on shipment_device (tenant, device);
call wall('shipment_device');

create table shipment_line ( -- devices of a shipment that are alike to the judge, and what was found
    tenant uuid not null,
    shipment uuid not null,
    no int not null,
    about jsonb not null,
    devices int not null,
    reasons jsonb not null,
    primary key (tenant, shipment, no)
);
call wall('shipment_line');

create table certificate ( -- what a SKU was granted in a country, as the tenant recorded it
    tenant uuid not null,
    sku text collate "C" not null,
    country text collate "C" not null,
    topic text collate "C" not null, -- certification; imei_registration: IMEIs of this SKU are registered as they ship
    number text not null,
    valid_from date,
    valid_until date, -- null: without an end
    source text,
    as_of date,
    updated_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant, sku, country, topic)
);
create index certificate_country on certificate (tenant, country);
call wall('certificate');

create table shipping ( -- how a tenant judges its shipments; without a row, as the model says
    tenant uuid not null,
    strict boolean not null, -- what nobody knows stops a shipment as well
    network_years smallint not null, -- a SKU must have a network for so long after it arrived
    patience_days smallint not null, -- after the day of arrival, before an activation is taken back
    updated_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant)
);
call wall('shipping');

alter table fact add column destination text collate "C"; -- where it was shipped to; what is seen is `country`
