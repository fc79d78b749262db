-- Webhooks of carriers: whose address it is, what was heard, and which lines are to be read because of it.

-- name: find
-- Without a tenant: the directory alone says whose key it is.
select l.tenant, l.device from lookup(7::smallint, %(hash)s) l join tenant t on t.id = l.tenant and t.state = 1

-- name: account_of
-- The directory may still know a key that has been replaced in the same moment; the row decides.
select a.name from hook h join account a on a.tenant = h.tenant and a.id = h.account
where h.account = %(account)s and h.hash = %(hash)s

-- name: url
select url from hook where account = %(account)s

-- name: lock_account
-- Two who make an address at once: one waits for the other, and the later one counts.
select id from account where id = %(account)s for update

-- name: forget_key
select release(7::smallint, hash) from hook where account = %(account)s

-- name: remember_key
select claim(7::smallint, %(hash)s, %(account)s)

-- name: make
-- Deliveries of the address before it are not counted as this one's.
insert into hook (tenant, account, hash, url, made_at)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(account)s, %(hash)s, %(url)s, %(now)s)
on conflict (tenant, account) do update
set hash = excluded.hash, url = excluded.url, made_at = excluded.made_at, heard_at = null, heard = 0, repeated = 0,
    refused = 0, refused_at = null

-- name: remove
delete from hook where account = %(account)s

-- name: touch_account
-- Whoever keeps its connector open opens it anew: the address is part of what opens it.
update account set version = version + 1, updated_at = %(now)s where id = %(account)s

-- name: refused
update hook set refused = refused + 1, refused_at = %(now)s where account = %(account)s

-- name: told
update hook set heard = heard + %(heard)s, repeated = repeated + %(repeated)s, heard_at = %(now)s
where account = %(account)s

-- name: first_told
insert into seen (tenant, source, record_id, content_hash, at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(source)s, u.id, u.hash, %(now)s
from unnest(%(ids)s::text[], %(hashes)s::bytea[]) u (id, hash) order by u.id
on conflict (tenant, source, record_id) do nothing
returning record_id

-- name: mark
-- Lines of this account by whichever of their numbers was said; what nobody here knows marks nothing, a sweep finds it.
with named as (
    select s.id from subscription s
    where s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.account = %(account)s
      and s.provider_id = any (%(sims)s::text[])
    union
    select s.id from subscription s
    where s.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and s.account = %(account)s
      and s.iccid = any (%(iccids)s::text[])
    union
    select s.id from profile p join subscription s on s.tenant = p.tenant and s.iccid = p.iccid
    where p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and p.imsi = any (%(imsis)s::text[])
      and s.account = %(account)s
)
insert into heard (tenant, subscription, heard_at, next_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), id, %(now)s, %(now)s from named order by id
on conflict (tenant, subscription) do update
set heard_at = greatest(heard.heard_at, excluded.heard_at), next_at = least(heard.next_at, excluded.next_at)
returning subscription

-- name: hurry
-- What waits to be read back is read back now; how new a reading must be to prove anything is judged there. One that
-- somebody is just working on is left: it is being read.
update operation o set not_before = null
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = any (array(
    select p.id from operation p
    where p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and p.driver = 'carrier' and p.state in (4, 10) and p.not_before is not null and p.subject = any (%(lines)s::uuid[])
    order by p.id for update skip locked))

-- name: hurry_referred
-- The same where the carrier named a request of ours and no line. Its word may be a part of the reference we keep.
update operation o set not_before = null
where o.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and o.id = any (array(
    select p.id from operation p
    where p.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and p.driver = 'carrier' and p.state in (4, 10) and p.not_before is not null
      and p.arguments ->> 'account' = %(name)s
      and exists (select 1 from unnest(%(references)s::text[]) r
                  where strpos(p.evidence -> -1 ->> 'reference', r) > 0)
    order by p.id for update skip locked))
