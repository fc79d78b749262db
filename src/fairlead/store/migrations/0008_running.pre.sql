-- How the house is run: roles that serve look at the schema's version, tenants are made in a cell.

grant select on migration to fairlead_app;

create function create_tenant(p_id uuid, p_name text, p_cell text, p_at timestamptz) returns void
language sql security definer set search_path = public as $$
    insert into tenant (id, name, cell, created_at) values (p_id, p_name, p_cell, p_at);
$$;
revoke all on function create_tenant (uuid, text, text, timestamptz) from public;
grant execute on function create_tenant (uuid, text, text, timestamptz) to fairlead_app;

-- Hints are appended, never updated, so that two who make work for one tenant never wait for each
-- other; whoever looks takes them away. A hint commits with the work it tells of.
alter table work drop constraint work_pkey, drop constraint work_tenant_fkey;
drop index work_next;
create index work_due on work (next_at, kind);
alter table work set (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- hint: rows were written, so these reconcilers should look at the tenant. Kinds are their names.
create function hint() returns trigger language plpgsql as $$
begin
    if exists (select 1 from written) then
        insert into work (tenant, kind, next_at)
        select nullif(current_setting('app.tenant', true), '')::uuid, kind, '-infinity' from unnest(tg_argv) as kind
        where nullif(current_setting('app.tenant', true), '') is not null;
    end if;
    return null;
end $$;

-- hint_always: the same for tables whose statements write many rows and hardly ever none.
create function hint_always() returns trigger language plpgsql as $$
begin
    insert into work (tenant, kind, next_at)
    select nullif(current_setting('app.tenant', true), '')::uuid, kind, '-infinity' from unnest(tg_argv) as kind
    where nullif(current_setting('app.tenant', true), '') is not null;
    return null;
end $$;

create trigger hint_new after insert on dirty referencing new table as written
    for each statement execute function hint('resolve');
create trigger hint_new after insert on transition referencing new table as written
    for each statement execute function hint('waves');
create trigger hint_new after insert on exception referencing new table as written
    for each statement execute function hint('waves');
create trigger hint_changed after update on exception referencing new table as written
    for each statement execute function hint('waves');
create trigger hint_new after insert on revision referencing new table as written
    for each statement execute function hint('thresholds', 'waves');
create trigger hint_changed after update on revision referencing new table as written
    for each statement execute function hint('thresholds', 'waves');
create trigger hint_changed after update on policy referencing new table as written
    for each statement execute function hint('thresholds', 'waves');
create trigger hint_changed after update on change referencing new table as written
    for each statement execute function hint('stages', 'moves', 'waves');
create trigger hint_new after insert on batch referencing new table as written
    for each statement execute function hint('stages');
create trigger hint_changed after update on batch referencing new table as written
    for each statement execute function hint('stages');
create trigger hint_new after insert on move referencing new table as written
    for each statement execute function hint('moves', 'stages', 'counts');
create trigger hint_changed after update on move referencing new table as written
    for each statement execute function hint('moves', 'stages', 'counts');
create trigger hint_new after insert on operation referencing new table as written
    for each statement execute function hint('carriers', 'readback', 'prove', 'look');
create trigger hint_changed after update on operation referencing new table as written
    for each statement execute function hint('moves', 'carriers', 'readback', 'prove', 'look');
create trigger hint_new after insert on device for each statement execute function hint_always('counts');
create trigger hint_changed after update on device for each statement execute function hint_always('counts');
create trigger hint_new after insert on subscription for each statement execute function hint_always('counts');
create trigger hint_changed after update on subscription for each statement execute function hint_always('counts');
create trigger hint_new after insert on fact for each statement execute function hint_always('counts');
create trigger hint_changed after update on fact for each statement execute function hint_always('counts');
