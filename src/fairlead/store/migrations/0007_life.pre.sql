-- First activation, retirement and overrides by hand: plans and Changes of given devices, some of which end by the clock.

alter table plan add column lasts interval; -- of an action: after this it is taken back by the clock
alter table change add column ends_at timestamptz;
create index change_ends on change (tenant, ends_at) where ends_at is not null;
