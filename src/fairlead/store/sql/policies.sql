-- Policies, their revisions, documents of classes.

-- name: policy_named
select id, kept, standing from policy where kind = %(kind)s and name = %(name)s

-- name: insert_policy
insert into policy (tenant, id, kind, name, created_at)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(id)s, %(kind)s, %(name)s, %(now)s)
on conflict (tenant, kind, name) do nothing

-- name: insert_revision
insert into revision (tenant, policy, number, rule, state, resource, source, digest, removed, author, created_at)
select (select nullif(current_setting('app.tenant', true), '')::uuid), %(policy)s,
       (select coalesce(max(number), 0) + 1 from revision where policy = %(policy)s),
       (select coalesce(max(rule), 0) + 1 from revision),
       0, %(resource)s, %(source)s, %(digest)s, %(removed)s, %(author)s, %(now)s
returning number, rule

-- name: live_revisions
-- Kept and trial revisions, and superseded ones that some class still names.
select p.id, p.kind, p.name, p.standing, r.number, r.rule, r.state, r.source, r.digest, r.removed, r.change,
       p.kept is not distinct from r.number as kept, r.author, r.created_at
from revision r join policy p on p.tenant = r.tenant and p.id = r.policy
where r.state in (1, 2)
   or (r.state = 3 and exists (select 1 from class c join standing s on s.class = c.id where r.rule = any (c.rules)))

-- name: revisions_by_rule
select p.id, p.kind, p.name, p.standing, r.number, r.rule, r.state, r.source, r.digest, r.removed, r.change,
       p.kept is not distinct from r.number as kept, r.author, r.created_at
from revision r join policy p on p.tenant = r.tenant and p.id = r.policy
where r.rule = any (%(rules)s)

-- name: list_policies
select p.id, p.kind, p.name, p.kept, p.standing, r.resource, r.source, r.created_at, r.author
from policy p join revision r on r.tenant = p.tenant and r.policy = p.id and r.number = p.kept
where (%(kind)s::text is null or p.kind = %(kind)s) and not r.removed
    and (%(after_kind)s::text is null or (p.kind, p.name) > (%(after_kind)s, %(after_name)s))
order by p.kind, p.name limit %(limit)s

-- name: history
select r.number, r.rule, r.state, r.resource, r.source, r.change, r.author, r.created_at, r.removed
from revision r join policy p on p.tenant = r.tenant and p.id = r.policy
where p.kind = %(kind)s and p.name = %(name)s and r.state > 0 order by r.number desc

-- name: trial
update revision set state = 1, change = %(change)s where rule = any (%(rules)s) and state = 0 returning policy, number, rule

-- name: rules_of
select policy, rule from revision where change = %(change)s order by rule

-- name: open_trial
-- Another Change that tries a revision of one of these policies right now.
select r.change, p.name from revision r join policy p on p.tenant = r.tenant and p.id = r.policy
where r.state = 1 and r.policy = any (%(policies)s) limit 1

-- name: keep_revisions
with kept as (
    update revision set state = 2 where change = %(change)s and state = 1 returning policy, number
), old as (
    update revision r set state = 3 from kept k where r.policy = k.policy and r.state = 2 and r.number <> k.number
)
update policy p set kept = k.number, standing = %(change)s from kept k where p.id = k.policy

-- name: drop_revisions
update revision set state = 4 where change = %(change)s and state = 1

-- name: let_go
update policy set standing = null where standing = %(change)s

-- name: end_revisions
with ended as (
    update revision set state = 3 where change = %(change)s and state = 2 returning policy, number
)
update policy p set kept = null, standing = null from ended e where p.id = e.policy and p.kept = e.number

-- name: look_at_everyone
-- Whoever came to match while the revisions were on trial, or was in flight elsewhere, is an entrant now.
-- The nil device stands for all of them.
insert into dirty (tenant, device)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), '00000000-0000-0000-0000-000000000000')
on conflict (tenant, device) do update set device = excluded.device

-- name: lift_bars
-- A bar ends with a newer revision of that policy; so does a comparison group.
with lifted as (
    delete from exception x using revision r
    where r.change = %(change)s and x.tenant = r.tenant and x.policy = r.policy and x.rule < r.rule
    returning x.device, x.kind
)
update standing t set arm = 0 from lifted l
where t.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid) and t.device = l.device and l.kind = 4

-- name: classes_without_documents
select c.id, c.rules from class c
where c.id = any (%(classes)s) and not exists (select 1 from class_document d where d.class = c.id)

-- name: insert_document
insert into document (tenant, digest, content)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(digest)s, %(content)s)
on conflict (tenant, digest) do update set digest = excluded.digest
returning id

-- name: insert_class_document
insert into class_document (tenant, class, facet, document, reasons)
values ((select nullif(current_setting('app.tenant', true), '')::uuid), %(class)s, %(facet)s, %(document)s, %(reasons)s)
on conflict do nothing

-- name: class_documents
select d.class, d.facet, d.document, c.content, d.reasons from class_document d
join document c on c.tenant = d.tenant and c.id = d.document where d.class = any (%(classes)s)
