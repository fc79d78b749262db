-- The console's first page: counts that are kept, and what an index answers at once.

-- name: counts
select dimension, value, n, at from fleet_count
where dimension in ('all', 'connectivity', 'stance', 'home.breach', 'home.imei_breach', 'home.out_of_sync', 'home.plan')

-- name: stuck
select count(*) from (select 1 from move where state = 8 limit %(most)s) x

-- name: unknown
select count(*) from (select 1 from operation where state = 10 limit %(most)s) x

-- name: critical
select count(*) from (select 1 from finding where severity = 3 and state = 1 limit %(most)s) x

-- name: accounts
select count(*), count(failing_since) from account

-- name: changes
select state, count(*) from change where state in (1, 2, 3, 4, 5, 6, 7) group by state

-- name: moving
select coalesce(sum(admitted), 0) from batch where state in (1, 4)

-- name: prices
select distinct on (plan) plan, currency, monthly_nano from price
where valid_from <= %(today)s order by plan, valid_from desc
