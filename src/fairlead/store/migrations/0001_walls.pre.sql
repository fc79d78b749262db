-- Tenants, the walls between them, and the few tables that stand outside (house §8).

create table tenant (
    id uuid primary key,
    name text collate "C" not null unique check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    cell text collate "C" not null default 'home',
    state smallint not null default 1, -- 1 active, 2 suspended, 3 closed
    created_at timestamptz not null
);

-- Who owns an identity that a device shows before anyone knows its tenant.
create table directory (
    kind smallint not null, -- 1 EID, 2 IMSI, 3 IMEI, 4 ICCID, 5 PSK identity, 6 certificate fingerprint
    value text collate "C" not null,
    tenant uuid not null references tenant (id),
    device uuid not null,
    primary key (kind, value)
);
create index directory_device on directory (tenant, device);

-- Payload-free hints: this tenant may have work of this kind at this time. Truth is in the tenant's rows.
create table work (
    tenant uuid not null references tenant (id),
    kind text collate "C" not null,
    next_at timestamptz not null,
    primary key (kind, tenant)
);
create index work_next on work (next_at);

grant select on tenant to fairlead_app;
grant select, insert, update, delete on work to fairlead_app;

create function create_tenant(p_id uuid, p_name text, p_at timestamptz) returns void
language sql security definer set search_path = public as $$
    insert into tenant (id, name, created_at) values (p_id, p_name, p_at);
$$;

-- claim: an identity becomes a device's. False when another device holds it.
create function claim(p_kind smallint, p_value text, p_device uuid) returns boolean
language plpgsql security definer set search_path = public as $$
declare
    v_tenant uuid := nullif(current_setting('app.tenant', true), '')::uuid;
    v_holder uuid;
begin
    if v_tenant is null then
        raise exception 'claim needs a tenant';
    end if;
    insert into directory (kind, value, tenant, device) values (p_kind, p_value, v_tenant, p_device)
    on conflict (kind, value) do nothing;
    select device into v_holder from directory where kind = p_kind and value = p_value and tenant = v_tenant;
    return v_holder is not distinct from p_device and v_holder is not null;
end $$;

-- claim_all: the same for a set; returns the values that another device holds.
create function claim_all(p_kind smallint, p_values text[], p_devices uuid[]) returns setof text
language plpgsql security definer set search_path = public as $$
declare
    v_tenant uuid := nullif(current_setting('app.tenant', true), '')::uuid;
begin
    if v_tenant is null then
        raise exception 'claim needs a tenant';
    end if;
    insert into directory (kind, value, tenant, device)
    select p_kind, u.value, v_tenant, u.device from unnest(p_values, p_devices) as u (value, device)
    on conflict (kind, value) do nothing;
    return query
    select u.value from unnest(p_values, p_devices) as u (value, device)
    join directory d on d.kind = p_kind and d.value = u.value
    where d.tenant <> v_tenant or d.device <> u.device;
end $$;

create function release(p_kind smallint, p_value text) returns boolean
language plpgsql security definer set search_path = public as $$
begin
    delete from directory
    where kind = p_kind and value = p_value and tenant = nullif(current_setting('app.tenant', true), '')::uuid;
    return found;
end $$;

create function lookup(p_kind smallint, p_value text, out tenant uuid, out device uuid)
language sql stable security definer set search_path = public as $$
    select d.tenant, d.device from directory d where d.kind = p_kind and d.value = p_value;
$$;

create function tenant_named(p_name text) returns uuid
language sql stable security definer set search_path = public as $$
    select id from tenant where name = p_name and state = 1;
$$;

revoke all on function create_tenant, claim, claim_all, release, lookup, tenant_named from public;
grant execute on function create_tenant, claim, claim_all, release, lookup, tenant_named to fairlead_app;
grant execute on function lookup, tenant_named to fairlead_door;

-- wall: puts a table behind the tenant wall and lets the application in. Never call it on a partition:
-- partitions get no grants, so that nobody reaches rows past their parent's policy.
create procedure wall(p_table regclass, p_rights text default 'select, insert, update, delete')
language plpgsql as $$
begin
    execute format('alter table %s enable row level security', p_table);
    execute format('alter table %s force row level security', p_table);
    execute format(
        'create policy wall on %s using (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid)) '
        'with check (tenant = (select nullif(current_setting(''app.tenant'', true), '''')::uuid))', p_table);
    execute format('grant %s on %s to fairlead_app', p_rights, p_table);
end $$;
revoke all on procedure wall from public;

-- ensure_months: monthly partitions of a time-partitioned table from p_from to p_to. The default
-- partition catches what nobody foresaw.
create function ensure_months(p_parent text, p_from timestamptz, p_to timestamptz) returns int
language plpgsql security definer set search_path = public as $$
declare
    v_month date := date_trunc('month', p_from at time zone 'UTC')::date;
    v_made int := 0;
    v_name text;
begin
    if p_parent not in ('presence', 'session', 'journal', 'usage_record') then
        raise exception 'no time-partitioned table is named %', p_parent;
    end if;
    if p_to > p_from + interval '30 years' then
        raise exception 'too many months';
    end if;
    while v_month <= (p_to at time zone 'UTC')::date loop
        v_name := format('%s_%s', p_parent, to_char(v_month, 'YYYYMM'));
        if to_regclass(v_name) is null then
            begin
                execute format('create table %I partition of %I for values from (%L) to (%L)', v_name, p_parent,
                    v_month::timestamp at time zone 'UTC', (v_month + interval '1 month')::timestamp at time zone 'UTC');
                v_made := v_made + 1;
            exception
                when duplicate_table then null;
                when check_violation then null; -- rows of that month already lie in the default partition
            end;
        end if;
        v_month := (v_month + interval '1 month')::date;
    end loop;
    return v_made;
end $$;
revoke all on function ensure_months from public;
grant execute on function ensure_months to fairlead_app;
