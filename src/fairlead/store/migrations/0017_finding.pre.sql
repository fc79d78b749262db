-- Findings: what insight concluded, one open row a tenant, kind and key however often it is seen.

create table finding (
    tenant uuid not null,
    id uuid not null, -- minted as it opens: the order of ids is the order of opening
    kind text collate "C" not null, -- a name of fairlead.model.finding.KINDS
    severity smallint not null, -- 1 info 2 warning 3 critical
    subject_kind text collate "C" not null,
    subject_id text collate "C" not null, -- printed, or a name
    subject_name text not null default '',
    key text collate "C" not null,
    title text not null,
    evidence jsonb not null default '{}', -- of the newest sighting: name → value, unit, at
    score double precision, -- 0…1
    state smallint not null default 1, -- 1 open 2 acknowledged 3 closed
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    sightings bigint not null default 1,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    acknowledged_because text not null default '',
    closed_at timestamptz,
    closed_by smallint, -- 1 the condition is over 2 a person
    closer uuid, -- that person
    closed_because text not null default '',
    primary key (tenant, id)
) with (fillfactor = 70); -- a sighting writes its row again
create unique index finding_open on finding (tenant, kind, key) where state <> 3;
create index finding_live on finding (tenant, id) where state <> 3;
create index finding_severity on finding (tenant, severity, id) where state <> 3;
create index finding_kind on finding (tenant, kind, id);
create index finding_subject on finding (tenant, subject_kind, subject_id, id);
call wall('finding');
