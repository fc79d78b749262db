-- The door for devices that show names: tenant, then device behind that tenant's wall.

-- name: enter
select id, state, set_config('app.tenant', id::text, true) from tenant where name = %(name)s

-- name: device
select id, state, secret_hash from device where name = %(name)s
