-- Who may act (principals, identities, sessions, tokens) and what was done (the journal). House §9.

-- People and token holders -----------------------------------------------------------------------

create table principal (
    tenant uuid not null references tenant (id),
    id uuid not null,
    kind smallint not null, -- 1 person, 2 token holder
    name text not null,
    email text, -- as it was written
    email_folded text collate "C", -- as it is compared
    roles text[] not null,
    departments text[] not null default '{}', -- empty: the whole tenant
    state smallint not null, -- 1 invited, 2 active, 3 suspended, 4 removed
    sponsor uuid, -- the person who answers for a token holder
    password_hash text, -- argon2id, encoded with its parameters
    linkable boolean not null default false, -- an owner invited this e-mail: the first OIDC sign-in may link it
    expires_at timestamptz, -- always set for a vendor
    created_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant, id)
);
create unique index principal_email on principal (tenant, email_folded) where email_folded is not null;
call wall('principal', 'select, insert, update');

create table principal_identity (
    tenant uuid not null,
    issuer text collate "C" not null,
    subject text collate "C" not null,
    principal uuid not null,
    linked_at timestamptz not null,
    primary key (tenant, issuer, subject),
    foreign key (tenant, principal) references principal (tenant, id)
);
create index principal_identity_of on principal_identity (tenant, principal);
call wall('principal_identity', 'select, insert, delete');

create table browser_session (
    tenant uuid not null,
    hash bytea not null, -- SHA-256 of the cookie's secret; the secret is nowhere
    principal uuid not null,
    created_at timestamptz not null,
    idle_until timestamptz not null,
    expires_at timestamptz not null,
    primary key (tenant, hash),
    foreign key (tenant, principal) references principal (tenant, id)
);
create index browser_session_of on browser_session (tenant, principal);
create index browser_session_expiry on browser_session (tenant, expires_at);
call wall('browser_session');

create table token (
    tenant uuid not null,
    id uuid not null,
    hash bytea not null,
    principal uuid not null, -- whose rights it carries, at most
    name text not null,
    roles text[] not null,
    departments text[] not null default '{}',
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz, -- to the minute
    revoked_at timestamptz,
    primary key (tenant, id),
    unique (tenant, hash),
    foreign key (tenant, principal) references principal (tenant, id)
);
create index token_of on token (tenant, principal);
call wall('token', 'select, insert, update');

create table setup_code (
    tenant uuid not null references tenant (id),
    hash bytea not null,
    principal uuid, -- who is to choose a password with it; null: the first owner
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (tenant, hash)
);
call wall('setup_code');

-- Failed sign-ins, by account and by address. The key is a hash: a guess at an e-mail that nobody
-- has is counted like any other.
create table sign_in_attempt (
    tenant uuid not null references tenant (id),
    kind smallint not null, -- 1 account, 2 address
    key bytea not null,
    failures int not null,
    last_at timestamptz not null,
    blocked_until timestamptz not null,
    primary key (tenant, kind, key)
);
create index sign_in_attempt_age on sign_in_attempt (tenant, last_at);
call wall('sign_in_attempt');

create table oidc_provider (
    tenant uuid primary key references tenant (id),
    issuer text collate "C" not null,
    client_id text not null,
    client_secret text, -- sealed
    scopes text not null,
    role_claim text, -- null: roles are given here and nowhere else
    role_map text, -- JSON: claim value -> list of roles
    updated_at timestamptz not null
);
call wall('oidc_provider');

-- One sign-in on its way through the identity provider; used once.
create table oidc_flow (
    tenant uuid not null references tenant (id),
    state_hash bytea not null,
    browser_hash bytea not null, -- of a cookie: the answer must reach the browser that asked
    nonce text not null,
    verifier text not null, -- PKCE (RFC 7636)
    redirect_uri text not null,
    return_to text not null,
    expires_at timestamptz not null,
    primary key (tenant, state_hash)
);
call wall('oidc_flow');

-- The journal ------------------------------------------------------------------------------------

-- A line is inserted unchained in the transaction of what it tells about; the sealer fills seq,
-- prev_hash and hash, once. Nothing else of a line ever changes.
create table journal (
    tenant uuid not null,
    at timestamptz not null,
    id uuid not null,
    seq bigint,
    prev_hash bytea,
    hash bytea,
    actor text collate "C" not null,
    action text collate "C" not null,
    subject_kind text collate "C" not null,
    subject_id text collate "C" not null,
    change uuid,
    reason text not null,
    payload text not null, -- canonical JSON: text, because its bytes are hashed
    personal text not null, -- canonical JSON: what it is -> digest
    evidence_root bytea,
    evidence_count int,
    primary key (tenant, at, id),
    check ((seq is null) = (hash is null) and (seq is null) = (prev_hash is null)),
    check ((evidence_root is null) = (evidence_count is null))
) partition by range (at);
create index journal_unsealed on journal (tenant, at, id) where seq is null;
create index journal_seq on journal (tenant, seq);
create index journal_subject on journal (tenant, subject_kind, subject_id, at, id);
create index journal_change on journal (tenant, change, at, id) where change is not null;
create index journal_action on journal (tenant, action, at, id);
create index journal_actor on journal (tenant, actor, at, id);
create table journal_rest partition of journal default; -- rows of months that nobody prepared

call wall('journal', 'select, insert');
grant update (seq, prev_hash, hash) on journal to fairlead_app;
create policy sealed_once on journal as restrictive for update to fairlead_app
    using (seq is null) with check (seq is not null);

create function journal_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'a journal line cannot be deleted';
    end if;
    if old.seq is not null then
        raise exception 'journal line % is sealed', old.seq;
    end if;
    return new;
end $$;
create trigger journal_append_only before update or delete on journal
    for each row execute function journal_is_append_only();

create function journal_starts_unsealed() returns trigger language plpgsql as $$
begin
    raise exception 'a journal line is inserted unsealed';
end $$;
create trigger journal_unsealed_first before insert on journal
    for each row when (new.seq is not null) execute function journal_starts_unsealed();

create table journal_head (
    tenant uuid primary key references tenant (id),
    seq bigint not null,
    hash bytea not null
);
call wall('journal_head', 'select, insert, update');

create table journal_checkpoint (
    tenant uuid not null references tenant (id),
    seq bigint not null,
    head bytea not null,
    count bigint not null,
    at timestamptz not null,
    key_id text collate "C" not null,
    signature bytea not null,
    primary key (tenant, seq, key_id)
);
call wall('journal_checkpoint', 'select, insert');

-- Public keys only; the private one lies in the data directory and never comes here.
create table journal_key (
    tenant uuid not null references tenant (id),
    key_id text collate "C" not null,
    public_key bytea not null,
    since timestamptz not null,
    primary key (tenant, key_id)
);
call wall('journal_key', 'select, insert');

-- The erasable side: a line holds digests, the values and their salts are here.
create table journal_personal (
    tenant uuid not null references tenant (id),
    digest text collate "C" not null,
    salt bytea not null,
    kind text collate "C" not null,
    value text not null,
    person uuid,
    at timestamptz not null,
    primary key (tenant, digest)
);
create index journal_personal_of on journal_personal (tenant, person) where person is not null;
call wall('journal_personal', 'select, insert, delete');

-- The leaves under a line's Merkle root, one row a batch. May be dropped by age: the root stays.
create table journal_evidence (
    tenant uuid not null references tenant (id),
    line uuid not null,
    leaves text not null, -- JSON array of strings, in tree order
    primary key (tenant, line)
);
call wall('journal_evidence', 'select, insert');
