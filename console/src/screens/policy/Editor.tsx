// Writing a text of resources: checked by the API as one types, its tests run, then planned. Nothing moves before the
// plan is applied. What is typed is kept in this tab until it has become a Change.
import { Button, Menu, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck, IconChevronDown, IconX } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import type { PlanRequest } from "@/api/plans";
import { useFormat } from "@/frame/format";
import { ActionButton, Confirm, Empty, Loading, Panel, PlanFlow, Problem, Screen, StateBadge } from "@/parts";
import { type Fault, type Kind, sayFault, SAYS, type TestShown } from "./api";
import { type Handle, Write } from "./code";
import { useDraft } from "./draft";
import { CONTEXT_OF, FactsPanel } from "./FactsPanel";
import css from "./policy.module.css";
import { TEMPLATES } from "./templates";
import { useCheck, useKnown } from "./useCheck";

interface Props {
  kind: Kind;
  /** What is kept now; left out, a new one is written. */
  kept?: { name: string; text: string; revision: number };
  /** A template to start from. */
  template?: string;
}

const NO_FAULTS: Fault[] = [];
const NO_TESTS: TestShown[] = [];

export function PolicyEditor({ kind, kept, template }: Props) {
  const navigate = useNavigate();
  const format = useFormat();
  const draft = useDraft(kept ? `${kind}/${kept.name}` : `new ${kind}`);
  const start = kept?.text ?? (TEMPLATES.find((one) => one.id === template) ?? TEMPLATES.find((one) => one.kind === kind))?.text ?? "";
  const [found] = useState(() => draft.read());
  const [restored, setRestored] = useState(found !== null && found.text !== start ? found : null);
  const [text, setText] = useState(restored?.text ?? start);
  const [kept_, setKept] = useState(true); // whether the tab could keep it
  const [request, setRequest] = useState<PlanRequest>();
  const [planning, setPlanning] = useState(false);
  const [leaving, setLeaving] = useState<string | null>(null); // a text that would replace what is typed
  const handle = useRef<Handle>(null);
  const known = useKnown();
  const name = kept ? `${kept.name}.yaml` : `${kind.toLowerCase()}.yaml`;
  const checked = useCheck(name, text);
  const faults = (checked.data?.errors as Fault[] | undefined) ?? NO_FAULTS;
  const tests = checked.data?.tests ?? NO_TESTS;
  const failing = tests.filter((one) => !one.passed);
  const touched = text !== start;
  const stale = restored !== null && kept !== undefined && restored.base !== null && restored.base !== kept.revision;

  function typed(next: string) {
    setText(next);
    if (next === start) draft.drop();
    else setKept(draft.keep({ text: next, base: kept?.revision ?? null, at: new Date().toISOString() }));
  }
  function replace(next: string) {
    handle.current?.replace(next);
    setRestored(null);
  }

  // Another tab, or the address bar: the browser asks before it drops what no draft could keep.
  useEffect(() => {
    if (kept_ || !touched) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [kept_, touched]);

  const reason = text.trim() === "" ? "there is no text yet" : faults.length > 0 ? `${faults.length === 1 ? "one fault" : `${faults.length} faults`} to mend first` : failing.length > 0 ? `${failing.length === 1 ? "a test fails" : `${failing.length} tests fail`}: a plan would be refused` : kept && !touched ? "nothing is changed" : checked.pending ? "it is being checked" : undefined;
  const templates = useMemo(() => TEMPLATES.filter((one) => one.kind === kind), [kind]);
  const example = known.language?.kinds.find((one) => one.kind === kind)?.example;
  const resources = checked.data?.resources ?? [];

  return (
    <Screen
      fill
      title={kept ? `Edit ${kept.name}` : `New ${kind}`}
      subtitle={kept ? `Revision ${kept.revision} is kept. Your text becomes revision ${kept.revision + 1} when its plan is applied.` : `A ${kind} says ${SAYS[kind]}. Nothing moves until its plan is applied.`}
      actions={
        <>
          <Menu position="bottom-end" width={340} withInitialFocusPlaceholder={false}>
            <Menu.Target>
              <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
                Start from…
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {kept && (
                <Menu.Item fz="sm" py={5} onClick={() => (touched ? setLeaving(kept.text) : replace(kept.text))}>
                  <b>What is kept</b>
                  <Text size="xs" c="dimmed">revision {kept.revision}</Text>
                </Menu.Item>
              )}
              {templates.map((one) => (
                <Menu.Item key={one.id} fz="sm" py={5} onClick={() => (touched ? setLeaving(one.text) : replace(one.text))}>
                  <b>{one.title}</b>
                  <Text size="xs" c="dimmed">{one.says}</Text>
                </Menu.Item>
              ))}
              {example && (
                <Menu.Item fz="sm" py={5} onClick={() => (touched ? setLeaving(example) : replace(example))}>
                  <b>Everything a {kind} can say</b>
                  <Text size="xs" c="dimmed">the language's own example, to cut down</Text>
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
          <Button
            variant="default"
            onClick={() => {
              draft.drop();
              void (kept ? navigate({ to: "/policies/$kind/$name", params: { kind, name: kept.name } }) : navigate({ to: "/policies" }));
            }}
          >
            {touched ? "Discard" : "Close"}
          </Button>
          <ActionButton
            permission="plans.make"
            variant="filled"
            reason={reason}
            onClick={() => {
              setRequest({ files: [{ name, text }] });
              setPlanning(true);
            }}
          >
            Plan…
          </ActionButton>
        </>
      }
    >
      {restored && (
        <div className={css.note} role="status">
          <span>
            This tab kept what you had typed on {format.instant(restored.at)}.
            {stale && ` Revision ${kept?.revision} was kept meanwhile; yours began from ${restored.base}.`}
          </span>
          <Button
            variant="default"
            size="compact-xs"
            onClick={() => {
              replace(start);
              draft.drop();
            }}
          >
            Take {kept ? "what is kept" : "the template"} instead
          </Button>
        </div>
      )}
      <div className={css.editor}>
        <section className={css.paper} aria-label="Text">
          <div className={css.write}>
            <Write text={text} onChange={typed} faults={faults} tests={tests} known={known} label={kept ? `Text of ${kept.name}` : `Text of a new ${kind}`} handle={handle} />
          </div>
          <div className={css.foot}>
            <span>
              {touched ? (kept_ ? "Kept in this tab until it is a Change" : "This browser keeps nothing: do not close the tab") : kept ? "As it is kept" : "As the template has it"}
            </span>
            <span className={css.keys}>
              <kbd>Ctrl</kbd>+<kbd>Space</kbd> completes · rest on a name to see what it means · <kbd>Tab</kbd> leaves the text
            </span>
          </div>
        </section>
        <aside className={css.aside} aria-label="Check">
          <Panel title="Check" right={<CheckState pending={checked.pending} faults={faults.length} failing={failing.length} known={checked.data !== undefined} />}>
            {checked.error ? (
              <Problem error={checked.error} retry={checked.refetch} />
            ) : checked.isPending && text.trim() !== "" ? (
              <Loading what="Checking the text" />
            ) : (
              <Findings faults={faults} tests={tests} resources={resources} go={(line, column) => handle.current?.go(line, column)} />
            )}
          </Panel>
          <Panel title="What conditions may read" className={css.growing}>
            <FactsPanel context={CONTEXT_OF[kind] ?? "device"} />
          </Panel>
        </aside>
      </div>
      <Confirm
        opened={leaving !== null}
        onClose={() => setLeaving(null)}
        title="Replace what you typed?"
        action="Replace it"
        touches={[]}
        onConfirm={async () => {
          if (leaving !== null) replace(leaving);
          await Promise.resolve();
        }}
      >
        Your text is replaced by the one you chose. Ctrl+Z brings it back while this page is open.
      </Confirm>
      <PlanFlow
        request={request}
        opened={planning}
        onClose={() => setPlanning(false)}
        title={kept ? `Change ${kept.name}` : resources.length === 1 ? `Begin ${resources[0]?.split("/")[1]}` : `Begin ${resources.length} resources`}
        onApplied={() => draft.drop()}
      />
    </Screen>
  );
}

function CheckState({ pending, faults, failing, known }: { pending: boolean; faults: number; failing: number; known: boolean }) {
  if (pending || !known) return <StateBadge state="" tone="move" plain label="checking…" />;
  if (faults > 0) return <StateBadge state="" tone="bad" label={faults === 1 ? "1 fault" : `${faults} faults`} />;
  if (failing > 0) return <StateBadge state="" tone="warn" label={failing === 1 ? "1 test fails" : `${failing} tests fail`} />;
  return <StateBadge state="" tone="ok" label="no fault" />;
}

interface FindingsProps {
  faults: Fault[];
  tests: TestShown[];
  resources: string[];
  go: (line: number, column?: number) => void;
}

export function Findings({ faults, tests, resources, go }: FindingsProps) {
  if (faults.length === 0 && resources.length === 0) return <Empty title="Nothing to check yet">Write a resource, or start from a template.</Empty>;
  return (
    <div className={css.findings} aria-live="polite">
      {faults.length > 0 && (
        <ul className={css.list} aria-label="Faults">
          {faults.map((fault, index) => (
            <li key={index}>
              <button type="button" className={css.finding} onClick={() => go(fault.line, fault.column)}>
                <IconAlertTriangle size={14} color="var(--fl-bad)" aria-hidden />
                <span>
                  <b>
                    Line {fault.line}
                    {fault.path && <span className="fl-dim"> {fault.path}</span>}
                  </b>
                  <span className={css.clamp} title={sayFault(fault)}>
                    {sayFault(fault)}
                  </span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {faults.length === 0 && <p className={css.reads}>Reads as {resources.map((one) => one.replace("/", " ")).join(", ")}.</p>}
      {tests.length > 0 ? (
        <>
          <h3 className={css.caption}>
            Tests, {tests.filter((one) => one.passed).length} of {tests.length} come true
          </h3>
          <ul className={css.list} aria-label="Tests">
            {tests.map((test) => (
              <li key={`${test.resource}${test.line}`}>
                <button type="button" className={css.finding} data-line onClick={() => go(test.line)}>
                  {test.passed ? <IconCheck size={14} color="var(--fl-ok)" aria-label="passes" /> : <IconX size={14} color="var(--fl-bad)" aria-label="fails" />}
                  <span>
                    <b>Line {test.line}</b> {test.passed ? test.expected : <>expects {test.expected}, comes to {test.found}</>}
                    {resources.length > 1 && <span className="fl-dim"> · {test.resource.split("/")[1]}</span>}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </>
      ) : (
        faults.length === 0 && <p className="fl-dim">No tests. A test says what must come of given facts; one that fails refuses the plan.</p>
      )}
    </div>
  );
}
