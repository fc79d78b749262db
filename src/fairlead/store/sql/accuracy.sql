-- History of a sample of devices with a running clock, to try forecasts on what has happened since.

-- name: sample
select p.device, p.country, p.first_at, p.last_at, p.plmn, p.home_country, p.imsi, p.iccid, p.imei, p.eid, p.account::text, p.apn
from presence p
where p.device = any (array(select distinct device from clock order by device limit %(devices)s)) and p.first_at <= %(until)s
order by p.device, p.first_at
