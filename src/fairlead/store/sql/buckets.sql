-- Token buckets of carrier accounts; two processes share one budget by the version.

-- name: load
select tokens, at, version from bucket where account = %(account)s and call_class = %(call_class)s

-- name: save
insert into bucket (tenant, account, call_class, tokens, at, version)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(account)s, %(call_class)s, %(tokens)s, %(at)s, %(version)s)
on conflict (tenant, account, call_class) do update
set tokens = excluded.tokens, at = excluded.at, version = excluded.version
where bucket.version = excluded.version - 1
returning version
