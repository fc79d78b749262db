-- Rules that act on lines by themselves: steering lists and usage rules.

-- Which rule asked for a bulk action, as steering/NAME@REVISION or rule/NAME@REVISION; null: a person.
alter table bulk add column rule text collate "C";
create index bulk_rule on bulk (tenant, rule) where rule is not null;

-- What a rule comes to at each account, as last judged: its list or its action, or why not, with counts.
create table rule_account (
    tenant uuid not null,
    kind text collate "C" not null, -- Steering or UsageRule
    name text collate "C" not null,
    account text collate "C" not null,
    revision int not null,
    judged_at timestamptz not null,
    verdict jsonb not null,
    primary key (tenant, kind, name, account)
);
call wall('rule_account');

-- A line that a usage rule found beyond its measure, and what was done about it. One row a rule and line; the next
-- crossing uses it again.
create table usage_hold (
    tenant uuid not null,
    rule uuid not null, -- the policy
    subscription uuid not null,
    revision int not null, -- of the rule when it crossed
    -- 1 crossed, 2 waits for a person, 3 acting, 4 held, 5 going back, 6 over, 7 not done
    state smallint not null,
    crossed_at timestamptz not null,
    value bigint not null, -- bytes, or whole days of silence
    through timestamptz not null, -- the data it was judged by reached to here
    bulk uuid, -- what was asked of the carrier
    lasts_s bigint, -- how long it is held; null: until the next calendar month (UTC)
    undo uuid, -- what takes it back
    held_at timestamptz,
    revert_at timestamptz, -- then it is taken back by itself
    over_at timestamptz,
    over_by text collate "C", -- rule, person or data
    counts_from date, -- what was used before this day (UTC) does not count against the line again
    because text, -- why nothing was done, or why it failed
    primary key (tenant, rule, subscription)
) with (fillfactor = 70);
create index usage_hold_open on usage_hold (tenant, state, revert_at) where state in (2, 3, 4, 5);
create index usage_hold_line on usage_hold (tenant, subscription) where state in (3, 4, 5);
call wall('usage_hold');

create trigger hint_rules after update on usage_state referencing new table as written
    for each statement execute function hint('usage_rules');
create trigger hint_rules_new after insert on usage_state referencing new table as written
    for each statement execute function hint('usage_rules');
create trigger hint_rules after update on bulk referencing new table as written
    for each statement execute function hint('usage_rules', 'steering');
create trigger hint_rules after update on policy referencing new table as written
    for each statement execute function hint('usage_rules', 'steering');
create trigger hint_rules after update of swept_at on account
    for each statement execute function hint_always('usage_rules');
create trigger hint_rules_swept after update of swept_at on account
    for each statement execute function hint_always('steering');
create trigger hint_steering after insert on dirty referencing new table as written
    for each statement execute function hint('steering');
