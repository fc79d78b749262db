-- What lines have used: records as they came, a total a day and line, and how far each line is known.

-- Append-only: a correction is a row of the same source and record id with the next revision; the newest one counts.
create table usage_record (
    tenant uuid not null,
    account uuid not null,
    subscription uuid not null,
    iccid text collate "C" not null, -- of the line when the record came
    source text collate "C" not null, -- carrier/ACCOUNT as its connector read it, file/ACCOUNT as imported
    record_id text collate "C" not null,
    revision int not null default 1,
    kind smallint not null, -- 1 raw 2 rated
    started_at timestamptz not null,
    ended_at timestamptz not null check (ended_at > started_at),
    up_bytes bigint, -- null where the source gives a total only
    down_bytes bigint,
    bytes bigint not null check (bytes >= 0),
    zone text collate "C",
    plmn text collate "C",
    country text collate "C",
    final boolean not null,
    observed_at timestamptz not null, -- when the source said so
    received_at timestamptz not null
) partition by range (started_at);
create table usage_record_rest partition of usage_record default;
create index usage_record_line on usage_record (tenant, subscription, started_at);
call wall('usage_record', 'select, insert');

-- Kept with every intake, so that facts and screens never read records. Sources are never added up: a reader
-- takes one of them a day.
create table usage_day (
    tenant uuid not null,
    subscription uuid not null,
    day date not null, -- UTC, on which the records began
    kind smallint not null,
    source text collate "C" not null,
    bytes bigint not null,
    up_bytes bigint, -- null where a record of the day gives a total only
    down_bytes bigint,
    records int not null,
    open_records int not null, -- those that the source may still correct
    observed_at timestamptz not null, -- of the newest record
    primary key (tenant, subscription, day, kind, source)
) with (fillfactor = 70);
call wall('usage_day');

-- How far a line is known, and when its carrier is asked again.
create table usage_state (
    tenant uuid not null,
    subscription uuid not null,
    account uuid not null,
    covered_from timestamptz, -- known without a gap from here ...
    through timestamptz, -- ... to here
    last_byte_at timestamptz, -- when the newest record with bytes ended: no byte is known after it
    lag_s int not null default 172800, -- how far the source lags, as it says; two days where nobody says
    read_at timestamptz, -- its carrier was last asked
    next_at timestamptz, -- to be asked then; null: nobody asked yet, infinity: it has ended
    put_off smallint not null default 0, -- readings in a row that failed
    failure text,
    primary key (tenant, subscription)
) with (fillfactor = 70);
create index usage_state_next on usage_state (tenant, next_at, account) where next_at is not null;
call wall('usage_state');

-- Its carrier is not asked for usage before this instant: it gives none, is busy, or is away.
alter table account add column usage_after timestamptz;
-- Its lines were enrolled for reading then; a complete sweep since may have brought new ones.
alter table account add column usage_enrolled_at timestamptz;

alter table fact
    add column usage_at timestamptz, -- how far the usage facts are known
    add column usage_lag_s int, -- how far their source lags
    add column silent_days int; -- since the last byte or session, as far as it is known; null where nothing is

create trigger hint_usage after update of swept_at on account for each statement execute function hint_always('usage');
