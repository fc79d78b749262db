// A person says what became of an operation whose outcome is unknown: where no read-back can. Asked with what is known
// of it, what follows from either word, and how one knows; the API decides, and a word said twice is said once.
import { Button, Group, Modal, Radio, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import type { Operation } from "@/api/changes";
import { api, ok, useWrite } from "@/api/queries";
import { ActionButton, Age, CarrierLink, DeviceLink, Facts, Ident, Instant, Problem, wordsOf } from "@/parts";
import css from "./change.module.css";

type Said = "applied" | "not_applied";

const FOLLOWS: Record<Said, string> = {
  applied: "It is verified by your word, and its move goes on.",
  not_applied: "It has failed by your word. Its step is tried anew, as often as any step is; then its move goes back.",
};

/** Nothing where the outcome is known. */
export function Settle({ operation }: { operation: Operation }) {
  const [asking, setAsking] = useState(false);
  if (operation.state !== "unknown") return null;
  return (
    <div className={css.settle}>
      <span>
        What became of it is not known{operation.dispatched_at && <>; it was sent <Age at={operation.dispatched_at} /></>}. It is read back where its carrier can be read; somebody who knows by other means can say so.
      </span>
      <ActionButton permission="changes.rollback" onClick={() => setAsking(true)}>
        Say what became of it…
      </ActionButton>
      <Modal opened={asking} onClose={() => setAsking(false)} title={<Text fw={600}>What became of “{wordsOf(operation.verb)}”?</Text>} size="md">
        {asking && <Form operation={operation} onDone={() => setAsking(false)} />}
      </Modal>
    </div>
  );
}

function Form({ operation, onDone }: { operation: Operation; onDone: () => void }) {
  const [outcome, setOutcome] = useState<Said | null>(null);
  const [reason, setReason] = useState("");
  const settle = useWrite({
    send: (said: Said, key) =>
      ok(api.POST("/v1/operations/{operation}/settle", { params: { path: { operation: operation.id } }, body: { outcome: said, reason: reason.trim() }, headers: { "Idempotency-Key": key } })),
    touches: ["operations", "changes", "devices", "counts", "journal"],
    done: (made) => `The operation is ${made.state}`,
    tellProblem: false,
  });
  const wrong = outcome === null ? "say what became of it" : reason.trim() === "" ? "say how you know it" : undefined;
  const { account, iccid } = operation.arguments as { account?: unknown; iccid?: unknown };
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === undefined && outcome) settle.mutate(outcome, { onSuccess: onDone });
      }}
    >
      <Facts
        items={[
          ["Asked", <b key="v">{wordsOf(operation.verb)}</b>],
          ["Of", operation.device_name ? <DeviceLink key="d" device={operation.device_name} /> : "no device"],
          ...(typeof account === "string" ? ([["At", <CarrierLink key="a" account={account} />]] as [string, React.ReactNode][]) : []),
          ...(typeof iccid === "string" ? ([["SIM", <Ident key="i" value={iccid} />]] as [string, React.ReactNode][]) : []),
          ["Sent", <Instant key="s" at={operation.dispatched_at} never="not yet" />],
          ["Attempt", operation.attempt],
        ]}
      />
      <Radio.Group label="What became of it" value={outcome ?? ""} onChange={(value) => setOutcome(value as Said)}>
        <div className="fl-stack" style={{ gap: "0.5rem", marginTop: "0.375rem" }}>
          <Radio size="sm" value="applied" label="It was applied" description={FOLLOWS.applied} data-autofocus />
          <Radio size="sm" value="not_applied" label="It was not applied" description={FOLLOWS.not_applied} />
        </div>
      </Radio.Group>
      <Textarea label="How you know" description="Kept as evidence and in the journal, with your name: seen in the carrier’s portal, told by telephone" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={2000} autosize minRows={2} maxRows={6} />
      {settle.error && <Problem error={settle.error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onDone}>
          Leave it
        </Button>
        <ActionButton permission="changes.rollback" reason={wrong} variant="filled" type="submit" loading={settle.isPending}>
          {outcome === "applied" ? "It was applied" : outcome === "not_applied" ? "It was not applied" : "Settle it"}
        </ActionButton>
      </Group>
    </form>
  );
}
