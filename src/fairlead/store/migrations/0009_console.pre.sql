-- What the console keeps (saved views), and what its first page counts at a glance.

create table view ( -- a saved view: where a screen's filters stand, under a name
    tenant uuid not null references tenant (id),
    owner uuid not null, -- the principal whose it is; the nil id: everybody's
    screen text collate "C" not null,
    name text collate "C" not null,
    search text not null, -- of the URL, without its question mark
    author uuid not null, -- who wrote it last
    updated_at timestamptz not null,
    version bigint not null default 1,
    primary key (tenant, owner, screen, name)
);
call wall('view');

-- Home counts these on each look; they are few or somebody is called.
create index move_stuck on move (tenant) where state = 8;
create index operation_unknown on operation (tenant, id) where state = 10;
