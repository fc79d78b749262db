-- Bulk actions: one verb on many lines, with or without a device behind them. Each line is an operation.

create table bulk (
    tenant uuid not null,
    id uuid not null,
    verb text collate "C" not null,
    arguments jsonb not null default '{}',
    selected jsonb not null, -- how the lines were chosen, for people
    reason text not null,
    -- 1 waiting for approval 2 running 3 paused 4 done 5 cancelled
    state smallint not null,
    author uuid not null,
    approver uuid,
    undo_of uuid,
    total int not null,
    created_at timestamptz not null,
    started_at timestamptz,
    settled_at timestamptz,
    version bigint not null default 1,
    primary key (tenant, id)
);
create index bulk_open on bulk (tenant, state) where state in (1, 2, 3);
call wall('bulk');

alter table operation add column bulk uuid;
create index operation_bulk on operation (tenant, bulk, id) where bulk is not null;
-- One write under way a line, and how many a line had today.
create index operation_line on operation (tenant, subject, dispatched_at) where driver = 'carrier';
create trigger hint_new after insert on bulk referencing new table as written
    for each statement execute function hint('carriers', 'readback');
create trigger hint_changed after update on bulk referencing new table as written
    for each statement execute function hint('carriers', 'readback');
