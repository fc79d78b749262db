// How a plan is applied: in which stages, what stops it, who must agree; and what the API says when facts have moved.
import { Button, Checkbox, NumberInput, SegmentedControl, Text, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { freshKey, type Schemas } from "@/api/client";
import { applyPlan, type Drift, type Plan, undoOf } from "@/api/plans";
import { ApiProblem } from "@/api/problems";
import { queryClient } from "@/api/queries";
import { useHouseNow } from "@/api/clock";
import { useFormat } from "@/frame/format";
import { ActionButton, Confirm } from "./Actions";
import { ChangeLink, DeviceLink } from "./Links";
import css from "./plan.module.css";
import { Problem } from "./Says";

interface Props {
  plan: Plan;
  /** What the Change is called, until somebody writes another. */
  title?: string;
  reason?: string;
  onApplied: (change: Schemas["ChangeRef"]) => void;
  /** Makes the plan anew; undefined where it is not known here of what it was made. */
  anew?: () => void;
}

/** "5, 25, 100" as numbers; the API says what is wrong with them. */
function stagesOf(text: string): number[] {
  return text.split(/[\s,;%]+/).filter(Boolean).map(Number);
}

function titleOf(plan: Plan): string {
  const first = plan.resources[0];
  if (!first) return "nothing";
  if (plan.summary.left_out !== undefined) return `${first.name.split("-")[0]} ${plan.summary.devices} device(s)`;
  return plan.resources.map((one) => `${one.verb} ${one.name}`).join(", ").slice(0, 200);
}

export function ApplyPlan({ plan, title: titleGiven, reason: reasonGiven = "", onApplied, anew }: Props) {
  const format = useFormat();
  const now = useHouseNow();
  const undo = undoOf(plan.summary);
  const [title, setTitle] = useState(titleGiven ?? titleOf(plan));
  const [reason, setReason] = useState(reasonGiven);
  const [stages, setStages] = useState(plan.summary.devices < 5 ? "100" : "5, 25, 100");
  const [maxFailed, setMaxFailed] = useState<string | number>(10);
  const [holdOut, setHoldOut] = useState<string | number>(0);
  const [approvals, setApprovals] = useState<string | number>(undo.none > 0 ? 1 : 0);
  const [onFailure, setOnFailure] = useState("rollback");
  const [emergency, setEmergency] = useState(false);
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);

  const expired = Date.parse(plan.expires_at) <= now;
  const why = plan.applied ? "it has been applied already" : expired ? "the plan has expired: make it anew" : title.trim() === "" ? "give it a title" : undefined;
  const others = Number(approvals);

  async function apply() {
    setProblem(null);
    const body: Schemas["ApplySent"] = {
      title: title.trim(),
      reason: reason.trim(),
      emergency,
      rollout: { stages: stagesOf(stages), gate: { max_failed: Number(maxFailed) / 100 }, hold_out: Number(holdOut), approvals: others, on_failure: onFailure },
    };
    try {
      const change = await applyPlan(plan.id, body, freshKey());
      void queryClient.invalidateQueries({ queryKey: ["changes"] });
      void queryClient.invalidateQueries({ queryKey: ["plans"] });
      onApplied(change);
    } catch (error) {
      setProblem(error); // beside the form, where it can be mended; the question closes
    }
  }

  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (why === undefined) setAsking(true);
      }}
    >
      <TextInput label="Title" value={title} onChange={(event) => setTitle(event.currentTarget.value)} maxLength={200} />
      <Textarea label="Reason" description="Kept in the journal, and said on each device's Why" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={2000} autosize minRows={2} maxRows={6} />
      <div className={css.pair}>
        <TextInput label="Stages" description="percent of each country and carrier" value={stages} onChange={(event) => setStages(event.currentTarget.value)} placeholder="5, 25, 100" inputMode="numeric" />
        <NumberInput label="May fail" description="before a batch is stopped" value={maxFailed} onChange={setMaxFailed} min={0} max={99} suffix=" %" size="sm" />
      </div>
      <div className={css.pair}>
        <NumberInput label="Hold out" description="left as they are, to compare" value={holdOut} onChange={setHoldOut} min={0} max={50} suffix=" %" size="sm" />
        <NumberInput label="Approvals" description={undo.none > 0 ? "another person must agree: nothing takes it back" : "other people who must agree"} value={approvals} onChange={setApprovals} min={0} max={5} size="sm" />
      </div>
      <div>
        <Text size="sm" fw={500} mb={4} id="on-failure">
          When a batch fails
        </Text>
        <SegmentedControl size="xs" aria-labelledby="on-failure" value={onFailure} onChange={setOnFailure} data={[{ value: "rollback", label: "Roll that batch back" }, { value: "pause", label: "Pause the Change" }]} />
      </div>
      <Checkbox size="sm" label="Emergency" description="Takes devices over from Changes that are moving them now" checked={emergency} onChange={(event) => setEmergency(event.currentTarget.checked)} />
      {problem !== null && (
        <InSight key={String((problem as { requestId?: string }).requestId)}>
          <ApplyProblem problem={problem} anew={anew} />
        </InSight>
      )}
      <div className="fl-row">
        <ActionButton permission="changes.apply" reason={why} variant="filled" type="submit">
          {others > 0 ? "Ask for approval…" : "Apply…"}
        </ActionButton>
        {plan.applied && (
          <span className="fl-dim">
            It became <ChangeLink change={plan.applied} />
          </span>
        )}
      </div>
      <Confirm
        opened={asking}
        onClose={() => setAsking(false)}
        title={others > 0 ? "Ask for approval" : "Apply the plan"}
        typed={undo.none > 0 || undo.forwardOnly > 0 || emergency ? title.trim() : undefined}
        danger={undo.none > 0 || emergency}
        action={others > 0 ? "Ask" : "Apply"}
        onConfirm={apply}
        touches={[
          { name: "devices move", value: format.number(plan.summary.movable) },
          { name: "stay blocked", value: format.number(plan.summary.devices - plan.summary.movable) },
          { name: "countries", value: format.number(Object.keys(plan.summary.countries).length) },
          ...(undo.none > 0 ? [{ name: "cannot be taken back", value: format.number(undo.none) }] : []),
        ]}
      >
        {others > 0 ? `It becomes a Change that waits until ${others === 1 ? "another person agrees" : `${others} other people agree`}.` : "It becomes a Change and starts at once."}{" "}
        {undo.none > 0 ? "Some of its steps have no undo." : undo.forwardOnly > 0 ? "Some of its steps can only go on." : "All of its steps can be taken back."}
      </Confirm>
    </form>
  );
}

/** Comes into sight when it comes to be. */
function InSight({ children }: { children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.scrollIntoView({ block: "center" }), []);
  return <div ref={box}>{children}</div>;
}

/** A refused apply, in words: drift with its numbers, anything else as the API says it. */
function ApplyProblem({ problem, anew }: { problem: unknown; anew?: () => void }) {
  if (problem instanceof ApiProblem && problem.kind === "change-drifted") return <Drifted problem={problem} anew={anew} />;
  const stale = problem instanceof ApiProblem && (problem.kind === "change-expired" || problem.kind === "change-collision");
  const change = problem instanceof ApiProblem ? (problem.document.differences as { change?: string } | undefined)?.change : undefined;
  return (
    <div className={css.drift}>
      <Problem error={problem} />
      {change && (
        <span>
          See <ChangeLink change={change} />
        </span>
      )}
      {stale && <Anew anew={anew} />}
    </div>
  );
}

function Drifted({ problem, anew }: { problem: ApiProblem; anew?: () => void }) {
  const format = useFormat();
  const moved = (problem.document.differences ?? {}) as Partial<Drift>;
  const figures: [string, number | undefined][] = [
    ["planned", moved.planned],
    ["now", moved.now],
    ["gone", moved.gone],
    ["come", moved.come],
    ["would move otherwise", moved.altered],
    ["tolerated", moved.tolerated],
  ];
  const examples = moved.examples ?? [];
  return (
    <div className={css.drift} role="alert">
      <h3>{problem.title}</h3>
      <p>{problem.detail} Nothing was applied.</p>
      <dl className={css.driftFigures}>
        {figures.map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{format.number(n)}</dd>
          </div>
        ))}
      </dl>
      {examples.length > 0 && (
        <p>
          For example{" "}
          {examples.slice(0, 10).map((device, index) => (
            <span key={device}>
              {index > 0 && ", "}
              <DeviceLink device={device} />
            </span>
          ))}
        </p>
      )}
      <Anew anew={anew} />
    </div>
  );
}

function Anew({ anew }: { anew?: () => void }) {
  return anew ? (
    <div>
      <Button variant="default" onClick={anew}>
        Make the plan anew
      </Button>
    </div>
  ) : (
    <p>Of what this plan was made is not known in this tab: make it anew where it was made, from its files or by its action.</p>
  );
}
