// All changes, newest first: what each is about, how far it is, and which of them wait for the viewer.
import { Tabs } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useUrl } from "@/frame/url";
import { DataTable, Empty, FilterChips, Screen, TextLink, wordsOf } from "@/parts";
import css from "./changes.module.css";
import { type Listed, useChanges, useColumns } from "./columns";
import { Plans } from "./Plans";
import { search, STATES } from "./search";

const FILTERS = [
  { key: "state", label: "State", options: STATES.filter((one) => one !== "draft").map((value) => ({ value, label: wordsOf(value) })) },
  { key: "open", label: "How far", options: [{ value: "true", label: "on their way" }, { value: "false", label: "standing or ended" }] },
];

export default function ChangesScreen() {
  const [url, setUrl] = useUrl(search);
  return (
    <Screen fill title="Changes" subtitle="What is changing, what stands, and what has changed">
      <Tabs className={css.tabs} value={url.tab ?? "changes"} onChange={(tab) => setUrl({ tab: tab === "plans" ? "plans" : undefined, state: undefined, open: undefined })} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="changes">Changes</Tabs.Tab>
          <Tabs.Tab value="plans">Plans</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="changes" className={css.panel}>
          <div className="fl-row"><FilterChips filters={FILTERS} values={{ state: url.state, open: url.open?.toString() }} onChange={(patch) => setUrl(Object.fromEntries(Object.keys(patch).map((key) => [key, search(patch)[key as "state" | "open"]])))} /></div>
          <Table state={url.state} open={url.open} />
        </Tabs.Panel>
        <Tabs.Panel value="plans" className={css.panel}>
          <Plans />
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}

function Table({ state, open }: { state: Listed["state"] | undefined; open: boolean | undefined }) {
  const navigate = useNavigate();
  const pages = useChanges(state, open);
  const columns = useColumns();
  return (
    <DataTable
      fill
      id="changes"
      label="Changes"
      noun="changes"
      columns={columns}
      pages={pages}
      rowKey={(one) => one.id}
      onOpen={(one) => void navigate({ to: "/changes/$change", params: { change: one.id } })}
      empty={
        state || open !== undefined ? (
          <Empty title={state ? `No change is ${wordsOf(state)}` : open ? "No change is on its way" : "No change stands or has ended"}>Take the filter away to see all of them.</Empty>
        ) : (
          <Empty title="Nothing has been changed yet">
            A change begins as a plan: select devices in <TextLink fz="inherit" to="/fleet">the fleet</TextLink>, write <TextLink fz="inherit" to="/policies">a policy</TextLink>, or run <code>fairlead plan -f policy.yaml</code>.
          </Empty>
        )
      }
    />
  );
}
