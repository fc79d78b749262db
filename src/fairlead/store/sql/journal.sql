-- The journal: lines are inserted unchained, sealed once, and read in order.

-- name: append
insert into journal (
    tenant, at, id, actor, action, subject_kind, subject_id, change, reason, payload, personal,
    evidence_root, evidence_count
)
values (
    %(tenant)s, %(at)s, %(id)s, %(actor)s, %(action)s, %(subject_kind)s, %(subject_id)s, %(change)s, %(reason)s,
    %(payload)s, %(personal)s, %(evidence_root)s, %(evidence_count)s
)

-- name: append_personal
insert into journal_personal (tenant, digest, salt, kind, value, person, at)
values (%(tenant)s, %(digest)s, %(salt)s, %(kind)s, %(value)s, %(person)s, %(at)s)

-- name: append_evidence
insert into journal_evidence (tenant, line, leaves) values (%(tenant)s, %(line)s, %(leaves)s)

-- name: prepare
select ensure_months('journal', %(first)s, %(last)s)

-- name: tenants
select id from tenant order by id

-- name: lock
-- One sealer a tenant; the lock ends with the transaction. Not a row lock: nobody waits for it.
select pg_try_advisory_xact_lock(hashtextextended('journal/' || %(tenant)s::text, 0))

-- name: head
select seq, hash from journal_head where tenant = %(tenant)s

-- name: waiting
select id, at, actor, action, subject_kind, subject_id, change, reason, payload, personal, evidence_root,
    evidence_count
from journal
where tenant = %(tenant)s and seq is null
order by at, id
limit %(limit)s

-- name: seal
-- The bounds on `at` prune partitions; `seq is null` is what the trigger holds too.
update journal as j
set seq = u.seq, prev_hash = u.prev_hash, hash = u.hash
from unnest(
    %(ats)s::timestamptz[], %(ids)s::uuid[], %(seqs)s::bigint[], %(prev_hashes)s::bytea[], %(hashes)s::bytea[]
) as u (at, id, seq, prev_hash, hash)
where j.tenant = %(tenant)s and j.at = u.at and j.id = u.id and j.seq is null
    and j.at between %(first)s and %(last)s

-- name: move_head
insert into journal_head (tenant, seq, hash) values (%(tenant)s, %(seq)s, %(hash)s)
on conflict (tenant) do update set seq = excluded.seq, hash = excluded.hash

-- name: add_checkpoint
insert into journal_checkpoint (tenant, seq, head, count, at, key_id, signature)
values (%(tenant)s, %(seq)s, %(head)s, %(count)s, %(at)s, %(key_id)s, %(signature)s)
on conflict (tenant, seq, key_id) do nothing

-- name: add_key
insert into journal_key (tenant, key_id, public_key, since)
values (%(tenant)s, %(key_id)s, %(public_key)s, %(since)s)
on conflict (tenant, key_id) do nothing

-- name: keys
select key_id, public_key, since from journal_key where tenant = %(tenant)s order by since, key_id

-- name: checkpoints
select seq, head, count, at, key_id, signature
from journal_checkpoint
where tenant = %(tenant)s and seq < coalesce(%(below)s::bigint, 9223372036854775807)
order by seq desc, at desc
limit %(limit)s

-- name: page
select id, at, actor, action, subject_kind, subject_id, change, reason, payload, personal, evidence_root,
    evidence_count, seq, hash
from journal
where tenant = %(tenant)s {conditions}
order by at desc, id desc
limit %(limit)s

-- name: page_action
and action = %(action)s

-- name: page_actor
and actor = %(actor)s

-- name: page_subject_kind
and subject_kind = %(subject_kind)s

-- name: page_subject_id
and subject_id = %(subject_id)s

-- name: page_change
and change = %(change)s

-- name: page_since
and at >= %(since)s

-- name: page_until
and at < %(until)s

-- name: page_below
and (at, id) < (%(below_at)s, %(below_id)s)

-- name: after
select id, at, actor, action, subject_kind, subject_id, change, reason, payload, personal, evidence_root,
    evidence_count, seq, hash
from journal
where tenant = %(tenant)s and seq > %(seq)s
order by seq
limit %(limit)s

-- name: export
select id, at, actor, action, subject_kind, subject_id, change, reason, payload, personal, evidence_root,
    evidence_count, seq, prev_hash, hash
from journal
where tenant = %(tenant)s and seq >= %(first)s and seq <= %(last)s
order by seq
limit %(limit)s

-- name: export_checkpoints
select seq, head, count, at, key_id, signature
from journal_checkpoint
where tenant = %(tenant)s and seq >= %(first)s and seq <= %(last)s
order by seq, at

-- name: export_evidence
select line, leaves from journal_evidence where tenant = %(tenant)s and line = any(%(lines)s::uuid[])

-- name: seq_of
select seq from journal where tenant = %(tenant)s and at = %(at)s and id = %(id)s

-- name: hash_at
select hash from journal where tenant = %(tenant)s and seq = %(seq)s

-- name: reveal
select digest, kind, value from journal_personal where tenant = %(tenant)s and digest = any(%(digests)s::text[])

-- name: erase
delete from journal_personal where tenant = %(tenant)s and person = %(person)s
