// Tokens of people and programs: made here, shown once, revoked here.
import { Button, Drawer, Group, Select, TagsInput, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { faultAt } from "@/api/problems";
import { api, ok, useMay, usePages, useSession } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ActionButton, Author, type Column, Confirm, DataTable, Empty, Instant, Panel, Problem, StateBadge } from "@/parts";
import { Once } from "./Once";
import { endOf, inDays, type Role, type Token } from "./people";
import { RolePicker } from "./RolePicker";
import css from "./settings.module.css";

export function Tokens() {
  const forbidden = useMay("tokens.read");
  if (forbidden)
    return (
      <Panel title="Tokens">
        <Empty title="Not yours to see">Reading tokens {forbidden}.</Empty>
      </Panel>
    );
  return <All />;
}

function stateOf(token: Token): { word: string; tone: "ok" | "idle" | "warn" } {
  if (token.revoked_at) return { word: "revoked", tone: "idle" };
  if (token.expires_at && Date.parse(token.expires_at) <= Date.now()) return { word: "ended", tone: "idle" };
  return { word: "works", tone: "ok" };
}

function All() {
  const format = useFormat();
  const client = useQueryClient();
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token | null>(null);
  const [fresh, setFresh] = useState<{ text: string; name: string } | null>(null);
  const mayWrite = useMay("tokens.write");
  const pages = usePages<Token>(["tokens", "list"], (cursor) => ok(api.GET("/v1/tokens", { params: { query: { cursor, limit: 200 } } })));
  const renew = () => void client.invalidateQueries({ queryKey: ["tokens"] });
  const columns = useMemo(
    (): Column<Token>[] => [
      { id: "name", header: "Name", width: 150, grow: true, sort: (one) => one.name, cell: (one) => <span className={css.cut} title={one.name}>{one.name}</span> },
      { id: "state", header: "State", width: 90, sort: (one) => stateOf(one).word, cell: (one) => <StateBadge state="" tone={stateOf(one).tone} label={stateOf(one).word} plain /> },
      { id: "holder", header: "Held by", width: 130, cell: (one) => <Author id={one.principal} /> },
      { id: "roles", header: "Roles", width: 150, grow: true, cell: (one) => <span className={css.cut} title={one.roles.join(", ")}>{one.roles.join(", ")}</span> },
      { id: "departments", header: "Departments", width: 120, hidden: true, cell: (one) => one.departments.join(", ") || "all" },
      { id: "used", header: "Last used", width: 168, sort: (one) => one.last_used_at, cell: (one) => (one.last_used_at ? format.instant(one.last_used_at) : <span className="fl-dim">never</span>) },
      { id: "expires", header: "Ends", width: 118, sort: (one) => one.expires_at, cell: (one) => (one.expires_at ? format.date(one.expires_at) : <span className="fl-dim">never</span>) },
      { id: "created", header: "Made", width: 140, hidden: true, sort: (one) => one.created_at, cell: (one) => <Instant at={one.created_at} /> },
      { id: "by", header: "Made by", width: 130, hidden: true, cell: (one) => <Author id={one.created_by} /> },
      { id: "id", header: "Id", width: 260, hidden: true, cell: (one) => <code>{one.id}</code> },
      {
        id: "actions",
        header: "Actions",
        width: 112,
        right: true,
        cell: (one) => (
          <ActionButton permission="tokens.write" size="compact-xs" reason={one.revoked_at ? "it is revoked already" : undefined} onClick={() => setEnding(one)}>
            Revoke…
          </ActionButton>
        ),
      },
    ],
    [format],
  );
  return (
    <>
      <DataTable
        id="tokens"
        title="Tokens"
        label="Tokens"
        noun="tokens"
        height={Math.min(560, 110 + 34 * Math.max(4, pages.rows.length))}
        columns={columns}
        pages={pages}
        rowKey={(one) => one.id}
        tools={
          <ActionButton permission="tokens.write" size="compact-xs" leftSection={<IconPlus size={13} aria-hidden />} onClick={() => setMaking(true)}>
            New token…
          </ActionButton>
        }
        empty={<Empty title="No token was ever made">A program, or you in a script, sends one as <code>Authorization: Bearer flt_…</code>.</Empty>}
      />
      <p className={css.small}>A token never holds more than its holder does at the time of a request. {mayWrite ? `Making and revoking ${mayWrite}.` : ""}</p>
      <Drawer opened={making} onClose={() => setMaking(false)} position="right" size="34rem" title={<Text fw={600}>New token</Text>} closeButtonProps={{ "aria-label": "Close the form" }}>
        <Making
          onClose={() => setMaking(false)}
          onMade={(text, name) => {
            setMaking(false);
            setFresh({ text, name });
            renew();
          }}
        />
      </Drawer>
      <Once secret={fresh?.text ?? null} title={`The token ${fresh?.name ?? ""}`} onClose={() => setFresh(null)}>
        Keep it where the program reads it: <code>FAIRLEAD_TOKEN</code> for the command line, or the header <code>Authorization: Bearer …</code>.
      </Once>
      <Confirm
        opened={ending !== null}
        onClose={() => setEnding(null)}
        title={`Revoke ${ending?.name ?? ""}`}
        action="Revoke"
        typed={ending?.name}
        touches={[]}
        onConfirm={async () => {
          if (ending) await ok(api.DELETE("/v1/tokens/{id}", { params: { path: { id: ending.id } } }));
          renew();
        }}
      >
        It stops working at once, for good. {ending?.last_used_at ? `It was last used on ${format.instant(ending.last_used_at)}: what uses it will be refused.` : "It was never used."}
      </Confirm>
    </>
  );
}

const LIVES = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "a year" },
  { value: "", label: "no end" },
];

function Making({ onClose, onMade }: { onClose: () => void; onMade: (text: string, name: string) => void }) {
  const session = useSession();
  const maySeePeople = useMay("people.read") === undefined;
  const [name, setName] = useState("");
  const [roles, setRoles] = useState<Role[]>([]);
  const [departments, setDepartments] = useState<string[]>(session.departments);
  const [life, setLife] = useState<string>("90");
  const [holder, setHolder] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const holders = useQuery({ queryKey: ["people", "holders"], queryFn: () => ok(api.GET("/v1/principals", { params: { query: { limit: 1000 } } })), enabled: maySeePeople, staleTime: 60_000 });
  const programs = (holders.data?.items ?? []).filter((one) => one.kind === "token_holder");

  // Not by `useWrite`: its result is kept for a while, and this one carries a secret.
  async function make() {
    setBusy(true);
    setProblem(null);
    try {
      const made = await ok(api.POST("/v1/tokens", { body: { name: name.trim(), roles, departments, expires_at: life ? endOf(inDays(Number(life))) : null, principal: holder || null } }));
      onMade(made.token, made.name);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  const why = name.trim() === "" ? "a name is needed" : roles.length === 0 ? "choose at least one role" : undefined;
  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (why === undefined && !busy) void make();
      }}
    >
      <TextInput label="Name" description="What it is for: it stands in the journal" placeholder="nightly export" value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={128} error={faultAt(problem, "/name")} autoComplete="off" data-autofocus />
      <Select label="Held by" value={holder} onChange={(value) => setHolder(value ?? "")} allowDeselect={false} data={[{ value: "", label: `${session.name} (you)` }, ...programs.map((one) => ({ value: one.id, label: `${one.name}, a program` }))]} description={maySeePeople ? "Programs are added under People" : "You see no others: reading people is not yours"} />
      <RolePicker value={roles} onChange={setRoles} error={faultAt(problem, "/roles")} description="No more than it needs; a role counts while its holder has all it permits" />
      <TagsInput label="Departments" description="Empty: the whole tenant" value={departments} onChange={setDepartments} error={faultAt(problem, "/departments")} size="sm" />
      <Select label="Ends after" value={life} onChange={(value) => setLife(value ?? "")} allowDeselect={false} data={LIVES} error={faultAt(problem, "/expires_at")} />
      {problem !== null && <Problem error={problem} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Leave it
        </Button>
        <ActionButton permission="tokens.write" variant="filled" type="submit" reason={why} loading={busy}>
          Make it
        </ActionButton>
      </Group>
    </form>
  );
}
