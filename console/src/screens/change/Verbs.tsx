// What can be done to a change, and why not where it cannot. The reasons are those of docs/states.md; the API decides.
import { Textarea } from "@mantine/core";
import { useState } from "react";
import type { ChangeStory } from "@/api/changes";
import { api, ok, useWrite } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ActionButton, Confirm } from "@/parts";
import { RollBack } from "./RollBack";

export function Verbs({ change }: { change: ChangeStory }) {
  const format = useFormat();
  const [asking, setAsking] = useState<"stop" | "rollback" | null>(null);
  const [reason, setReason] = useState("");
  const path = { params: { path: { change: change.id } } };
  const touches = ["changes", "operations", "devices", "journal"];
  const pause = useWrite({ send: (_: void, key) => ok(api.POST("/v1/changes/{change}/pause", { ...path, headers: { "Idempotency-Key": key } })), touches, done: () => "Paused: no new stage opens, no new move starts" });
  const resume = useWrite({ send: (_: void, key) => ok(api.POST("/v1/changes/{change}/resume", { ...path, headers: { "Idempotency-Key": key } })), touches, done: (made) => (made.state === "standing" ? "It stands again" : "It goes on") });
  const admit = useWrite({ send: (_: void, key) => ok(api.POST("/v1/changes/{change}/admit", { ...path, headers: { "Idempotency-Key": key } })), touches, done: (made) => `${format.number(made.admitted)} devices were let in` });
  const stop = useWrite({ send: (_: void, key) => ok(api.POST("/v1/changes/{change}/stop", { ...path, body: { reason: reason.trim() }, headers: { "Idempotency-Key": key } })), touches, done: () => "Stopped", tellProblem: false });

  const { state, story } = change;
  const over = state === "closed" || state === "aborted";
  const settled = change.settled_at !== null;
  const back = (story.moves.verified ?? 0) + (story.moves.running ?? 0) + (story.moves.waiting ?? 0);
  const it = `it is ${state}`;
  return (
    <>
      {state === "paused" ? (
        <ActionButton permission="changes.stop" loading={resume.isPending} onClick={() => resume.mutate()}>
          Resume
        </ActionButton>
      ) : (
        <ActionButton permission="changes.stop" loading={pause.isPending} reason={state === "running" || state === "standing" ? undefined : `${it}: only what runs or stands can be paused`} onClick={() => pause.mutate()}>
          Pause
        </ActionButton>
      )}
      {change.kind !== "action" && (
        <ActionButton permission="changes.apply" loading={admit.isPending} reason={state !== "standing" ? `${it}: only a standing change has devices that wait to enter` : story.waiting === 0 ? "no device waits to be let in" : undefined} onClick={() => admit.mutate()}>
          Let {story.waiting > 0 ? `${format.number(story.waiting)} ` : ""}waiting in
        </ActionButton>
      )}
      <ActionButton permission="changes.rollback" reason={state === "draft" || state === "planned" || state === "approved" ? `${it}: nothing has moved` : back === 0 ? "no move of it can be taken back any more" : undefined} onClick={() => setAsking("rollback")}>
        Roll back…
      </ActionButton>
      <ActionButton permission="changes.stop" color="red" variant="light" reason={over ? `${it} already` : undefined} onClick={() => setAsking("stop")}>
        Stop…
      </ActionButton>
      <Confirm
        opened={asking === "stop"}
        onClose={() => setAsking(null)}
        title="Stop the change"
        action={settled ? "Stop it" : "Stop and take back"}
        typed={change.title}
        touches={settled ? [{ name: "devices stay as they are", value: format.number(story.moves.verified ?? 0) }, { name: "wait, and will not be let in", value: format.number(story.waiting) }] : [{ name: "devices go back", value: format.number(back) }, { name: "of them proved", value: format.number(story.moves.verified ?? 0) }]}
        onConfirm={() => stop.mutateAsync()}
      >
        {settled ? "It has settled: what it moved stays, and nobody enters it any more." : "It has not settled: everything it moved is taken back, and its revisions are dropped."}
        <Textarea mt="sm" label="Reason" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={2000} autosize minRows={1} />
      </Confirm>
      {asking === "rollback" && <RollBack change={change} onClose={() => setAsking(null)} />}
    </>
  );
}
