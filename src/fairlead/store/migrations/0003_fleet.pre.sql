-- What exists and what was observed: devices, cards, profiles, subscriptions, facts, presence, sessions.

create table account ( -- a carrier account: the connector instance is (carrier, account, credential)
    tenant uuid not null,
    id uuid not null,
    name text collate "C" not null,
    connector text collate "C" not null, -- the folder in connectors/, or 'none' for SIMs without an API
    carrier text not null,
    home_country text collate "C",
    config jsonb not null default '{}',
    credential bytea, -- sealed, AAD = tenant, table, row, column
    iccid_digits smallint,
    staleness_s int not null default 300,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null default 1,
    swept_at timestamptz, -- last complete inventory sweep
    failing_since timestamptz,
    failure text,
    primary key (tenant, id),
    unique (tenant, name)
);
call wall('account');

create table device ( -- identity and bindings: indexed, rarely written
    tenant uuid not null,
    id uuid not null,
    name text collate "C" not null check (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    serial text collate "C",
    imei text collate "C",
    eid text collate "C",
    mac text collate "C",
    fingerprint text collate "C",
    sku text collate "C",
    region text collate "C",
    device_group text collate "C",
    device_batch text collate "C",
    tags text[] not null default '{}',
    state smallint not null default 3, -- 1 manufactured, 2 bootstrapped, 3 active, 4 quarantined, 5 retired
    secret_hash bytea, -- SHA-256 of the MQTT secret
    factory jsonb,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant, id),
    unique (tenant, name)
);
create index device_serial on device (tenant, serial);
create index device_imei on device (tenant, imei);
create index device_eid on device (tenant, eid);
create index device_sku on device (tenant, sku, id);
create index device_group on device (tenant, device_group, id);
create index device_region on device (tenant, region, id);
create index device_batch on device (tenant, device_batch, id);
create index device_state on device (tenant, state, id);
call wall('device');

create table card (
    tenant uuid not null,
    id uuid not null,
    device uuid,
    eid text collate "C",
    form_factor text collate "C" not null default '4FF', -- 2FF 3FF 4FF MFF2 iSIM softSIM
    technology text collate "C" not null default 'uicc', -- uicc, euicc, iuicc, softsim
    multi_imsi boolean not null default false,
    slot smallint not null default 1,
    primary key (tenant, id)
);
create index card_device on card (tenant, device);
call wall('card');

create table profile (
    tenant uuid not null,
    id uuid not null,
    card uuid not null,
    device uuid,
    account uuid not null,
    slot smallint not null default 1,
    iccid text collate "C" not null,
    iccid_raw text collate "C" not null,
    imsi text collate "C",
    msisdn text collate "C",
    enabled boolean not null default true,
    home_country text collate "C",
    primary key (tenant, id),
    unique (tenant, iccid)
);
create index profile_device on profile (tenant, device);
create index profile_imsi on profile (tenant, imsi);
create index profile_account on profile (tenant, account, iccid);
call wall('profile');

create table subscription (
    tenant uuid not null,
    id uuid not null,
    profile uuid not null,
    account uuid not null,
    device uuid,
    iccid text collate "C" not null,
    plan text collate "C",
    -- 1 inventory 2 test 3 ready 4 active 5 standby 6 suspended 7 deactivated 8 terminated 9 unknown
    state smallint not null default 9,
    provider_id text collate "C",
    provider_state text,
    hold_reasons text[] not null default '{}',
    auto_revert_at timestamptz,
    observed_at timestamptz,
    connectivity smallint not null default 5, -- 1 online 2 attached 3 offline 4 blocked 5 unknown
    connectivity_at timestamptz,
    primary key (tenant, id),
    unique (tenant, iccid)
);
create index subscription_account on subscription (tenant, account, state);
create index subscription_device on subscription (tenant, device);
call wall('subscription');

create table fact ( -- hot values of a device; what policies read. No index on what every report changes
    tenant uuid not null,
    device uuid not null,
    sku text collate "C",
    region text collate "C",
    device_group text collate "C",
    device_batch text collate "C",
    tags text[],
    home_country text collate "C",
    device_state text collate "C",
    country text collate "C",
    plmn text collate "C",
    rat text collate "C",
    cell text collate "C",
    roaming boolean,
    carrier text collate "C", -- account name of the SIM in use
    iccid text collate "C",
    imei text collate "C",
    connectivity text collate "C",
    law_stance text collate "C",
    law_confidence text collate "C",
    subscription_state text collate "C",
    plan text collate "C",
    usage_24h_bytes bigint,
    usage_month_bytes bigint,
    success_rate_1h double precision,
    firmware text collate "C",
    config_hash text collate "C",
    days_used int,
    last_contact_at timestamptz,
    place_at timestamptz, -- observed_at of country, plmn, rat, cell, roaming, carrier, iccid, imei
    place_source text collate "C",
    breach_at timestamptz,
    imei_breach_at timestamptz,
    cert_not_after timestamptz,
    primary key (tenant, device)
) with (fillfactor = 60);
create index fact_country on fact (tenant, country, device);
create index fact_carrier on fact (tenant, carrier, device);
create index fact_breach on fact (tenant, breach_at) where breach_at is not null;
create index fact_imei_breach on fact (tenant, imei_breach_at) where imei_breach_at is not null;
call wall('fact');

create table presence ( -- runs of presence; what roaming clocks read
    tenant uuid not null,
    device uuid not null,
    iccid text collate "C",
    imsi text collate "C",
    imei text collate "C",
    eid text collate "C",
    account uuid,
    apn text collate "C",
    country text collate "C" not null,
    plmn text collate "C" not null default 'unknown',
    home_country text collate "C",
    first_at timestamptz not null,
    last_at timestamptz not null check (last_at >= first_at),
    source text collate "C" not null default 'import'
) partition by range (first_at);
create table presence_rest partition of presence default;
create index presence_device on presence (tenant, device, first_at);
create index presence_country on presence (tenant, country, first_at);
call wall('presence');

create table clock ( -- one reading a device and rule; fact holds the binding one
    tenant uuid not null,
    device uuid not null,
    rule text collate "C" not null,
    topic text collate "C" not null,
    days_used int not null,
    breach_at timestamptz,
    started_at timestamptz,
    computed_at timestamptz not null,
    primary key (tenant, device, rule)
) with (fillfactor = 80);
create index clock_breach on clock (tenant, rule, breach_at);
call wall('clock');

create table session (
    tenant uuid not null,
    device uuid not null,
    iccid text collate "C" not null,
    account uuid,
    access smallint not null default 1, -- 1 cellular 2 private 3 wifi 4 satellite 5 wired
    plmn text collate "C",
    country text collate "C",
    rat text collate "C",
    cell text collate "C",
    imei text collate "C",
    ip text collate "C",
    source text collate "C" not null,
    started_at timestamptz not null,
    seen_at timestamptz not null,
    ended_at timestamptz,
    bytes bigint,
    end_cause text,
    primary key (tenant, device, iccid, started_at)
) partition by range (started_at);
create table session_rest partition of session default;
create index session_iccid on session (tenant, iccid, seen_at);
call wall('session');

create table reported ( -- what a device last said of a facet; its shadow version
    tenant uuid not null,
    device uuid not null,
    facet smallint not null, -- 1 network 2 config 3 firmware 4 flags 5 credential 6 traffic
    version bigint not null,
    state jsonb not null,
    at timestamptz not null,
    primary key (tenant, device, facet)
) with (fillfactor = 50);
call wall('reported');

create table seen ( -- idempotent intake into time-partitioned tables
    tenant uuid not null,
    source text collate "C" not null,
    record_id text collate "C" not null,
    content_hash bytea not null,
    at timestamptz not null,
    primary key (tenant, source, record_id)
) partition by hash (tenant, source, record_id);
create table seen_0 partition of seen for values with (modulus 4, remainder 0);
create table seen_1 partition of seen for values with (modulus 4, remainder 1);
create table seen_2 partition of seen for values with (modulus 4, remainder 2);
create table seen_3 partition of seen for values with (modulus 4, remainder 3);
call wall('seen');

create table fleet_count ( -- counts and facets of the console and API, with their age
    tenant uuid not null,
    dimension text collate "C" not null, -- country, carrier, sku, group, stance, connectivity, all
    value text collate "C" not null,
    n bigint not null,
    at timestamptz not null,
    primary key (tenant, dimension, value)
);
call wall('fleet_count');

create table price (
    tenant uuid not null,
    plan text collate "C" not null,
    currency text collate "C" not null,
    activation_nano bigint not null,
    monthly_nano bigint not null,
    per_mb_nano bigint not null,
    valid_from date not null,
    primary key (tenant, plan, valid_from)
);
call wall('price');
