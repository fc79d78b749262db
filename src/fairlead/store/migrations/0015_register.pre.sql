-- The register: what is known of each carrier account, of each SKU's radio and of networks that end; how far feeds reach.

create table register ( -- due diligence: what was asked about an account, and what was answered. Null: nobody asked
    tenant uuid not null,
    account uuid not null,
    kind text collate "C", -- full_mvno, reseller, operator
    upstream text[], -- upstream cores
    breakout text[], -- countries where its traffic reaches the Internet
    local_imsis text[], -- countries where its SIMs have an IMSI of the country
    plans text[], -- names of plans on offer here; what they cost is in `price`
    fees jsonb, -- [{name, amount, currency, per}]
    contacts text,
    notes text,
    source text, -- who said all this, and on which day
    as_of date,
    updated_at timestamptz not null,
    updated_by text not null,
    version bigint not null default 1, -- of the record, its contracts and its coverage together
    primary key (tenant, account)
);
call wall('register');

create table contract ( -- a contract of an account; the one that ends last is the one that counts
    tenant uuid not null,
    account uuid not null,
    number text collate "C" not null,
    starts_on date,
    ends_on date, -- null: nobody said, or without an end
    notice_days int,
    committed_sims int,
    commitment text,
    primary key (tenant, account, number)
);
call wall('contract');

create table coverage ( -- where an account says that it works, by country and radio technology
    tenant uuid not null,
    account uuid not null,
    country text collate "C" not null,
    rat text collate "C" not null, -- 2G 3G LTE LTE-M NB-IoT 5G
    source text not null,
    as_of date not null,
    primary key (tenant, account, country, rat)
);
call wall('coverage');

create table sku ( -- the radio of what carries a SKU
    tenant uuid not null,
    sku text collate "C" not null,
    rats text[] not null,
    bands text[] not null default '{}',
    source text,
    as_of date,
    updated_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant, sku)
);
call wall('sku');

create table sunset ( -- when a network technology ends, as the tenant has read it; beside what the reference data says
    tenant uuid not null,
    country text collate "C" not null,
    rat text collate "C" not null,
    plmn text collate "C" not null default '', -- one operator's network; '': all of the country
    off_on date not null,
    confidence text collate "C" not null,
    source text not null,
    as_of date not null,
    primary key (tenant, country, rat, plmn)
);
call wall('sunset');

create table mapping ( -- how to read the files of one source
    tenant uuid not null,
    source text collate "C" not null,
    body text not null, -- YAML, as it was written
    updated_at timestamptz not null,
    updated_by text not null,
    version bigint not null default 1,
    primary key (tenant, source)
);
call wall('mapping');

-- From when until when the session files of an account have told; what is outside is not known, and not nothing.
alter table account add column fed_from timestamptz;
alter table account add column fed_to timestamptz;

alter table price add column included_bytes bigint; -- a SIM and month; null: not known
