-- How the house is run: roles that serve look at the schema's version, tenants are made in a cell.

grant select on migration to fairlead_app;

create function create_tenant(p_id uuid, p_name text, p_cell text, p_at timestamptz) returns void
language sql security definer set search_path = public as $$
    insert into tenant (id, name, cell, created_at) values (p_id, p_name, p_cell, p_at);
$$;
revoke all on function create_tenant (uuid, text, text, timestamptz) from public;
grant execute on function create_tenant (uuid, text, text, timestamptz) to fairlead_app;
