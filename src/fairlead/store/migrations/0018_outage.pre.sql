-- Outages and availability: which network a device stands on, what was heard of each stratum, and who is out.

create table footing ( -- the account whose network a device usually uses; written where that changes, not on reports
    tenant uuid not null,
    device uuid not null,
    account uuid not null,
    family text collate "C" not null, -- account/first five digits of the IMSI
    strayed_at timestamptz, -- since when it is heard on another account
    excused boolean not null default false, -- it strayed in an outage that is over: no sign of another
    probe_at timestamptz, -- told that its network is back, to find out whether it is
    primary key (tenant, device)
) with (fillfactor = 80);
call wall('footing');

create table reach ( -- a row a stratum and bucket: how many devices were to be heard, and were not
    tenant uuid not null,
    kind smallint not null, -- 1 core 2 account 3 family 4 group 5 country 6 all
    name text collate "C" not null,
    at timestamptz not null, -- when the bucket began
    buckets int not null default 1, -- how many are summed up here
    expected bigint not null,
    missing bigint not null, -- not heard on any network
    strayed bigint not null default 0, -- heard on another network, lately and unasked
    away bigint not null default 0, -- heard on another network for a while, or sent there
    out boolean not null default false, -- counted during an outage: nothing of this is usual
    primary key (tenant, kind, name, at)
);
create index reach_at on reach (tenant, at, kind);
call wall('reach');

create table outage ( -- where a stratum stands after the newest bucket
    tenant uuid not null,
    kind smallint not null, -- 1 core 2 account 3 family
    name text collate "C" not null,
    bad int not null,
    good int not null,
    since timestamptz, -- of the first bad bucket
    is_out boolean not null,
    blamed boolean not null, -- it explains what is out; its devices have the fact `outage`
    usual_rate double precision, -- what it is held against
    opens_at double precision, -- the rate above which it is out
    primary key (tenant, kind, name)
);
call wall('outage');

create table objective ( -- what a policy group is promised, and how often its devices are to be heard
    tenant uuid not null,
    device_group text collate "C" not null, -- '': every group without its own
    target_ppm int not null, -- share of minutes in which a device can be reached, in millionths
    heard_every_s int not null, -- silent for longer is not reached
    updated_at timestamptz not null,
    updated_by text not null,
    version bigint not null default 1,
    primary key (tenant, device_group)
);
call wall('objective');

alter table fact add column outage boolean; -- whether the network it usually uses is out; null: it never was
alter table fact add column outage_over_at timestamptz; -- when its last outage was over
create index fact_outage_over on fact (tenant, outage_over_at, device) where outage_over_at is not null;
