-- Streams in: what carriers post to us unasked, and how far their changes are read.

create table hook ( -- the address where one account's carrier may post; whoever knows it may speak, nobody is believed
    tenant uuid not null,
    account uuid not null,
    hash text collate "C" not null, -- SHA-256 of its key in hexadecimal; the directory leads from it to here
    url text not null, -- sealed, AAD = tenant, table, row (the account), column; the whole address: signatures cover it
    made_at timestamptz not null,
    heard_at timestamptz, -- the last delivery that proved its sender
    heard bigint not null default 0, -- events
    repeated bigint not null default 0, -- events that had been told before, by their carrier's own id
    refused bigint not null default 0, -- deliveries that proved nothing
    refused_at timestamptz,
    primary key (tenant, account)
) with (fillfactor = 70);
call wall('hook');
comment on column directory.kind is
    '1 EID, 2 IMSI, 3 IMEI, 4 ICCID, 5 PSK identity, 6 certificate fingerprint, 7 webhook (`device` is its account)';

create table heard ( -- lines that a carrier spoke of, or named as changed, and nobody has read since; one row whatever was said
    tenant uuid not null,
    subscription uuid not null,
    heard_at timestamptz not null,
    next_at timestamptz not null, -- read it then: at once, and again when the carrier's own view has caught up
    primary key (tenant, subscription)
) with (fillfactor = 70);
call wall('heard');
create trigger hint_new after insert on heard referencing new table as written
    for each statement execute function hint('look');
create index subscription_provider on subscription (tenant, account, provider_id);

-- How far an account's changes are read, where its carrier reports them; null: begin with a whole reading.
alter table account add column changed_cursor text;
alter table account add column changed_at timestamptz; -- changes were last read to their end
