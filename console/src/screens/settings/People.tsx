// People and programs: who may come in, with which roles, for which departments, until when. Reading this list leaves a
// line in the journal, so it is read when somebody opens it and not in the background.
import { ActionIcon, Menu } from "@mantine/core";
import { IconDots, IconPlus } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ok, useMay, usePages, useSession } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ActionButton, type Column, Confirm, DataTable, Empty, Instant, Panel, StateBadge } from "@/parts";
import { Once } from "./Once";
import type { Principal } from "./people";
import { PersonForm } from "./PersonForm";
import css from "./settings.module.css";

export function People() {
  const forbidden = useMay("people.read");
  if (forbidden)
    return (
      <Panel title="People and programs">
        <Empty title="Not yours to see">Reading people {forbidden}. Your own roles are under My access.</Empty>
      </Panel>
    );
  return <Everybody />;
}

type Ask = { what: "edit" | "remove" | "invite"; one: Principal } | { what: "new" } | null;

function Everybody() {
  const session = useSession();
  const format = useFormat();
  const client = useQueryClient();
  const mayWrite = useMay("people.write");
  const [ask, setAsk] = useState<Ask>(null);
  const [code, setCode] = useState<{ code: string; of: Principal } | null>(null);
  const pages = usePages<Principal>(["people", "list"], (cursor) => ok(api.GET("/v1/principals", { params: { query: { cursor, limit: 200 } } })));
  const renew = () => void client.invalidateQueries({ queryKey: ["people"] });

  // Not by `useWrite`: its result is kept for a while, and this one carries a secret.
  async function invite(one: Principal) {
    const made = await ok(api.POST("/v1/principals/{id}/invitation", { params: { path: { id: one.id } } }));
    setCode({ code: made.code, of: one });
    renew();
  }

  const columns = useMemo(
    (): Column<Principal>[] => [
      { id: "name", header: "Name", width: 150, grow: true, sort: (one) => one.name, cell: (one) => <span className={css.cut} title={one.name}>{one.name}{one.id === session.principal && <span className="fl-dim"> (you)</span>}</span> },
      { id: "email", header: "E-mail", width: 180, grow: true, sort: (one) => one.email, cell: (one) => <span className={css.cut} title={one.email ?? undefined}>{one.email ?? <span className="fl-dim">{one.kind === "token_holder" ? "a program" : "–"}</span>}</span> },
      { id: "roles", header: "Roles", width: 150, grow: true, sort: (one) => one.roles.join(), cell: (one) => <span className={css.cut} title={one.roles.join(", ")}>{one.roles.join(", ")}</span> },
      { id: "departments", header: "Departments", width: 120, cell: (one) => (one.departments.length > 0 ? one.departments.join(", ") : <span className="fl-dim">all</span>) },
      { id: "state", header: "State", width: 114, sort: (one) => one.state, cell: (one) => <StateBadge state={one.state} tone={one.state === "suspended" ? "warn" : undefined} plain /> },
      { id: "expires", header: "Access ends", width: 118, sort: (one) => one.expires_at, cell: (one) => (one.expires_at ? format.date(one.expires_at) : <span className="fl-dim">never</span>) },
      { id: "signs", header: "Signs in with", width: 130, hidden: true, cell: (one) => (one.kind === "token_holder" ? "tokens" : [one.has_password && "password", one.linkable && "provider, when first seen"].filter(Boolean).join(", ") || "provider") },
      { id: "created", header: "Since", width: 140, hidden: true, sort: (one) => one.created_at, cell: (one) => <Instant at={one.created_at} /> },
      { id: "id", header: "Id", width: 260, hidden: true, cell: (one) => <code>{one.id}</code> },
      {
        id: "actions",
        header: "Actions",
        width: 76,
        right: true,
        cell: (one) => (
          <Menu position="bottom-end" width={250} withInitialFocusPlaceholder={false}>
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Actions for ${one.name}`}>
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {mayWrite && <Menu.Label>Editing {mayWrite}</Menu.Label>}
              <Menu.Item fz="sm" disabled={!!mayWrite} onClick={() => setAsk({ what: "edit", one })}>
                Edit roles, departments, end…
              </Menu.Item>
              {one.kind === "person" && (
                <Menu.Item fz="sm" disabled={!!mayWrite} onClick={() => setAsk({ what: "invite", one })}>
                  {one.has_password ? "Let them choose a new password…" : "Invite with a one-time code…"}
                </Menu.Item>
              )}
              <Menu.Item fz="sm" c="var(--fl-bad-text)" disabled={!!mayWrite} onClick={() => setAsk({ what: "remove", one })}>
                Remove for good…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        ),
      },
    ],
    [session.principal, format, mayWrite],
  );

  const one = ask && ask.what !== "new" ? ask.one : null;
  return (
    <>
      <DataTable
        id="people"
        title="People and programs"
        label="People and programs"
        noun="principals"
        height={Math.min(560, 110 + 34 * Math.max(4, pages.rows.length))}
        columns={columns}
        pages={pages}
        rowKey={(row) => row.id}
        onOpen={mayWrite ? undefined : (row) => setAsk({ what: "edit", one: row })}
        note="Reading this leaves a line in the journal"
        tools={
          <ActionButton permission="people.write" size="compact-xs" leftSection={<IconPlus size={13} aria-hidden />} onClick={() => setAsk({ what: "new" })}>
            Add somebody…
          </ActionButton>
        }
        empty={<Empty title="There is nobody">Even you should be here: load the page again.</Empty>}
      />
      <PersonForm
        key={ask?.what === "edit" ? `edit ${ask.one.id}` : (ask?.what ?? "closed")}
        opened={ask?.what === "new" || ask?.what === "edit"}
        id={ask?.what === "edit" ? ask.one.id : undefined}
        onClose={() => setAsk(null)}
        onDone={(made, fresh) => {
          renew();
          setAsk(fresh && made.kind === "person" ? { what: "invite", one: made } : null);
        }}
      />
      <Confirm
        opened={ask?.what === "invite"}
        onClose={() => setAsk(null)}
        title={one?.has_password ? `A new password for ${one.name}` : `Invite ${one?.name ?? ""}`}
        action="Make the code"
        danger={false}
        touches={[]}
        onConfirm={async () => {
          if (one) await invite(one);
        }}
      >
        A code is made that works once, for seven days, and replaces any before it. Whoever has it chooses a password and is signed in as {one?.name}: hand it over yourself.
      </Confirm>
      <Removal one={ask?.what === "remove" ? ask.one : null} onClose={() => setAsk(null)} onDone={renew} />
      <Once secret={code?.code ?? null} title={`The code for ${code?.of.name ?? ""}`} onClose={() => setCode(null)}>
        Give it to {code?.of.name}. They open <code>{window.location.origin}/setup</code>, enter it and choose a password, within seven days.
      </Once>
    </>
  );
}

function Removal({ one, onClose, onDone }: { one: Principal | null; onClose: () => void; onDone: () => void }) {
  const format = useFormat();
  const maySeeTokens = useMay("tokens.read") === undefined;
  const tokens = useQuery({
    queryKey: ["tokens", "of", one?.id],
    queryFn: () => ok(api.GET("/v1/tokens", { params: { query: { principal: one?.id ?? "", limit: 1000 } } })),
    enabled: one !== null && maySeeTokens,
  });
  const live = tokens.data?.items.filter((token) => !token.revoked_at).length;
  return (
    <Confirm
      opened={one !== null}
      onClose={onClose}
      title={`Remove ${one?.name ?? ""} for good`}
      action="Remove"
      typed={one?.name}
      touches={maySeeTokens ? [{ name: live === 1 ? "token ends" : "tokens end", value: format.number(live) }] : []}
      onConfirm={async () => {
        if (!one) return;
        await ok(api.DELETE("/v1/principals/{id}", { params: { path: { id: one.id }, header: { "if-match": `"${one.version}"` } } }));
        onDone();
      }}
    >
      Sessions, tokens and links end at once; name and e-mail address are dropped. The journal keeps digests of what was done. This cannot be taken back.
    </Confirm>
  );
}
