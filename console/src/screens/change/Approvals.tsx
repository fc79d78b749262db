// Who must agree, who did, and what they said. Nobody decides on their own Change: the API says so, and it is told here.
import { Button, Group, Modal, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import type { ChangeStory } from "@/api/changes";
import { api, ok, useMay, useSession, useWrite } from "@/api/queries";
import { ActionButton, Empty, Instant, Panel, Person, Problem, StateBadge } from "@/parts";
import css from "./change.module.css";

type Verdict = "approve" | "refuse";

/** `asks`: it waits, and the buttons are here. */
export function Approvals({ change, asks }: { change: ChangeStory; asks?: boolean }) {
  const session = useSession();
  const forbidden = useMay("changes.approve");
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const given = change.approvals.filter((one) => one.verdict === "approve").length;
  const mine = change.author === session.principal;
  const waits = asks && !mine && forbidden === undefined;
  if (!asks && change.approvals_needed === 0 && change.approvals.length === 0)
    return (
      <Panel title="Approvals">
        <Empty title="Nobody else was asked" />
      </Panel>
    );
  return (
    <Panel
      className={asks ? css.asks : undefined}
      title={asks ? (waits ? "This change waits for you" : "This change waits for approval") : "Approvals"}
      note={`${given} of ${change.approvals_needed} given`}
      right={
        asks && (
          <Group gap="xs">
            <ActionButton permission="changes.approve" onClick={() => setVerdict("refuse")}>
              Refuse…
            </ActionButton>
            <ActionButton permission="changes.approve" variant="filled" onClick={() => setVerdict("approve")}>
              Approve…
            </ActionButton>
          </Group>
        )
      }
    >
      {asks && (
        <p className={css.para}>
          Nothing has moved.{" "}
          {mine ? "You asked for it, and nobody decides on their own change: somebody else must agree." : forbidden ? "Somebody who may approve decides; one refusal ends it." : "Look at its impact below, then decide. One refusal ends it."}
        </p>
      )}
      {change.approvals.length > 0 && (
        <ul className={css.verdicts}>
          {change.approvals.map((one) => (
            <li key={one.principal}>
              <StateBadge state={one.verdict} tone={one.verdict === "approve" ? "ok" : "bad"} label={one.verdict === "approve" ? "agreed" : "refused"} /> <Person id={one.principal} /> <span className="fl-dim"><Instant at={one.at} /></span>
              {one.note && <div className="fl-dim">“{one.note}”</div>}
            </li>
          ))}
        </ul>
      )}
      {verdict && <Decide change={change} verdict={verdict} onClose={() => setVerdict(null)} />}
    </Panel>
  );
}

function Decide({ change, verdict, onClose }: { change: ChangeStory; verdict: Verdict; onClose: () => void }) {
  const [note, setNote] = useState("");
  const write = useWrite({
    send: (_: void, key) => ok(api.POST("/v1/changes/{change}/approve", { params: { path: { change: change.id } }, body: { verdict, note: note.trim() }, headers: { "Idempotency-Key": key } })),
    touches: ["changes", "journal"],
    done: () => (verdict === "approve" ? "You agreed" : "You refused: the change has ended"),
    tellProblem: false,
  });
  return (
    <Modal opened onClose={onClose} title={<Text fw={600}>{verdict === "approve" ? "Approve" : "Refuse"} “{change.title}”</Text>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          write.mutate(undefined, { onSuccess: onClose });
        }}
      >
        <Text size="sm" mb="sm">
          {verdict === "approve" ? "When enough people have agreed it starts at once, with its first stage." : "It ends here, and what it proposes is dropped."}
        </Text>
        <Textarea label="Note" description="Kept in the journal" value={note} onChange={(event) => setNote(event.currentTarget.value)} maxLength={2000} autosize minRows={2} data-autofocus />
        {write.error && (
          <div style={{ marginTop: "0.75rem" }}>
            <Problem error={write.error} />
          </div>
        )}
        <Group justify="flex-end" mt="md" gap="xs">
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
          <Button type="submit" loading={write.isPending} color={verdict === "refuse" ? "red" : undefined}>
            {verdict === "approve" ? "Approve" : "Refuse"}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
