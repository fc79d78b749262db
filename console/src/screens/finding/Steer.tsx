// Acknowledge and close, each with a reason for the journal; and why not, where not. The API decides.
import { Button, Group, Modal, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { type Finding, useMaySteer } from "@/api/findings";
import { api, ok, useWrite } from "@/api/queries";
import { ActionButton, Problem } from "@/parts";

const TOUCHES = ["findings", "devices", "counts", "journal"];
const WORDS = {
  acknowledge: { title: "Acknowledge the finding", does: "Acknowledge", says: "Others see that somebody knows. It stays until it is seen no more, or a person closes it." },
  close: { title: "Close the finding", does: "Close it", says: "Nothing else changes by it. Seen again, it is another finding." },
} as const;

export function Steer({ finding }: { finding: Finding }) {
  const [asking, setAsking] = useState<keyof typeof WORDS | null>(null);
  const may = useMaySteer();
  const over = finding.state === "closed" ? "it is closed already" : undefined;
  return (
    <>
      <ActionButton reason={may ?? over ?? (finding.state === "acknowledged" ? "it is acknowledged already" : undefined)} onClick={() => setAsking("acknowledge")}>
        Acknowledge…
      </ActionButton>
      <ActionButton reason={may ?? over} onClick={() => setAsking("close")}>
        Close it…
      </ActionButton>
      <Modal opened={asking !== null} onClose={() => setAsking(null)} title={<Text fw={600}>{asking && WORDS[asking].title}</Text>} size="md">
        {asking && <Why key={asking} verb={asking} finding={finding} onClose={() => setAsking(null)} />}
      </Modal>
    </>
  );
}

function Why({ verb, finding, onClose }: { verb: keyof typeof WORDS; finding: Finding; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const words = WORDS[verb];
  const write = useWrite({
    send: (_: void, key) => {
      const asked = { params: { path: { finding: finding.id } }, body: { reason: reason.trim() }, headers: { "Idempotency-Key": key } };
      return ok(verb === "close" ? api.POST("/v1/findings/{finding}/close", asked) : api.POST("/v1/findings/{finding}/acknowledge", asked));
    },
    touches: TOUCHES,
    done: () => (verb === "close" ? "The finding is closed" : "The finding is acknowledged"),
    tellProblem: false,
  });
  const missing = reason.trim() ? undefined : "say why first";
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!missing && !write.isPending) write.mutate(undefined, { onSuccess: onClose });
      }}
    >
      <Text size="sm">{words.says}</Text>
      <Textarea label="Reason" description="Kept in the journal" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={2_000} autosize minRows={2} maxRows={6} data-autofocus />
      {write.error && <Problem error={write.error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Leave it
        </Button>
        <ActionButton variant="filled" type="submit" reason={missing} loading={write.isPending}>
          {words.does}
        </ActionButton>
      </Group>
    </form>
  );
}
