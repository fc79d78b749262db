-- Which device has an address now: the search for one looks at sessions that are open.
create index session_ip on session (tenant, ip, device) where ended_at is null and ip is not null;

-- Why nobody calls an account before `paused_until`: the reason of the answer that asked for the longest peace.
alter table account add column paused_because text;
