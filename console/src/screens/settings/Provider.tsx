// The tenant's identity provider (OpenID Connect): who is signed in elsewhere, and which roles that gives.
import { ActionIcon, Button, Group, MultiSelect, PasswordInput, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { notifications } from "@mantine/notifications";
import type { Schemas } from "@/api/client";
import { faultAt } from "@/api/problems";
import { api, ok, useMay } from "@/api/queries";
import { ActionButton, Confirm, Empty, Ident, Loading, Panel, Problem } from "@/parts";
import { accessQuery, type Role } from "./people";
import css from "./settings.module.css";

type Kept = Schemas["Provider"];

export function Provider() {
  const forbidden = useMay("people.read");
  const found = useQuery({
    queryKey: ["provider"],
    queryFn: async () => (await ok(api.GET("/v1/oidc/provider"))) ?? null,
    enabled: !forbidden,
  });
  return (
    <Panel title="Identity provider" note="OpenID Connect; nobody is let in whom an owner has not invited or linked">
      {forbidden ? (
        <Empty title="Not yours to see">Reading the identity provider {forbidden}.</Empty>
      ) : found.isPending ? (
        <Loading what="Reading the identity provider" />
      ) : found.error ? (
        <Problem error={found.error} retry={found.refetch} />
      ) : (
        <Form key={found.dataUpdatedAt} kept={found.data} />
      )}
    </Panel>
  );
}

function Form({ kept }: { kept: Kept | null }) {
  const client = useQueryClient();
  const access = useQuery(accessQuery);
  const [issuer, setIssuer] = useState(kept?.issuer ?? "");
  const [clientId, setClientId] = useState(kept?.client_id ?? "");
  const [secret, setSecret] = useState("");
  const [scopes, setScopes] = useState(kept?.scopes ?? "openid email profile");
  const [claim, setClaim] = useState(kept?.role_claim ?? "");
  const [map, setMap] = useState<[string, Role[]][]>(Object.entries(kept?.role_map ?? {}) as [string, Role[]][]);
  const [busy, setBusy] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const why = !issuer.trim() ? "the issuer is needed" : !clientId.trim() ? "the client id is needed" : undefined;

  async function save() {
    setBusy(true);
    setProblem(null);
    try {
      await ok(
        api.PUT("/v1/oidc/provider", {
          body: { issuer: issuer.trim(), client_id: clientId.trim(), client_secret: secret || null, scopes: scopes.trim(), role_claim: claim.trim() || null, role_map: Object.fromEntries(map.filter(([value]) => value.trim())) },
        }),
      );
      setSecret(""); // sealed by now; nothing here needs it any more
      notifications.show({ message: "The identity provider is set", color: "teal" });
      await client.invalidateQueries({ queryKey: ["provider"] });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (why === undefined && !busy) void save();
      }}
    >
      {kept === null && <p className={css.said}>None is set: people of this tenant sign in with passwords only.</p>}
      <p className={css.said}>
        Register this address at the provider: <Ident value={`${window.location.origin}/v1/oidc/callback`} />
      </p>
      <TextInput label="Issuer" placeholder="https://id.example.com" value={issuer} onChange={(event) => setIssuer(event.currentTarget.value)} error={faultAt(problem, "/issuer")} spellCheck={false} />
      <TextInput label="Client id" value={clientId} onChange={(event) => setClientId(event.currentTarget.value)} error={faultAt(problem, "/client_id")} spellCheck={false} autoComplete="off" />
      <PasswordInput label="Client secret" description={kept ? "Give it again with every change: it is sealed and cannot be read back. Empty: a public client without one" : "Sealed, and never shown again. Empty: a public client without one"} value={secret} onChange={(event) => setSecret(event.currentTarget.value)} error={faultAt(problem, "/client_secret")} autoComplete="off" />
      <TextInput label="Scopes" value={scopes} onChange={(event) => setScopes(event.currentTarget.value)} error={faultAt(problem, "/scopes")} spellCheck={false} />
      <TextInput label="Role claim" description="A claim that decides the roles at each sign-in, such as groups. Empty: roles are given under People" value={claim} onChange={(event) => setClaim(event.currentTarget.value)} error={faultAt(problem, "/role_claim")} spellCheck={false} />
      {claim.trim() !== "" && (
        <div className="fl-stack" style={{ gap: "0.5rem" }}>
          {map.map(([value, roles], index) => (
            <div key={index} className={css.map}>
              <TextInput size="xs" aria-label={`Value ${index + 1} of the claim`} placeholder={`Value of ${claim}`} value={value} onChange={(event) => setMap(map.map((one, at) => (at === index ? [event.currentTarget.value, one[1]] : one)))} />
              <MultiSelect size="xs" aria-label={`Roles for value ${index + 1}`} placeholder={roles.length > 0 ? undefined : "Roles"} data={access.data?.roles.map((one) => one.name) ?? []} value={roles} onChange={(chosen) => setMap(map.map((one, at) => (at === index ? [one[0], chosen as Role[]] : one)))} />
              <ActionIcon variant="subtle" color="gray" aria-label={`Take value ${index + 1} away`} onClick={() => setMap(map.filter((_, at) => at !== index))}>
                <IconX size={15} />
              </ActionIcon>
            </div>
          ))}
          <div>
            <Button variant="default" size="compact-xs" leftSection={<IconPlus size={13} aria-hidden />} onClick={() => setMap([...map, ["", []]])}>
              A value and its roles
            </Button>
          </div>
          <p className={css.small}>Whoever the claim gives no role stays out; the last owner stays one.</p>
        </div>
      )}
      {problem !== null && <Problem error={problem} />}
      <Group gap="xs">
        <ActionButton permission="people.write" variant="filled" type="submit" reason={why} loading={busy}>
          {kept ? "Save" : "Set it"}
        </ActionButton>
        {kept && (
          <ActionButton permission="people.write" onClick={() => setRemoving(true)}>
            Remove…
          </ActionButton>
        )}
      </Group>
      <Confirm
        opened={removing}
        onClose={() => setRemoving(false)}
        title="Remove the identity provider"
        action="Remove"
        typed={kept?.client_id}
        touches={[]}
        onConfirm={async () => {
          await ok(api.DELETE("/v1/oidc/provider"));
          await client.invalidateQueries({ queryKey: ["provider"] });
        }}
      >
        People who have no password cannot sign in until it is back or they are invited anew. Links to its subjects stay, and count again when it comes back.
      </Confirm>
    </form>
  );
}
