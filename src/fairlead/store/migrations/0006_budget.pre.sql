-- Budgets of calls to carriers outlive a process, so that a restart does not burst.

create table bucket (
    tenant uuid not null,
    account uuid not null,
    call_class text collate "C" not null, -- auth, read, write, bulk
    tokens double precision not null, -- below zero after a carrier's 429: debt is time to wait
    at timestamptz not null, -- real time, not the house's clock
    version int not null,
    primary key (tenant, account, call_class)
) with (fillfactor = 50);
call wall('bucket');
