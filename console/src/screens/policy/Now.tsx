// What a policy says: its text, its conditions in words, its tests as they come out now, and what it means for a device.
import { useQuery } from "@tanstack/react-query";
import { changeQuery } from "@/api/changes";
import { useFormat } from "@/frame/format";
import { Author, ChangeLink, CopyText, Facts, Loading, Panel, Problem, StateBadge } from "@/parts";
import type { PolicyHistory, Revision } from "./api";
import { Read } from "./code";
import { Findings } from "./Editor";
import { ForDevice } from "./ForDevice";
import { CONTEXT_OF, ReadsFacts } from "./FactsPanel";
import css from "./policy.module.css";
import { useCheck, useKnown } from "./useCheck";

export function Now({ policy, shown }: { policy: PolicyHistory; shown: Revision }) {
  const known = useKnown();
  const format = useFormat();
  const checked = useCheck(`${policy.name}.yaml`, shown.text, 0);
  const { about } = shown;
  const labels = Object.entries(about.labels ?? {});
  return (
    <div className={css.whole}>
      <div className="fl-stack">
        <Panel title="Text" note={`revision ${shown.number}`} flush right={<CopyText value={shown.text} what="the text" />}>
          <Read text={shown.text} label={`Text of ${policy.name}, revision ${shown.number}`} known={known} />
        </Panel>
        {about.match !== undefined && (
          <Panel title="Its conditions, explained" note="every fact they read">
            <div className="fl-stack">
              <Condition name="A device enters when" text={about.match} kind={policy.kind} />
              {about.until !== undefined && <Condition name="and leaves when" text={about.until} kind={policy.kind} />}
            </div>
          </Panel>
        )}
      </div>
      <div className="fl-stack">
        {policy.kind === "Policy" && <ForDevice policy={policy.name} />}
        <Panel title="At a glance">
          <Facts
            items={[
              ["Priority", about.priority === undefined ? null : format.number(about.priority)],
              ["Sets", about.sets?.join(", ")],
              ["Labels", labels.length > 0 ? labels.map(([key, value]) => `${key}: ${value}`).join(", ") : null],
              ["Change", shown.change && <Standing key="change" change={shown.change} />],
              ["Author", <Author key="author" id={shown.author} />],
            ]}
          />
        </Panel>
        <Panel title="Tests" note="run now">
          {checked.error ? (
            <Problem error={checked.error} retry={checked.refetch} />
          ) : checked.isPending ? (
            <Loading what="Running the tests" />
          ) : (
            <Findings faults={checked.data.errors} tests={checked.data.tests} resources={checked.data.resources} go={() => undefined} />
          )}
        </Panel>
      </div>
    </div>
  );
}

function Condition({ name, text, kind }: { name: string; text: string; kind: string }) {
  return (
    <div>
      <div className={css.caption}>{name}</div>
      <code className={css.condition}>{text}</code>
      <ReadsFacts condition={text} context={CONTEXT_OF[kind] ?? "device"} />
    </div>
  );
}

function Standing({ change }: { change: string }) {
  const found = useQuery(changeQuery(change));
  return (
    <span className="fl-row">
      {found.data ? (
        <>
          <ChangeLink change={change}>{found.data.title || change}</ChangeLink> <StateBadge state={found.data.state} plain hint={found.data.state === "standing" ? "Devices that come to match are let in as they come" : undefined} />
        </>
      ) : (
        <ChangeLink change={change} />
      )}
    </span>
  );
}
