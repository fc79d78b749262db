-- What is known of the use of a line: the one place that reads it. `told` must have a row a line of which anybody told,
-- with seen_at (null: not since %(use_from)s) and bytes of the last thirty days that are known (null: not known). Usage
-- records tell it where a line has them, session files otherwise.

-- name: horizon
-- From when until when an account's use is told: by session files, and by readings of its inventory.
select a.id, a.name, least(a.fed_from, case when a.swept_at is not null then a.created_at end) as since,
    greatest(a.fed_to, a.swept_at) as upto, a.fed_from, a.fed_to
from account a

-- name: told
-- By the set: one reading of the sessions of a quarter, and one of a month's days of usage, one source a day.
select coalesce(by_session.iccid, by_usage.iccid) as iccid, greatest(by_session.seen_at, by_usage.seen_at) as seen_at,
    coalesce(by_usage.bytes, by_session.bytes) as bytes
from (
    select u.iccid, max(u.seen_at) as seen_at,
        case when coalesce(bool_and(u.bytes is not null) filter (where u.started_at >= h.fed_to - interval '720 hours'), true)
                and h.fed_from <= h.fed_to - interval '672 hours' -- a month's file is nearly thirty days
            then coalesce(sum(u.bytes) filter (where u.started_at >= h.fed_to - interval '720 hours'), 0)
        end::bigint as bytes
    from session u join horizon h on h.id = u.account
    where u.seen_at >= %(use_from)s
    group by u.iccid, h.fed_from, h.fed_to
) by_session
full join (
    select s.iccid, case when st.last_byte_at >= %(use_from)s then st.last_byte_at end as seen_at,
        case when st.covered_from <= st.through - interval '672 hours' then coalesce(d.bytes, 0) end::bigint as bytes
    from usage_state st
    join subscription s on s.tenant = st.tenant and s.id = st.subscription
    left join (
        select x.subscription, sum(x.bytes) as bytes
        from (
            select distinct on (y.subscription, y.day) y.subscription, y.bytes
            from usage_day y join usage_state z on z.tenant = y.tenant and z.subscription = y.subscription
            where y.day > (z.through - interval '720 hours')::date
            order by y.subscription, y.day, y.kind, y.source -- raw before rated, a carrier before a file
        ) x
        group by 1
    ) d on d.subscription = st.subscription
) by_usage on by_usage.iccid = by_session.iccid

-- name: told_one
-- The same for one line `s`, by its index.
select greatest((select max(u.seen_at) from session u where u.iccid = s.iccid and u.seen_at >= %(use_from)s),
    (select st.last_byte_at from usage_state st where st.subscription = s.id and st.last_byte_at >= %(use_from)s)) as seen_at

-- name: last_seen
-- When a line was last heard, by whoever told: `t` is what was told, `f` the facts of the device it is in.
greatest(t.seen_at, case when f.iccid = s.iccid then f.last_contact_at end,
    case when s.connectivity in (1, 2) then s.connectivity_at end)

-- name: silence
-- What its use says after %(silent_days)s days; `h` is the horizon of its account.
case when h.upto is null then 'unknown'
    when {last_seen} > h.upto - make_interval(hours => 24 * %(silent_days)s) then 'heard'
    when {last_seen} is not null then 'silent'
    when h.since <= h.upto - make_interval(hours => 24 * %(silent_days)s) then 'never_seen'
    else 'unknown' end
