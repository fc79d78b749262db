-- The lab's clock, and what lists, imports and repeated requests need beside the fleet.

-- One row for the whole installation, outside the tenant walls: it holds no tenant's data.
create table lab_clock (
    one boolean primary key default true check (one),
    rate double precision not null, -- in force
    wanted double precision not null, -- asked for; differs while Moves are open
    anchor timestamptz not null, -- house time at the anchor
    anchor_real double precision not null, -- Unix seconds at the anchor
    epoch timestamptz not null
);
grant select, insert, update on lab_clock to fairlead_app;

alter table profile add column apn text collate "C";
alter table idempotency add column media_type text;
alter table job add column attention text; -- why a running job waits, or why it failed

-- Lists by these filters walk an index in the order of their page.
create index fact_breach_device on fact (tenant, breach_at, device) where breach_at is not null;
drop index fact_breach;
create index subscription_account_id on subscription (tenant, account, id);
create index card_eid on card (tenant, eid) where eid is not null;
create index device_mac on device (tenant, mac) where mac is not null;
create index idempotency_age on idempotency (tenant, at);
create index job_age on job (tenant, created_at, id);
