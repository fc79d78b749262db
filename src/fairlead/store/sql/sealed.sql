-- Sealed columns, for resealing: the holes are a table, its key, its column, and how its text is read and written.

-- name: stale
-- Locked until they are written, so that an edit meanwhile is not overwritten with what stood there before.
select {row}::text, {read} from {table}
where tenant = %(tenant)s and {column} is not null and {row} > %(after)s::uuid
    and not starts_with({read}, %(mark)s)
order by {row} limit %(limit)s
for update

-- name: replace
update {table} as kept set {column} = {write}
from unnest(%(rows)s::uuid[], %(texts)s::text[]) as given (row, text)
where kept.tenant = %(tenant)s and kept.{row} = given.row

-- name: keys
select split_part({read}, '.', 2), count(*) from {table} where tenant = %(tenant)s and {column} is not null group by 1
