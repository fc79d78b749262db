// What can be done with one device: actions become plans first; bindings are edited against the version that was
// read; an MQTT secret is shown once and kept nowhere.
import { ActionIcon, Button, CopyButton, Group, Menu, Modal, Select, TagsInput, Text, TextInput, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconDots } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type Schemas, withEtag } from "@/api/client";
import type { ActionVerb } from "@/api/plans";
import { ApiProblem, faultAt } from "@/api/problems";
import { type DeviceDetails, useCountries, useMay, useWrite } from "@/api/queries";
import { ActionButton, ACTIONS, AskAction, Confirm, Facts, Loading, Problem } from "@/parts";

/** Why an action would say nothing new; whether it is open to the device is for the plan to say. */
function already(verb: ActionVerb, device: DeviceDetails): string | undefined {
  if (device.state === "retired" && verb !== "retire") return "it is retired";
  if (verb === "activate" && device.state === "active") return "it is active already";
  if (verb === "retire" && device.state === "retired") return "it is retired already";
  if (verb === "suspend" && device.facts.subscription_state === "suspended") return "its subscription is suspended already";
  if (verb === "resume" && device.facts.subscription_state === "active") return "its subscription is active already";
  return undefined;
}

type Asked = "bindings" | "issue" | "withdraw";

export function Acts({ device, onApplied }: { device: DeviceDetails; onApplied: (change: Schemas["ChangeRef"]) => void }) {
  const [verb, setVerb] = useState<ActionVerb | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const forbidden = useMay("devices.write");
  const gone = device.state === "retired" ? "it is retired" : undefined;
  const withdraw = useWrite<void, unknown>({
    send: () => ok(api.DELETE("/v1/devices/{ref}/credential", { params: { path: { ref: device.name } } })),
    touches: ["devices"],
    done: () => `${device.name} can no longer sign in`,
    tellProblem: false,
  });
  const item = (what: Asked, label: string, reason: string | undefined) => (
    <Menu.Item fz="sm" disabled={reason !== undefined} onClick={() => setAsked(what)}>
      {label}
      {reason && (
        <Text span display="block" size="xs" c="dimmed" style={{ whiteSpace: "normal" }}>
          {reason}
        </Text>
      )}
    </Menu.Item>
  );
  return (
    <>
      {ACTIONS.map((one) => (
        <ActionButton key={one.verb} permission="plans.make" reason={already(one.verb, device)} onClick={() => setVerb(one.verb)} c={one.verb === "retire" && !gone ? "var(--fl-bad-text)" : undefined}>
          {one.label}…
        </ActionButton>
      ))}
      <Menu position="bottom-end" width={280}>
        <Tooltip label="Bindings and credential">
          <Menu.Target>
            <ActionIcon variant="default" size={30} aria-label="Bindings and credential">
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
        </Tooltip>
        <Menu.Dropdown>
          {item("bindings", "Edit bindings…", forbidden)}
          {item("issue", device.has_secret ? "Issue a new MQTT secret…" : "Issue an MQTT secret…", forbidden ?? gone)}
          {item("withdraw", "Withdraw the MQTT secret…", forbidden ?? (device.has_secret ? undefined : "it has none"))}
        </Menu.Dropdown>
      </Menu>
      <AskAction verb={verb} who={{ names: [device.name] }} onClose={() => setVerb(null)} onApplied={onApplied} />
      <Modal opened={asked === "bindings"} onClose={() => setAsked(null)} title={<Text fw={600}>Bindings of {device.name}</Text>} size="md">
        {asked === "bindings" && <Bindings name={device.name} onDone={() => setAsked(null)} />}
      </Modal>
      <IssueSecret device={device} opened={asked === "issue"} onClose={() => setAsked(null)} />
      <Confirm opened={asked === "withdraw"} onClose={() => setAsked(null)} title="Withdraw the MQTT secret" touches={[{ name: "device", value: 1 }]} typed={device.name} action="Withdraw it" onConfirm={() => withdraw.mutateAsync()}>
        {device.name} is cut off if it is connected, and cannot sign in again until a new secret is issued and put into it.
      </Confirm>
    </>
  );
}

interface Typed {
  sku: string;
  group: string;
  region: string;
  batch: string;
  tags: string[];
  home_country: string | null;
}

const FIELDS: [keyof Typed & ("sku" | "group" | "region" | "batch"), string, string][] = [
  ["sku", "SKU", "the product variant"],
  ["group", "Group", "the policy group; also the department that sees it"],
  ["region", "Region", "the region it is bound to"],
  ["batch", "Batch", "the production batch"],
];

/** Reads the device with its version, and sends the version back with what was edited. */
function Bindings({ name, onDone }: { name: string; onDone: () => void }) {
  const read = useQuery({
    queryKey: ["bindings", name],
    queryFn: () => withEtag(api.GET("/v1/devices/{ref}", { params: { path: { ref: name } } })),
    staleTime: 0,
    gcTime: 0,
    refetchOnMount: "always",
  });
  if (read.isPending) return <Loading what={`Reading ${name}`} />;
  if (read.error) return <Problem error={read.error} retry={read.refetch} />;
  return <BindingsForm key={read.data.etag} name={name} was={read.data.data} etag={read.data.etag} again={() => void read.refetch()} onDone={onDone} />;
}

function BindingsForm({ name, was, etag, again, onDone }: { name: string; was: DeviceDetails; etag: string; again: () => void; onDone: () => void }) {
  const countries = useCountries();
  const [typed, setTyped] = useState<Typed>({ sku: was.sku ?? "", group: was.group ?? "", region: was.region ?? "", batch: was.batch ?? "", tags: was.tags, home_country: was.facts.home_country });
  const save = useWrite<void, unknown>({
    send: (_, key) =>
      ok(
        api.PATCH("/v1/devices/{ref}", {
          params: { path: { ref: name } },
          headers: { "If-Match": etag, "Idempotency-Key": key },
          body: { sku: typed.sku.trim() || null, group: typed.group.trim() || null, region: typed.region.trim() || null, batch: typed.batch.trim() || null, tags: typed.tags, home_country: typed.home_country },
        }),
      ),
    touches: ["devices", "counts"],
    done: () => `${name} is bound anew; policies look at it again`,
    tellProblem: false,
  });
  const moved = save.error instanceof ApiProblem && save.error.status === 412;
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(undefined, { onSuccess: onDone });
      }}
    >
      {FIELDS.map(([key, label, about]) => (
        <TextInput key={key} label={label} description={about} value={typed[key]} error={faultAt(save.error, `/${key}`)} maxLength={128} autoComplete="off" onChange={(event) => setTyped({ ...typed, [key]: event.currentTarget.value })} />
      ))}
      <TagsInput label="Tags" size="sm" value={typed.tags} maxTags={32} error={faultAt(save.error, "/tags")} onChange={(tags) => setTyped({ ...typed, tags })} clearable />
      <Select label="Home country" size="sm" searchable clearable placeholder="none" value={typed.home_country} error={faultAt(save.error, "/home_country")} onChange={(home_country) => setTyped({ ...typed, home_country })} data={countries.data?.items.map((one) => ({ value: one.code, label: `${one.name} (${one.code})` })) ?? []} />
      {save.error && <Problem error={save.error} />}
      <Group justify="flex-end" gap="xs">
        {moved && (
          <Button variant="default" onClick={again}>
            Read it again
          </Button>
        )}
        <Button variant="default" onClick={onDone}>
          Leave it
        </Button>
        <Button type="submit" loading={save.isPending}>
          Save
        </Button>
      </Group>
    </form>
  );
}

/** The secret lives in this dialog only; closing it forgets it. */
function IssueSecret({ device, opened, onClose }: { device: DeviceDetails; opened: boolean; onClose: () => void }) {
  const issue = useWrite<void, Schemas["SecretShown"]>({
    send: () => ok(api.POST("/v1/devices/{ref}/credential", { params: { path: { ref: device.name } } })),
    touches: ["devices"],
    tellProblem: false,
  });
  const secret = issue.data;
  if (!secret)
    return (
      <Confirm
        opened={opened}
        onClose={onClose}
        title={device.has_secret ? "Issue a new MQTT secret" : "Issue an MQTT secret"}
        touches={[{ name: "device", value: 1 }]}
        typed={device.has_secret ? device.name : undefined}
        action="Issue it"
        danger={device.has_secret}
        onConfirm={() => issue.mutateAsync()}
      >
        {device.has_secret ? "The secret it has now, and the sessions it opened, end at once. " : ""}
        The new one is shown once and kept nowhere.
      </Confirm>
    );
  return (
    <Modal opened onClose={issue.reset} title={<Text fw={600}>MQTT secret of {device.name}</Text>} size="md" closeOnClickOutside={false} closeOnEscape={false}>
      <div className="fl-stack">
        <Text size="sm">This is the only time it is shown: copy it now. Only its hash is kept here.</Text>
        <Facts
          items={[
            ["Username", <Taken key="u" what="username" value={secret.username} />],
            ["Client id", <Taken key="c" what="client id" value={secret.client_id} />],
            ["Password", <Taken key="p" what="password" value={secret.password} />],
          ]}
        />
        <Group justify="flex-end">
          <Button onClick={issue.reset}>I have it</Button>
        </Group>
      </div>
    </Modal>
  );
}

function Taken({ what, value }: { what: string; value: string }) {
  return (
    <span className="fl-row" style={{ flexWrap: "nowrap" }}>
      <code>{value}</code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button size="compact-xs" variant="default" style={{ flex: "none" }} onClick={copy} aria-label={`Copy the ${what}`} leftSection={copied ? <IconCheck size={12} aria-hidden /> : <IconCopy size={12} aria-hidden />}>
            {copied ? "Copied" : "Copy"}
          </Button>
        )}
      </CopyButton>
    </span>
  );
}
