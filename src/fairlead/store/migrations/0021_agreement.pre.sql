-- What a tenant asks of its people before something is done; without a row the house's own rule holds.

create table agreement (
    tenant uuid not null,
    charges boolean not null, -- whether another person must agree to what a carrier charges for
    changed_at timestamptz not null,
    changed_by text not null,
    version bigint not null default 1,
    primary key (tenant)
);
call wall('agreement');
