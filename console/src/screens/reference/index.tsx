// What Fairlead has read of the world: the mission's tables, the rule packs, and the facts that a condition may ask
// for. Each with its source and its date.
import { ActionIcon, Tabs, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { Facts, Panel, Problem, Screen } from "@/parts";
import { FactList } from "./FactList";
import { referenceQuery } from "./queries";
import css from "./reference.module.css";
import { Rules } from "./Rules";
import { search } from "./search";
import { Tables } from "./Tables";

export default function ReferenceScreen() {
  const [url, setUrl] = useUrl(search);
  const reference = useQuery(referenceQuery);
  const format = useFormat();
  const tab = url.tab ?? "tables";
  const known = reference.data;
  return (
    <Screen
      title="Reference"
      subtitle={known ? `${format.number(known.countries)} countries, ${format.number(known.networks)} networks, ${format.number(known.currencies)} currencies, ${format.number(known.rules)} rules, ${format.number(known.tables.length)} tables` : "What this server has read of the world"}
      actions={<Find value={url.q} onChange={(q) => setUrl({ q }, { replace: true })} />}
    >
      {reference.error && (
        <Panel>
          <Problem error={reference.error} retry={reference.refetch} />
        </Panel>
      )}
      <Tabs value={tab} onChange={(next) => setUrl({ tab: next === "tables" ? undefined : (next as typeof url.tab) })} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="tables">Tables</Tabs.Tab>
          <Tabs.Tab value="rules">Rules</Tabs.Tab>
          <Tabs.Tab value="facts">Facts for conditions</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tables">{known && <Tables known={known} url={url} setUrl={setUrl} />}</Tabs.Panel>
        <Tabs.Panel value="rules">
          <Rules url={url} setUrl={setUrl} />
        </Tabs.Panel>
        <Tabs.Panel value="facts">
          <FactList url={url} setUrl={setUrl} />
        </Tabs.Panel>
      </Tabs>
      {known && tab === "tables" && !url.q && (
        <Panel title="Countries and networks" note="read whole, asked one by one">
          <Facts items={Object.entries(known.sources).map(([name, source]) => [name, `${source.name}, ${format.date(source.date)}${source.licence ? `, ${source.licence}` : ""}`])} />
        </Panel>
      )}
      <p className={css.notice}>{known?.notice}</p>
    </Screen>
  );
}

function Find({ value, onChange }: { value: string | undefined; onChange: (value: string | undefined) => void }) {
  const [typed, setTyped] = useState(value ?? "");
  const settle = useDebouncedCallback((next: string) => onChange(next || undefined), 150);
  useEffect(() => setTyped(value ?? ""), [value]);
  return (
    <TextInput
      size="xs"
      w={260}
      aria-label="Find in tables, rules and facts"
      placeholder="Words in any row, rule or fact…"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        typed && (
          <ActionIcon size="xs" variant="subtle" color="gray" aria-label="Clear the search" onClick={() => { setTyped(""); onChange(undefined); }}>
            <IconX size={12} />
          </ActionIcon>
        )
      }
      value={typed}
      maxLength={100}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        settle(event.currentTarget.value.trim());
      }}
    />
  );
}
