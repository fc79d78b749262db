-- What should be, and its way through the fleet: policies, classes, plans, changes, moves, operations.

create table document ( -- the content of a facet, once under its hash
    tenant uuid not null,
    id bigint generated always as identity,
    digest bytea not null,
    content jsonb not null,
    primary key (tenant, id),
    unique (tenant, digest)
);
call wall('document');

create table policy (
    tenant uuid not null,
    id uuid not null,
    kind text collate "C" not null, -- Policy, Strategy, Steering, SessionPolicy, Grant
    name text collate "C" not null,
    kept int, -- number of the kept revision
    standing uuid, -- the Change that keeps it standing
    created_at timestamptz not null,
    primary key (tenant, id),
    unique (tenant, kind, name)
);
call wall('policy');

create table revision (
    tenant uuid not null,
    policy uuid not null,
    number int not null,
    rule int not null, -- small number of this revision within the tenant; what classes are made of
    state smallint not null, -- 1 trial 2 kept 3 superseded 4 dropped
    resource jsonb not null,
    source text not null,
    digest bytea not null,
    removed boolean not null default false, -- this revision ends the policy
    change uuid,
    author uuid not null,
    created_at timestamptz not null,
    primary key (tenant, policy, number),
    unique (tenant, rule)
);
call wall('revision');

create table class ( -- a set of policy revisions in force; 0 is the empty set and has no row
    tenant uuid not null,
    id int not null,
    rules int[] not null, -- ascending
    primary key (tenant, id),
    unique (tenant, rules)
);
call wall('class');

create table class_document ( -- filled once a class, with reasons
    tenant uuid not null,
    class int not null,
    facet smallint not null,
    document bigint not null,
    reasons jsonb not null,
    primary key (tenant, class, facet)
);
call wall('class_document');

create table stratum (
    tenant uuid not null,
    id int not null,
    country text collate "C" not null,
    carrier text collate "C" not null,
    primary key (tenant, id),
    unique (tenant, country, carrier)
);
call wall('stratum');

create table standing ( -- where a device stands; written by each stage, never with device or fact
    tenant uuid not null,
    device uuid not null,
    class int not null default 0,
    stratum int not null default 0,
    bucket smallint not null, -- hash of the device, 0 to 9999
    arm smallint not null default 0, -- 0 takes part, 1 held out
    primary key (tenant, device)
) with (fillfactor = 50);
call wall('standing');

create table exception ( -- devices that a rule matches and that are not in it, or the reverse
    tenant uuid not null,
    policy uuid not null,
    device uuid not null,
    kind smallint not null, -- 1 waiting to enter 2 waiting to leave 3 barred 4 held out
    rule int not null,
    change uuid,
    since timestamptz not null,
    primary key (tenant, policy, device)
);
create index exception_kind on exception (tenant, kind, policy, since);
call wall('exception');

create table dirty ( -- devices whose facts moved since they were resolved
    tenant uuid not null,
    device uuid not null,
    primary key (tenant, device)
);
call wall('dirty');

create table transition ( -- devices whose class moved and whose Moves are not opened yet
    tenant uuid not null,
    id bigint generated always as identity,
    from_class int not null,
    to_class int not null,
    members uuid[] not null,
    cause text not null,
    at timestamptz not null,
    primary key (tenant, id)
);
alter table transition alter column members set storage external;
call wall('transition');

create table facet ( -- desired against observed, a row a device and facet; written on admission
    tenant uuid not null,
    device uuid not null,
    facet smallint not null,
    desired bigint, -- document; null: no longer managed
    generation int not null,
    offered bigint, -- what the shadow shows: the desired document once its step is dispatched
    offered_generation int not null default 0,
    observed_generation int not null default 0,
    verified bigint, -- last document proved
    previous bigint, -- what was verified before the present generation: the way back
    change uuid,
    changed_at timestamptz not null,
    primary key (tenant, device, facet)
) with (fillfactor = 50);
call wall('facet');

create table plan (
    tenant uuid not null,
    id uuid not null,
    kind smallint not null, -- 1 policies 2 rollback
    author uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    resources jsonb not null, -- what was asked
    summary jsonb not null, -- impact as shown
    tolerance double precision not null,
    digest bytea not null,
    applied uuid, -- the Change
    primary key (tenant, id)
);
call wall('plan');

create table situation (
    tenant uuid not null,
    owner uuid not null, -- plan or change
    wave int not null default 0,
    no int not null,
    from_class int not null,
    to_class int not null,
    stratum int not null,
    facts jsonb not null, -- from and to documents, driver capability, reachability, couplings
    recipe jsonb not null,
    n int not null,
    members uuid[] not null,
    digest bytea not null,
    primary key (tenant, owner, wave, no)
);
alter table situation alter column members set storage external;
call wall('situation');

create table change (
    tenant uuid not null,
    id uuid not null,
    title text not null,
    kind smallint not null, -- 1 policies 2 rollback
    state smallint not null, -- 1 draft 2 planned 3 approved 4 running 5 paused 6 settled 7 standing 8 closed 9 aborted
    reason text not null default '',
    author uuid not null,
    plan uuid not null,
    rollout jsonb not null, -- stages, gates
    salt int not null,
    approvals_needed smallint not null default 0,
    emergency boolean not null default false,
    created_at timestamptz not null,
    started_at timestamptz,
    settled_at timestamptz,
    waves int not null default 0,
    version bigint not null default 1,
    primary key (tenant, id)
);
create index change_state on change (tenant, state);
call wall('change');

create table approval (
    tenant uuid not null,
    change uuid not null,
    principal uuid not null,
    verdict smallint not null, -- 1 approved 2 refused
    note text not null default '',
    at timestamptz not null,
    primary key (tenant, change, principal)
);
call wall('approval');

create table batch ( -- one stage of one stratum: what opens, is judged and rolls back as one
    tenant uuid not null,
    change uuid not null,
    wave int not null,
    stratum int not null,
    stage smallint not null,
    percent smallint not null,
    state smallint not null, -- 1 open 2 passed 3 stopped 4 rolling back 5 rolled back
    admitted int not null default 0,
    opened_at timestamptz not null,
    decided_at timestamptz,
    decision jsonb,
    primary key (tenant, change, wave, stratum, stage)
);
create index batch_open on batch (tenant, state) where state in (1, 4);
call wall('batch');

create table move ( -- one device's share of a Change; made when a stage opens, by INSERT … SELECT
    tenant uuid not null,
    change uuid not null,
    device uuid not null,
    wave int not null,
    situation int not null,
    stratum int not null,
    stage smallint not null,
    state smallint not null, -- 1 waiting 2 running 3 verified 4 failed 5 undoing 6 undone 7 superseded 8 stuck
    leg smallint not null default 1, -- 1 forward 2 back
    step smallint not null default 0,
    attempt smallint not null default 1,
    from_class int not null,
    to_class int not null,
    next_at timestamptz, -- null once settled
    opened_at timestamptz not null,
    settled_at timestamptz,
    outcome text,
    primary key (tenant, change, device, wave)
) with (fillfactor = 70);
create index move_due on move (tenant, next_at) where next_at is not null;
create index move_device on move (tenant, device, opened_at);
call wall('move');

create table operation (
    tenant uuid not null,
    id uuid not null,
    change uuid,
    wave int,
    device uuid,
    subject uuid not null, -- device, profile or subscription
    subject_kind smallint not null, -- 1 device 2 card 3 profile 4 subscription
    facet smallint not null,
    generation int not null,
    leg smallint not null default 1,
    step smallint not null,
    attempt smallint not null,
    driver text collate "C" not null,
    verb text collate "C" not null,
    -- 1 pending 2 dispatched 3 delivered 4 acknowledged 5 verified 6 failed 7 refused 8 expired 9 superseded 10 unknown
    state smallint not null,
    reason text,
    arguments jsonb not null default '{}',
    evidence jsonb not null default '[]',
    dispatched_at timestamptz,
    settled_at timestamptz,
    deadline timestamptz not null,
    primary key (tenant, id),
    unique (tenant, subject, facet, generation, leg, step, attempt)
);
create index operation_move on operation (tenant, change, device, wave);
create index operation_open on operation (tenant, deadline) where state in (1, 2, 3, 4, 10);
create index operation_device on operation (tenant, device);
call wall('operation');

create table job (
    tenant uuid not null,
    id uuid not null,
    kind text collate "C" not null,
    state smallint not null, -- 1 running 2 done 3 failed 4 cancelled
    done bigint not null default 0,
    total bigint,
    result jsonb,
    author uuid not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant, id)
);
call wall('job');

create table idempotency (
    tenant uuid not null,
    key text collate "C" not null,
    request_hash bytea not null,
    status int,
    body bytea,
    at timestamptz not null,
    primary key (tenant, key)
);
call wall('idempotency');

-- Clocks of time facts: up to where each threshold was swept.
create table sweep (
    tenant uuid not null,
    column_name text collate "C" not null,
    offset_s bigint not null,
    swept_to timestamptz not null,
    primary key (tenant, column_name, offset_s)
);
call wall('sweep');
