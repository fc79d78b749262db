// Agree, pause, resume, cancel, take back: and why not, where not. The API decides.
import { Textarea } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type Bulk, BULK_OVER, TAKEN_BACK, useMayAsk, verbLabel } from "@/api/bulk";
import { api, ok, useSession, useWrite } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ActionButton, Confirm } from "@/parts";

const TOUCHES = ["bulk", "devices", "counts", "journal"];

export function Steer({ bulk }: { bulk: Bulk }) {
  const format = useFormat();
  const navigate = useNavigate();
  const session = useSession();
  const [asking, setAsking] = useState<"approve" | "cancel" | "undo" | null>(null);
  const [reason, setReason] = useState("");
  const maySend = useMayAsk();
  const mayAgree = useMayAsk("changes.approve");
  const params = { path: { bulk: bulk.id } };
  const body = { reason: reason.trim() };
  const pause = useWrite({ send: (_: void, key) => ok(api.POST("/v1/bulk/{bulk}/pause", { params, body: { reason: "" }, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "Paused: nothing more is asked" });
  const resume = useWrite({ send: (_: void, key) => ok(api.POST("/v1/bulk/{bulk}/resume", { params, body: { reason: "" }, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "It goes on" });
  const approve = useWrite({ send: (_: void, key) => ok(api.POST("/v1/bulk/{bulk}/approve", { params, body, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "Agreed: it begins", tellProblem: false });
  const cancel = useWrite({ send: (_: void, key) => ok(api.POST("/v1/bulk/{bulk}/cancel", { params, body, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "Cancelled: what had not left is dropped", tellProblem: false });
  const undo = useWrite({ send: (_: void, key) => ok(api.POST("/v1/bulk/{bulk}/undo", { params, body, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "It is being taken back", tellProblem: false });

  const { state } = bulk;
  const it = `it is ${state}`;
  const true_ = bulk.by_state.verified ?? 0;
  const pending = bulk.by_state.pending ?? 0;
  const mine = bulk.author === session.principal;
  const noWayBack =
    bulk.verb === "undo" ? "an undo is not undone: start anew" : !BULK_OVER.has(state) ? `${it}: cancel it, or let it end first` : true_ === 0 ? "no line of it was changed" : !TAKEN_BACK.has(bulk.verb) ? `only states and plans are taken back: what was so before “${verbLabel(bulk.verb).toLowerCase()}” is not kept` : undefined;
  const why = <Textarea mt="sm" label="Reason" description="Kept in the journal" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={2000} autosize minRows={1} />;
  const close = () => {
    setAsking(null);
    setReason("");
  };
  return (
    <>
      {state === "waiting" && (
        <ActionButton variant="filled" reason={mayAgree ?? (mine ? "who asked for it cannot agree: another person must" : undefined)} onClick={() => setAsking("approve")}>
          Agree…
        </ActionButton>
      )}
      {state === "paused" && (
        <ActionButton reason={maySend} loading={resume.isPending} onClick={() => resume.mutate()}>
          Resume
        </ActionButton>
      )}
      {state === "running" && (
        <ActionButton reason={maySend} loading={pause.isPending} onClick={() => pause.mutate()}>
          Pause
        </ActionButton>
      )}
      {!BULK_OVER.has(state) && (
        <ActionButton reason={maySend} color="red" variant="light" onClick={() => setAsking("cancel")}>
          Cancel it…
        </ActionButton>
      )}
      {BULK_OVER.has(state) && (
        <ActionButton reason={maySend ?? noWayBack} onClick={() => setAsking("undo")}>
          Take it back…
        </ActionButton>
      )}
      <Confirm opened={asking === "approve"} onClose={close} title={`Agree: ${verbLabel(bulk.verb)}`} action="Agree" danger={false} touches={[{ name: "lines", value: format.number(bulk.lines) }, { name: "wait to be asked", value: format.number(pending) }]} onConfirm={() => approve.mutateAsync()}>
        It begins at once. The reason that was given: {bulk.reason}
        {why}
      </Confirm>
      <Confirm opened={asking === "cancel"} onClose={close} title="Cancel the bulk action" action="Cancel it" touches={[{ name: "lines are not asked any more", value: format.number(pending) }, { name: "came true, and stay so", value: format.number(true_) }]} onConfirm={() => cancel.mutateAsync()}>
        What has left us is settled as always, and nothing is taken back.
        {why}
      </Confirm>
      <Confirm
        opened={asking === "undo"}
        onClose={close}
        title="Take the bulk action back"
        action="Take it back"
        danger={false}
        touches={[{ name: "lines at most go back", value: format.number(true_) }]}
        onConfirm={async () => {
          const made = await undo.mutateAsync();
          void navigate({ to: "/bulk/$bulk", params: { bulk: made.id } });
        }}
      >
        Each line that was changed goes back to the {bulk.verb === "set_plan" ? "plan" : "state"} its carrier showed before, by a bulk action of its own. Where that costs, its carrier charges for it.
        {why}
      </Confirm>
    </>
  );
}
