// Adding a carrier account, and editing one against the version that was read. A credential goes in and is never
// shown again, here or anywhere.
import { Button, Group, NativeSelect, NumberInput, PasswordInput, Select, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { ApiProblem, faultAt } from "@/api/problems";
import { useCountries, useWrite } from "@/api/queries";
import { ActionButton, Loading, Problem } from "@/parts";
import type { Account } from "./Account";

interface Props {
  /** The account as it was read, with its version; left out: a new one. */
  was?: { account: Account; etag: string };
  /** Reads it again, after somebody else edited it. */
  again?: () => void;
  onLeave: () => void;
  onDone: (account: Account) => void;
}

export function AccountForm({ was, again, onLeave, onDone }: Props) {
  const connectors = useQuery({ queryKey: ["carriers", "connectors"], queryFn: () => ok(api.GET("/v1/connectors")), staleTime: 600_000 });
  const countries = useCountries();
  const old = was?.account;
  const [name, setName] = useState("");
  const [connector, setConnector] = useState(old?.connector ?? "none");
  const [carrier, setCarrier] = useState(old?.carrier ?? "");
  const [home, setHome] = useState<string | null>(old?.home_country ?? null);
  const [config, setConfig] = useState(JSON.stringify(old?.config ?? {}, null, 2));
  const [credential, setCredential] = useState<Record<string, string>>({});
  const [digits, setDigits] = useState(old?.iccid_digits ? String(old.iccid_digits) : "");
  const [lag, setLag] = useState<string | number>(old?.staleness_s ?? "");
  const settings = parsed(config);
  const known = connectors.data?.find((one) => one.id === connector);
  const wanted = known?.credential_fields ?? [];
  const given = wanted.filter((field) => credential[field]);
  const missing = (known?.required_settings ?? []).filter((name) => !settings?.[name]);
  const reason = settings === undefined ? "the settings are no JSON object" : missing.length > 0 ? `the settings lack ${missing.join(", ")}` : given.length > 0 && given.length < wanted.length ? "give all fields of the credential, or none" : undefined;

  const save = useWrite<void, Account>({
    send: (_, key) => {
      const common = {
        carrier: carrier.trim(),
        home_country: home,
        config: settings as Record<string, unknown>,
        iccid_digits: digits ? Number(digits) : null,
        ...(given.length > 0 ? { credential: Object.fromEntries(wanted.map((field) => [field, credential[field] ?? ""])) } : {}),
        ...(lag === "" ? {} : { staleness_s: Number(lag) }),
      };
      if (!was) return ok(api.POST("/v1/carriers", { headers: { "Idempotency-Key": key }, body: { name: name.trim(), connector, ...common } as Schemas["NewAccount"] }));
      return ok(api.PATCH("/v1/carriers/{name}", { params: { path: { name: was.account.name } }, headers: { "If-Match": was.etag, "Idempotency-Key": key }, body: common }));
    },
    touches: ["carriers"],
    done: (made) => (was ? `${made.name} is changed` : `${made.name} is added; its inventory is read next`),
    tellProblem: false,
  });
  const moved = save.error instanceof ApiProblem && save.error.status === 412;
  const fault = (field: string) => faultAt(save.error, `/${field}`);

  return (
    <form
      className="fl-stack"
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        if (!reason) save.mutate(undefined, { onSuccess: onDone });
      }}
    >
      {!was && <TextInput label="Name" description="small letters, digits and hyphens: policies name it so" placeholder="global-sim" value={name} error={fault("name")} onChange={(event) => setName(event.currentTarget.value)} data-autofocus required />}
      <TextInput label="Carrier" description="as people call it" value={carrier} error={fault("carrier")} onChange={(event) => setCarrier(event.currentTarget.value)} required />
      {!was &&
        (connectors.isPending ? (
          <Loading what="Reading which connectors there are" />
        ) : (
          <>
            <NativeSelect
              label="Connector"
              description="how the carrier is reached"
              size="sm"
              value={connector}
              error={fault("connector")}
              onChange={(event) => { setConnector(event.currentTarget.value); setCredential({}); }}
              data={[{ value: "none", label: "none: its SIMs come by import" }, ...(connectors.data ?? []).map((one) => ({ value: one.id, label: `${one.name}${one.experimental ? " (experimental)" : ""}` }))]}
            />
            {connectors.error && <Problem error={connectors.error} retry={connectors.refetch} />}
          </>
        ))}
      <Select label="Home country" description="of its SIMs, where they share one" size="sm" searchable clearable placeholder="none" value={home} error={fault("home_country")} onChange={setHome} data={countries.data?.items.map((one) => ({ value: one.code, label: `${one.name} (${one.code})` })) ?? []} />
      {wanted.length > 0 && (
        <fieldset style={{ border: "1px solid var(--fl-line)", borderRadius: "var(--mantine-radius-sm)", padding: "0.5rem 0.75rem 0.75rem" }}>
          <legend style={{ fontSize: "var(--mantine-font-size-sm)", fontWeight: 600, padding: "0 0.25rem" }}>Credential</legend>
          <Text size="xs" c="dimmed">
            {old?.has_credential ? "There is one. It is never shown; fill all fields to replace it at once, or leave them empty to keep it." : "Sealed at once, and never shown again."}
          </Text>
          {wanted.map((field) => (
            <PasswordInput key={field} mt="xs" label={field} value={credential[field] ?? ""} autoComplete="new-password" onChange={(event) => setCredential({ ...credential, [field]: event.currentTarget.value })} />
          ))}
          {fault("credential") && <Text size="xs" c="var(--fl-bad-text)">{fault("credential")}</Text>}
        </fieldset>
      )}
      <Textarea
        label="Settings"
        description={`JSON of the connector’s own, such as base_url and limits${known && known.required_settings.length > 0 ? `; it needs ${known.required_settings.join(", ")}` : ""}${known?.base_url ? `; without base_url it calls ${known.base_url}` : ""}`}
        value={config}
        error={settings === undefined ? "this is no JSON object yet" : fault("config")}
        onChange={(event) => setConfig(event.currentTarget.value)}
        autosize
        minRows={3}
        maxRows={14}
        spellCheck={false}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } }}
      />
      <Group grow align="start">
        <NativeSelect label="Digits of its ICCIDs" size="sm" value={digits} error={fault("iccid_digits")} onChange={(event) => setDigits(event.currentTarget.value)} data={[{ value: "", label: "either" }, "19", "20"]} />
        <NumberInput label="Its view may lag" description="seconds behind the network" size="sm" min={0} max={604_800} value={lag} placeholder="as the connector says" error={fault("staleness_s")} onChange={setLag} />
      </Group>
      {save.error && <Problem error={save.error} />}
      <Group justify="flex-end" gap="xs">
        {moved && again && (
          <Button variant="default" onClick={again}>
            Read it again
          </Button>
        )}
        <Button variant="default" onClick={onLeave}>
          Leave it
        </Button>
        <ActionButton permission="carriers.write" type="submit" variant="filled" reason={reason} loading={save.isPending}>
          {was ? "Save" : "Add it"}
        </ActionButton>
      </Group>
    </form>
  );
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text.trim() || "{}");
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
