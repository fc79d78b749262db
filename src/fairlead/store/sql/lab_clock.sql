-- The lab's clock: one row for the installation.

-- name: read
select rate, wanted, anchor, anchor_real, epoch from lab_clock

-- name: begin
insert into lab_clock (rate, wanted, anchor, anchor_real, epoch)
values (%(rate)s, %(wanted)s, %(anchor)s, %(anchor_real)s, %(epoch)s)
on conflict do nothing

-- name: turn
update lab_clock set rate = %(rate)s, wanted = %(wanted)s, anchor = %(anchor)s, anchor_real = %(anchor_real)s
where anchor_real = %(before)s
