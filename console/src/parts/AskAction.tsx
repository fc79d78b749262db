// What is asked of chosen devices: activate, suspend, resume, retire. First what belongs to it (for how long? is the
// data wiped? what becomes of the subscription?), then the plan, and only then does anything move.
//   <AskAction verb={verb} who={{ names }} onClose={…} onApplied={(change) => …} />
import { Button, Checkbox, Group, Modal, NativeSelect, NumberInput, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import type { ActionVerb, PlanRequest } from "@/api/plans";
import { useFormat } from "@/frame/format";
import { ActionButton } from "./Actions";
import { PlanFlow } from "./PlanFlow";

/** Devices by name, or all for which a condition holds when the plan is made. */
export type Who = { names: string[] } | { match: string; about?: number };

export const ACTIONS: { verb: ActionVerb; label: string; about: string }[] = [
  { verb: "activate", label: "Activate", about: "Lets devices in that have not been active yet: they are woken, and take what their policies say in the same move." },
  { verb: "suspend", label: "Suspend", about: "The subscription in use is suspended at its carrier: no traffic until it is resumed." },
  { verb: "resume", label: "Resume", about: "The subscription in use goes back into service at its carrier." },
  { verb: "retire", label: "Retire", about: "For good: credentials are refused, policies leave it alone, and what is chosen here happens to its data and subscriptions." },
];
const ENDS: { value: Schemas["ActionSent"]["subscription"] & string; label: string }[] = [
  { value: "deactivated", label: "deactivated: off, may come back" },
  { value: "suspended", label: "suspended: no traffic, number kept" },
  { value: "terminated", label: "terminated: gone for good" },
  { value: "keep", label: "kept as they are" },
];
const UNITS = { hours: 3_600, days: 86_400, weeks: 604_800 };

interface Props {
  /** Null: nothing is asked. */
  verb: ActionVerb | null;
  who: Who;
  /** Said in the form, above what is asked: whom this reaches and whom it does not. */
  note?: React.ReactNode;
  onClose: () => void;
  onApplied?: (change: Schemas["ChangeRef"]) => void;
}

export function AskAction({ verb, who, note, onClose, onApplied }: Props) {
  const [request, setRequest] = useState<PlanRequest | undefined>();
  const format = useFormat();
  const many = "names" in who ? who.names.length : who.about;
  const whom = "names" in who && who.names.length === 1 ? who.names[0] : many === undefined ? "all that match" : `${format.number(many)} devices`;
  const label = ACTIONS.find((one) => one.verb === verb)?.label ?? verb ?? "";
  const title = `${label} ${whom}`;
  function close() {
    setRequest(undefined);
    onClose();
  }
  return (
    <>
      <Modal opened={verb !== null && request === undefined} onClose={close} title={<Text fw={600}>{title}</Text>} size="md">
        {verb !== null && <Form key={verb} verb={verb} who={who} note={note} onLeave={close} onAsked={setRequest} />}
      </Modal>
      <PlanFlow request={request} opened={request !== undefined} onClose={close} title={title} onApplied={onApplied} />
    </>
  );
}

function Form({ verb, who, note, onLeave, onAsked }: { verb: ActionVerb; who: Who; note?: React.ReactNode; onLeave: () => void; onAsked: (request: PlanRequest) => void }) {
  const [reason, setReason] = useState("");
  const [lasts, setLasts] = useState(false);
  const [count, setCount] = useState<string | number>(7);
  const [unit, setUnit] = useState<keyof typeof UNITS>("days");
  const [wipe, setWipe] = useState(true);
  const [end, setEnd] = useState<(typeof ENDS)[number]["value"]>("deactivated");
  const passage = verb === "activate" || verb === "retire";
  const wrong = lasts && !(Number(count) > 0) ? "say for how long" : undefined;

  function ask() {
    if (wrong) return;
    onAsked({
      action: {
        verb,
        ...("names" in who ? { devices: who.names } : { match: who.match }),
        ...(lasts && !passage ? { lasts_s: Math.round(Number(count) * UNITS[unit]) } : {}),
        ...(verb === "retire" ? { wipe, subscription: end } : {}),
        reason: reason.trim(),
      },
    });
  }

  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <Text size="sm">{ACTIONS.find((one) => one.verb === verb)?.about}</Text>
      {note && (
        <Text size="sm" c="dimmed" component="div">
          {note}
        </Text>
      )}
      {"match" in who && (
        <Text size="sm" component="div">
          Which devices: <code>{who.match}</code>
        </Text>
      )}
      {!passage && (
        <div>
          <Checkbox size="sm" label={verb === "suspend" ? "Only for a while, then it is taken back" : "Take it back after a while"} checked={lasts} onChange={(event) => setLasts(event.currentTarget.checked)} />
          {lasts && (
            <Group gap="xs" mt="xs" align="end">
              <NumberInput aria-label="For how long" size="sm" w={110} min={1} max={1_000} value={count} onChange={setCount} data-autofocus />
              <NativeSelect aria-label="Unit" size="sm" data={Object.keys(UNITS)} value={unit} onChange={(event) => setUnit(event.currentTarget.value as keyof typeof UNITS)} />
            </Group>
          )}
        </div>
      )}
      {verb === "retire" && (
        <>
          <Checkbox size="sm" label="Wipe its data" description="The device erases its data and says so; it must be heard for that" checked={wipe} onChange={(event) => setWipe(event.currentTarget.checked)} />
          <NativeSelect label="Its subscriptions are" size="sm" data={ENDS} value={end} onChange={(event) => setEnd(event.currentTarget.value as typeof end)} />
        </>
      )}
      <Textarea label="Reason" description="Kept in the journal, and said on each device's Why" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={500} autosize minRows={2} maxRows={5} />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onLeave}>
          Leave it
        </Button>
        <ActionButton permission="plans.make" reason={wrong} variant="filled" type="submit">
          See what it would do
        </ActionButton>
      </Group>
    </form>
  );
}
