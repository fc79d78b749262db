// From a wish to a Change: the plan is made, what it would do is shown, and only then it is applied.
//   <PlanFlow request={{ action: { verb: "suspend", devices } }} opened={opened} onClose={close} title="Suspend 3 devices" />
// `request` is the body of POST /v1/plans. The plan is made when the flow opens; nothing moves until it is applied.
import { Button, Drawer, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { changeQuery } from "@/api/changes";
import { freshKey, type Schemas } from "@/api/client";
import { makePlan, type Plan, type PlanRequest } from "@/api/plans";
import { queryClient, useMay } from "@/api/queries";
import { ActionButton } from "./Actions";
import { ApplyPlan } from "./ApplyPlan";
import { StateBadge } from "./Badges";
import { ChangeLink, PlanLink, TextLink } from "./Links";
import css from "./plan.module.css";
import { PlanImpact, usePlanFigures } from "./PlanImpact";
import { Progress } from "./Progress";
import { Loading, Problem } from "./Says";
import { Panel } from "./Screen";
import { Figures } from "./Facts";

interface Props {
  /** The body of POST /v1/plans. While it is undefined nothing is made. */
  request: PlanRequest | undefined;
  opened: boolean;
  onClose: () => void;
  /** What is wished: "Suspend 12 devices". It becomes the Change's title, until somebody writes another. */
  title: string;
  /** When it has become a Change. */
  onApplied?: (change: Schemas["ChangeRef"]) => void;
}

export function PlanFlow({ request, opened, onClose, title, onApplied }: Props) {
  return (
    <Drawer opened={opened} onClose={onClose} position="right" size="min(62rem, 94vw)" title={<Text fw={600}>{title}</Text>} styles={{ body: { paddingBottom: 16 }, content: { background: "var(--fl-page)" }, header: { background: "var(--fl-page)", borderBottom: "1px solid var(--fl-line)" } }} closeButtonProps={{ "aria-label": "Close the plan" }}>
      {request && <Flow key={JSON.stringify(request)} request={request} title={title} onClose={onClose} onApplied={onApplied} />}
    </Drawer>
  );
}

function Flow({ request, title, onClose, onApplied }: { request: PlanRequest; title: string; onClose: () => void; onApplied?: Props["onApplied"] }) {
  const forbidden = useMay("plans.make");
  const [step, setStep] = useState<"impact" | "apply">("impact");
  const [change, setChange] = useState<Schemas["ChangeRef"] | null>(null);
  const made = useMutation({
    mutationFn: (key: string) => makePlan(request, key),
    onSuccess: (plan) => {
      queryClient.setQueryData(["plans", "one", plan.id], plan);
      setStep("impact");
    },
  });
  const { mutate } = made;
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current || forbidden) return;
    begun.current = true; // once, also where React runs effects twice
    mutate(freshKey());
  }, [forbidden, mutate]);

  if (forbidden) return <p className="fl-dim">No plan can be made: it {forbidden}.</p>;
  if (change) return <Applied change={change} onClose={onClose} />;
  if (made.error)
    return (
      <Panel className={css.flowSays}>
        <Problem error={made.error} retry={() => mutate(freshKey())} />
      </Panel>
    );
  const plan = made.data;
  if (!plan || made.isPending) return <div className={css.flowSays}><Loading what="Planning: the fleet is judged, nothing moves" /></div>;
  return (
    <div className="fl-stack" style={{ paddingTop: 16 }}>
      {step === "impact" ? (
        <PlanImpact plan={plan} />
      ) : (
        <>
          <InFigures plan={plan} />
          <Panel title="Apply">
            <ApplyPlan
              plan={plan}
              title={title}
              reason={request.action?.reason}
              anew={() => mutate(freshKey())}
              onApplied={(ref) => {
                setChange(ref);
                onApplied?.(ref);
              }}
            />
          </Panel>
        </>
      )}
      <div className={css.flowFoot}>
        <span className="fl-dim" style={{ marginRight: "auto", fontSize: "var(--mantine-font-size-xs)" }}>
          Nothing has moved. Kept as <PlanLink plan={plan.id} />
        </span>
        {step === "impact" ? (
          <>
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <ActionButton permission="changes.apply" variant="filled" onClick={() => setStep("apply")}>
              Go on to apply…
            </ActionButton>
          </>
        ) : (
          <Button variant="default" onClick={() => setStep("impact")}>
            Back to what it would do
          </Button>
        )}
      </div>
    </div>
  );
}

const OVER = new Set(["standing", "closed", "aborted"]);

function InFigures({ plan }: { plan: Plan }) {
  return <Figures label="The plan in figures" items={usePlanFigures(plan.summary)} />;
}

/** It has become a Change: how far it is, and the way to its story. */
function Applied({ change, onClose }: { change: Schemas["ChangeRef"]; onClose: () => void }) {
  const { data } = useQuery(changeQuery(change.id));
  const state = data?.state ?? change.state;
  return (
    <div className="fl-stack" style={{ paddingTop: 16 }}>
      <Panel title={change.title} right={<StateBadge state={state} />}>
        <div className="fl-stack">
          {state === "planned" ? <p style={{ margin: 0 }}>It waits for approval. Nothing moves until {data?.approvals_needed === 1 ? "another person agrees" : "others agree"}.</p> : <Progress moves={data?.story.moves ?? {}} />}
          <span className="fl-dim">
            It is <ChangeLink change={change.id} />{OVER.has(state) ? "." : ", and goes on when this is closed."}
          </span>
          <div className="fl-row">
            <Button renderRoot={(props) => <TextLink {...props} to="/changes/$change" params={{ change: change.id }} underline="never" />}>Open the Change</Button>
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
          </div>
        </div>
      </Panel>
    </div>
  );
}
