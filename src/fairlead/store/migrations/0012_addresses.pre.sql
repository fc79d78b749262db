-- Which device has an address now: the search for one looks at sessions that are open.
create index session_ip on session (tenant, ip, device) where ended_at is null and ip is not null;
