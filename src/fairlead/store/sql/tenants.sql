-- Tenants of the installation, for whoever runs it.

-- name: tenants
select id, name, cell, state, created_at from tenant order by name

-- name: create_tenant
select create_tenant(%(id)s, %(name)s, %(cell)s, %(at)s)
