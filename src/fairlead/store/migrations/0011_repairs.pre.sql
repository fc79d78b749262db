-- What the loop must remember to wait its turn, to judge fairly, and to take reports in order.

-- A carrier was too busy or too far: not again before this instant, and how often that has been so.
alter table operation add column not_before timestamptz;
alter table operation add column put_off smallint not null default 0;

-- One busy answer speaks for the whole account: nobody calls it before this instant.
alter table account add column paused_until timestamptz;

-- Who sent a Move back: 1 itself (a step failed) 2 the gate of its batch 3 a person. Null: nobody.
alter table move add column taken_back_by smallint;

-- The Change that overtook a Move before it was settled; null again once that is dealt with.
alter table move add column superseded_by uuid;
create index move_overtaken on move (tenant, superseded_by, device) where superseded_by is not null;

-- The device's own time of its last accepted report, where it gives one: what is older comes too late.
alter table reported add column said_at bigint;
