-- What the console's lists and the timeline of a device walk.

-- A device's sessions by time: its newest ones, and its timeline.
create index session_device on session (tenant, device, started_at);

-- Cards, profiles and subscriptions in one table: filters that drive a page in the order of its ids, and names
-- that a search begins with.
create index subscription_state on subscription (tenant, state, id);
create index subscription_plan on subscription (tenant, plan, id);
create index profile_msisdn on profile (tenant, msisdn) where msisdn is not null;
create index profile_card on profile (tenant, card);
