-- Hints: which tenant may have work, of which kind. Written by triggers and `hint`, taken by whoever looks.

-- name: take
-- Hints that are due, each once: two processes never take the same one and never wait for each other.
delete from work where ctid = any (array(
    select ctid from work where next_at <= %(now)s and kind = any (%(kinds)s)
    limit %(limit)s for update skip locked))
returning kind, tenant

-- name: hint
insert into work (tenant, kind, next_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(kind)s, '-infinity'

-- name: owed
-- What a tenant's own rows say is waiting, whatever hints were lost: a kind for each.
select kind from (values
    ('resolve', exists (select 1 from dirty where tenant = %(tenant)s)),
    ('thresholds', exists (select 1 from revision where tenant = %(tenant)s and state in (1, 2))),
    ('waves', exists (select 1 from transition where tenant = %(tenant)s)
        or exists (select 1 from exception where tenant = %(tenant)s and kind in (1, 2) and since <= %(now)s)
        or exists (select 1 from finding where tenant = %(tenant)s and kind = 'policy-collision' and state <> 3
            and last_seen_at < %(now)s::timestamptz - interval '12 hours')), -- a collision that is over is closed there
    ('stages', exists (select 1 from batch where tenant = %(tenant)s and state in (1, 4))
        or exists (select 1 from change where tenant = %(tenant)s and state = 4)
        or exists (select 1 from change where tenant = %(tenant)s and ends_at <= %(now)s and state in (4, 5, 7))),
    ('counts', not exists (select 1 from fleet_count where tenant = %(tenant)s and dimension = 'all' and value = ''
        and at > %(now)s::timestamptz - interval '10 minutes')), -- a recount costs more than a look, so less often
    ('look', exists (select 1 from heard where tenant = %(tenant)s and next_at <= %(now)s)),
    ('shipments', exists (select 1 from shipment where tenant = %(tenant)s and state = 4
        and (looked_at is null or looked_at <= %(now)s::timestamptz - interval '1 hour'))), -- on their way
    ('moves', exists (select 1 from move where tenant = %(tenant)s and next_at is not null)),
    ('usage', exists (
        select 1 from account a
        where a.tenant = %(tenant)s and a.connector <> 'none' and (a.usage_after is null or a.usage_after <= %(now)s) and (
            a.usage_enrolled_at is null or a.swept_at > a.usage_enrolled_at
            or exists (
                select 1 from usage_state u
                where u.tenant = a.tenant and u.account = a.id and u.next_at <= %(now)s)))),
    ('usage_rules', exists (
        select 1 from usage_hold where tenant = %(tenant)s and (state in (2, 3, 5) or state = 4 and revert_at <= %(now)s))
        or exists (
            select 1 from policy p join revision r on r.tenant = p.tenant and r.policy = p.id and r.number = p.kept
            where p.tenant = %(tenant)s and p.kind = 'UsageRule' and not r.removed and not exists (
                select 1 from rule_account v where v.tenant = p.tenant and v.kind = p.kind and v.name = p.name
                    and v.revision = p.kept and v.judged_at > %(now)s::timestamptz - interval '1 hour'))),
    ('steering', exists (
        select 1 from policy p join revision r on r.tenant = p.tenant and r.policy = p.id and r.number = p.kept
        where p.tenant = %(tenant)s and p.kind = 'Steering' and not exists (
            select 1 from rule_account v where v.tenant = p.tenant and v.kind = p.kind and v.name = p.name
                and v.revision = p.kept and v.judged_at > %(now)s::timestamptz - interval '10 minutes') and not r.removed)
        or exists (select 1 from rule_account v where v.tenant = %(tenant)s and v.kind = 'Steering' and not exists (
            select 1 from policy p where p.tenant = v.tenant and p.kind = v.kind and p.name = v.name and p.kept is not null)))
) as mine (kind, waits)
where waits
union all
select kind from unnest(array['carriers', 'readback', 'prove', 'look']) as kind
where exists (select 1 from operation where tenant = %(tenant)s and state in (1, 2, 3, 4, 10))
