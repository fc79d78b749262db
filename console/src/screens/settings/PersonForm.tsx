// Somebody new, or somebody changed: name, roles, departments, end. An edit is sent with the version that was read.
import { Button, Checkbox, Drawer, Group, SegmentedControl, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { withEtag } from "@/api/client";
import { faultAt } from "@/api/problems";
import { api, countsQuery, ok } from "@/api/queries";
import { ActionButton, Loading, Problem } from "@/parts";
import { Identities } from "./Identities";
import { dayOf, endOf, inDays, type Principal, type Role } from "./people";
import { RolePicker } from "./RolePicker";
import css from "./settings.module.css";

interface Props {
  opened: boolean;
  /** Whom to edit; left out: somebody new. */
  id: string | undefined;
  onClose: () => void;
  onDone: (made: Principal, fresh: boolean) => void;
}

export function PersonForm({ opened, id, onClose, onDone }: Props) {
  const found = useQuery({
    queryKey: ["people", "one", id],
    queryFn: () => withEtag(api.GET("/v1/principals/{id}", { params: { path: { id: id ?? "" } } })),
    enabled: opened && id !== undefined,
    staleTime: 0,
    gcTime: 0,
  });
  return (
    <Drawer opened={opened} onClose={onClose} position="right" size="34rem" title={<Text fw={600}>{id ? `Edit ${found.data?.data.name ?? ""}` : "Add somebody"}</Text>} closeButtonProps={{ "aria-label": "Close the form" }}>
      {id === undefined ? (
        <Fields before={null} etag="" onClose={onClose} onDone={onDone} />
      ) : found.isPending ? (
        <Loading what="Reading what is kept" />
      ) : found.error ? (
        <Problem error={found.error} retry={found.refetch} />
      ) : (
        <Fields key={found.data.etag} before={found.data.data} etag={found.data.etag} onClose={onClose} onDone={onDone} />
      )}
    </Drawer>
  );
}

function Fields({ before, etag, onClose, onDone }: { before: Principal | null; etag: string; onClose: () => void; onDone: Props["onDone"] }) {
  const [kind, setKind] = useState<Principal["kind"]>(before?.kind ?? "person");
  const [name, setName] = useState(before?.name ?? "");
  const [email, setEmail] = useState(before?.email ?? "");
  const [roles, setRoles] = useState<Role[]>((before?.roles as Role[] | undefined) ?? []);
  const [departments, setDepartments] = useState<string[]>(before?.departments ?? []);
  const [ends, setEnds] = useState(dayOf(before?.expires_at ?? null));
  const [linkable, setLinkable] = useState(before?.linkable ?? true);
  const [suspended, setSuspended] = useState(before?.state === "suspended");
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const counts = useQuery(countsQuery);
  const groups = (counts.data?.by.group ?? []).flatMap((one) => (one.value ? [one.value] : []));
  const person = kind === "person";
  const vendor = roles.includes("vendor");

  async function save() {
    setBusy(true);
    setProblem(null);
    const wanted = { kind, name: name.trim(), email: person ? email.trim() || null : null, roles, departments, expires_at: ends === dayOf(before?.expires_at ?? null) ? (before?.expires_at ?? null) : endOf(ends), linkable };
    try {
      const made = before
        ? await ok(
            api.PUT("/v1/principals/{id}", {
              params: { path: { id: before.id }, header: { "if-match": etag } },
              body: { ...wanted, state: suspended ? "suspended" : before.state === "invited" ? "invited" : "active", reason: reason.trim() },
            }),
          )
        : await ok(api.POST("/v1/principals", { body: wanted }));
      onDone(made, before === null);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  const why = name.trim() === "" ? "a name is needed" : person && email.trim() === "" ? "a person needs an e-mail address" : roles.length === 0 ? "choose at least one role" : undefined;
  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (why === undefined && !busy) void save();
      }}
    >
      {!before && <SegmentedControl size="xs" aria-label="Person or program" value={kind} onChange={(value) => setKind(value as Principal["kind"])} data={[{ value: "person", label: "A person" }, { value: "token_holder", label: "A program" }]} />}
      <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={128} error={faultAt(problem, "/name")} autoComplete="off" data-autofocus />
      {person ? <TextInput label="E-mail" type="email" value={email} onChange={(event) => setEmail(event.currentTarget.value)} error={faultAt(problem, "/email")} autoComplete="off" /> : <p className={css.said}>A program signs in with tokens, which you make for it. {before ? "" : "You answer for it."}</p>}
      <RolePicker value={roles} onChange={setRoles} error={faultAt(problem, "/roles")} description="Nobody gives more than they hold" />
      <TagsInput label="Departments" description="Policy groups this access is bound to. Empty: the whole tenant" value={departments} onChange={setDepartments} data={groups} error={faultAt(problem, "/departments")} size="sm" clearable />
      <div className={css.pair}>
        <TextInput label="Access ends" type="date" description={vendor ? "A vendor's access always ends, within a year" : "Empty: never"} value={ends} onChange={(event) => setEnds(event.currentTarget.value)} error={faultAt(problem, "/expires_at")} required={vendor} />
        {vendor && ends === "" && (
          <Button variant="default" mt="2.6rem" onClick={() => setEnds(inDays(90))}>
            In 90 days
          </Button>
        )}
      </div>
      {person && <Checkbox size="sm" label="May be linked at first sign-in" description="When the identity provider vouches for this e-mail address" checked={linkable} onChange={(event) => setLinkable(event.currentTarget.checked)} />}
      {before && (
        <>
          <Checkbox size="sm" label="Suspended" description="Sessions end and tokens stop at once; nothing is lost" checked={suspended} onChange={(event) => setSuspended(event.currentTarget.checked)} />
          <Textarea label="Reason" description="For the journal" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={500} autosize minRows={2} />
        </>
      )}
      {problem !== null && <Problem error={problem} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Leave it
        </Button>
        <ActionButton permission="people.write" variant="filled" type="submit" reason={why} loading={busy}>
          {before ? "Save" : person ? "Add, then invite" : "Add"}
        </ActionButton>
      </Group>
      {before && <p className={css.small}>New rights hold at once: browser sessions of {before.name} end, tokens are narrowed.</p>}
      {before?.kind === "person" && <Identities id={before.id} />}
    </form>
  );
}
