// One carrier account: how fresh it is, what it can do, what is left of its budgets, its SIMs and its settings.
import { Modal, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, withEtag } from "@/api/client";
import { useFormat } from "@/frame/format";
import { ActionButton, Age, CountryLink, Empty, Facts, Ident, Instant, Json, Loading, Panel, Problem, Screen, TextLink } from "@/parts";
import { Budgets, Fresh, SimStates, staleness, Sweep, VerbTable } from "./Account";
import { AccountForm } from "./AccountForm";

export default function CarrierScreen() {
  const { account: name } = useParams({ from: "/inside/carriers/$account" });
  const format = useFormat();
  const [editing, setEditing] = useState<{ etag: string } | null>(null);
  const read = useQuery({ queryKey: ["carriers", "one", name], queryFn: () => withEtag(api.GET("/v1/carriers/{name}", { params: { path: { name } } })), refetchInterval: editing ? false : 30_000 });
  if (read.isPending)
    return (
      <Screen title={name}>
        <Loading what={`Reading ${name}`} />
      </Screen>
    );
  if (read.error)
    return (
      <Screen title={name}>
        <Panel>
          <Problem error={read.error} retry={read.refetch} />
        </Panel>
      </Screen>
    );
  const { data: account, etag } = read.data;
  return (
    <Screen
      title={account.name}
      beside={<Fresh account={account} />}
      subtitle={
        <>
          {account.carrier} · {account.connector === "none" ? "no connector" : account.connector}
        </>
      }
      actions={
        <>
          <TextLink fz="sm" to="/connectivity" search={{ carrier: account.name }}>
            Its {format.number(account.sims.total)} SIMs
          </TextLink>
          <ActionButton permission="carriers.write" onClick={() => setEditing({ etag })}>
            Edit…
          </ActionButton>
        </>
      }
    >
      <div className="fl-cols">
        <Panel title="Freshness">
          <Facts
            items={[
              ["Reading", <Sweep key="sweep" account={account} />],
              ["Its own view", staleness(account)],
              ["Credential", account.has_credential ? "sealed; never shown" : account.connector === "none" ? "none needed" : "none yet: nothing can be read"],
              ["Home country", account.home_country && <CountryLink code={account.home_country} />],
              ["ICCID digits", account.iccid_digits],
              ["Added", <Instant key="added" at={account.created_at} />],
              ["Edited", <Age key="edited" at={account.updated_at} />],
              ["Id", <Ident key="id" value={account.id} />],
            ]}
          />
        </Panel>
        <Panel title="SIMs" note={`${format.number(account.sims.total)} in all`}>
          <SimStates account={account} />
        </Panel>
        <Panel title="Calls left" note="token buckets, in real time">
          <Budgets account={account} />
        </Panel>
      </div>
      <Panel title="What it can do" note={account.capabilities.length > 0 ? `${account.capabilities.filter((one) => one.supported).length} of ${account.capabilities.length} verbs, as its connector says` : undefined} flush={account.capabilities.length > 0}>
        {account.capabilities.length === 0 ? <Empty title="Nothing by itself">This carrier has no connector: its SIMs come by import, and its subscriptions are changed by people.</Empty> : <VerbTable account={account} />}
      </Panel>
      <Panel title="Settings" note="of its connector">
        <Json value={account.config} label="Settings as JSON" />
      </Panel>
      <Modal opened={editing !== null} onClose={() => setEditing(null)} title={<Text fw={600}>Edit {account.name}</Text>} size="lg">
        {editing && (
          <AccountForm
            key={editing.etag}
            was={{ account, etag: editing.etag }}
            again={() => void read.refetch().then((fresh) => fresh.data && setEditing({ etag: fresh.data.etag }))}
            onLeave={() => setEditing(null)}
            onDone={() => setEditing(null)}
          />
        )}
      </Modal>
    </Screen>
  );
}
