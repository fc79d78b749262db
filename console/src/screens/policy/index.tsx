// One policy: what it says and why, whom it holds, how it came to be, and what it means for any device.
import { Button, Tabs } from "@mantine/core";
import { IconPencil, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { PlanRequest } from "@/api/plans";
import { useMay } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { ActionButton, ChangeLink, Empty, Figures, Instant, Loading, Panel, PlanFlow, Problem, Screen, StateBadge, TextLink } from "@/parts";
import { Accounts, actsOnLines } from "./Accounts";
import { countOf, isKind, type Kind, policyCountsQuery, policyQuery, type PolicyHistory, type Revision, SAYS, type Standing } from "./api";
import { Countries } from "./Countries";
import { Devices } from "./Devices";
import { PolicyEditor } from "./Editor";
import { History } from "./History";
import { NotYours } from "./NotYours";
import { Now } from "./Now";
import css from "./policy.module.css";
import { search } from "./search";

export default function PolicyScreen() {
  const { kind, name } = useParams({ from: "/inside/policies/$kind/$name" });
  const forbidden = useMay("policies.read");
  if (forbidden) return <NotYours title={name} why={forbidden} />;
  if (!isKind(kind))
    return (
      <Screen title={name}>
        <Panel>
          <Empty title={`There is no kind ${kind}`}>
            Kinds are Policy, Strategy, Steering, SessionPolicy, Grant and UsageRule. <TextLink fz="inherit" to="/policies">See what is kept</TextLink>.
          </Empty>
        </Panel>
      </Screen>
    );
  return <One kind={kind} name={name} />;
}

function One({ kind, name }: { kind: Kind; name: string }) {
  const [url] = useUrl(search);
  const policy = useQuery(policyQuery(kind, name));
  if (policy.isPending)
    return (
      <Screen title={name}>
        <Loading what={`Reading ${name}`} />
      </Screen>
    );
  if (policy.error)
    return (
      <Screen title={name}>
        <Panel>
          <Problem error={policy.error} retry={policy.refetch} />
        </Panel>
      </Screen>
    );
  const shown = policy.data.revisions.find((one) => one.state === "kept") ?? policy.data.revisions.find((one) => one.state === "trial") ?? policy.data.revisions[0];
  if (!shown)
    return (
      <Screen title={name}>
        <Panel>
          <Empty title="No revision of it was ever applied">It was planned, and the plan was not applied.</Empty>
        </Panel>
      </Screen>
    );
  if (url.tab === "edit") return <PolicyEditor key={shown.number} kind={kind} kept={{ name, text: shown.text, revision: shown.number }} />;
  return <Whole policy={policy.data} shown={shown} />;
}

function Whole({ policy, shown }: { policy: PolicyHistory; shown: Revision }) {
  const { kind, name } = policy;
  const [url, setUrl] = useUrl(search);
  const [removal, setRemoval] = useState<PlanRequest>();
  const trial = policy.revisions.find((one) => one.state === "trial");
  const gone = shown.removed || (shown.state !== "kept" && shown.state !== "trial");
  const tab = url.tab ?? "now";
  return (
    <Screen
      title={name}
      beside={
        <>
          <StateBadge state={gone ? "removed" : shown.state} tone={gone ? "idle" : undefined} hint={HINTS[gone ? "removed" : shown.state]} />
          {shown.about.observe && <StateBadge state="" tone="info" label="observing" hint="It only records what it would have done: nothing moves" />}
          {policy.no_driver_yet && <StateBadge state="" tone="warn" label="no driver yet" hint="It is checked, tested and kept; no driver acts on this kind yet, so nothing follows from it" />}
        </>
      }
      subtitle={
        <>
          {kind}, revision {shown.number} since <Instant at={shown.created_at} />
          {shown.about.reason ? ` · ${shown.about.reason}` : ` · says ${SAYS[kind]}`}
        </>
      }
      actions={
        <>
          <ActionButton permission="plans.make" reason={gone ? "it is removed already" : undefined} leftSection={<IconTrash size={14} aria-hidden />} onClick={() => setRemoval({ removals: [{ kind, name }] })}>
            Plan its removal…
          </ActionButton>
          <Button leftSection={<IconPencil size={14} aria-hidden />} onClick={() => setUrl({ tab: "edit" })}>
            {gone ? "Write it anew" : "Edit"}
          </Button>
        </>
      }
    >
      {trial && trial !== shown && (
        <div className={css.note} role="status">
          <span>
            Revision {trial.number} is on trial: it holds for the devices that <ChangeLink change={trial.change}>its Change</ChangeLink> has let in, and this one for the others.
          </span>
          <Button variant="default" size="compact-xs" onClick={() => setUrl({ tab: "history", left: shown.number, right: trial.number })}>
            Compare the two
          </Button>
        </div>
      )}
      {kind === "Policy" && <WhoIsInIt kind={kind} name={name} onShow={(standing) => setUrl({ tab: "devices", standing })} shown={tab === "devices" ? (url.standing ?? "in_force") : undefined} />}
      <Tabs value={tab} onChange={(next) => setUrl({ tab: next === "now" ? undefined : (next as typeof url.tab) })} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="now">Text</Tabs.Tab>
          {kind === "Policy" && <Tabs.Tab value="devices">Devices</Tabs.Tab>}
          {actsOnLines(kind) && <Tabs.Tab value="accounts">Account by account</Tabs.Tab>}
          {kind === "Strategy" && <Tabs.Tab value="countries">Country by country</Tabs.Tab>}
          <Tabs.Tab value="history">History ({policy.revisions.length})</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="now">
          <Now policy={policy} shown={shown} />
        </Tabs.Panel>
        <Tabs.Panel value="devices">
          <Devices kind={kind} name={name} change={shown.change} />
        </Tabs.Panel>
        <Tabs.Panel value="accounts">{actsOnLines(kind) && <Accounts kind={kind} name={name} change={shown.change} />}</Tabs.Panel>
        <Tabs.Panel value="countries">
          <Countries name={name} />
        </Tabs.Panel>
        <Tabs.Panel value="history">
          <History policy={policy} />
        </Tabs.Panel>
      </Tabs>
      <PlanFlow request={removal} opened={removal !== undefined} onClose={() => setRemoval(undefined)} title={`Remove ${name}`} />
    </Screen>
  );
}

const HINTS: Record<string, string> = {
  kept: "In force on whom it matches",
  trial: "Owned by one open Change, and in force only on the devices that it admitted",
  removed: "Ended: it holds for nobody. Its history stays",
};

const FIGURES: { standing: Standing; name: string }[] = [
  { standing: "in_force", name: "Devices in it" },
  { standing: "waiting_in", name: "Wait to enter" },
  { standing: "waiting_out", name: "Wait to leave" },
  { standing: "barred", name: "Barred" },
  { standing: "held_out", name: "Held out" },
];

function WhoIsInIt({ kind, name, onShow, shown }: { kind: Kind; name: string; onShow: (standing: Standing) => void; shown: Standing | undefined }) {
  const counts = useQuery(policyCountsQuery);
  const format = useFormat();
  if (counts.data === null) return null; // figures are for callers of the whole tenant
  const count = countOf(counts.data, kind, name);
  return (
    <Figures
      label="Devices by their relation to this policy"
      items={FIGURES.map((one) => {
        const n = count?.[one.standing];
        return {
          name: one.name,
          value: counts.isPending ? "…" : n == null ? "unknown" : format.number(n),
          tone: one.standing === "in_force" ? "ok" : one.standing === "barred" && n ? "warn" : n ? "info" : "idle",
          pressed: shown === one.standing,
          onClick: () => onShow(one.standing),
        };
      })}
    />
  );
}
