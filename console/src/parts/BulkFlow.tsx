// From a wish to a bulk action: what the verb takes, then what it would be at each carrier, then why, and only then is
// anything asked. What nothing takes back wants the number of lines typed.
//   <BulkFlow verb={verb} lines={{ iccids }} whom="3 SIMs" onClose={…} />
import { Button, Drawer, Group, Radio, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type BulkVerb, type LinesSent, useMayAsk, verbOf } from "@/api/bulk";
import { api, ok, useWrite } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ActionButton } from "./Actions";
import { BulkPreview } from "./BulkPreview";
import css from "./bulk.module.css";
import plan from "./plan.module.css";
import { Loading, Problem } from "./Says";
import { Panel } from "./Screen";

type Arguments = Record<string, unknown>;

interface Props {
  /** Null: nothing is asked. */
  verb: BulkVerb | null;
  lines: LinesSent;
  /** "12 SIMs", "all that match": in the title. */
  whom: string;
  note?: React.ReactNode;
  onClose: () => void;
}

export function BulkFlow({ verb, lines, whom, note, onClose }: Props) {
  const known = verb ? verbOf(verb) : undefined;
  return (
    <Drawer
      opened={verb !== null}
      onClose={onClose}
      position="right"
      size="min(62rem, 94vw)"
      title={<Text fw={600}>{known ? `${known.label}: ${whom}` : whom}</Text>}
      styles={{ body: { paddingBottom: 16 }, content: { background: "var(--fl-page)" }, header: { background: "var(--fl-page)", borderBottom: "1px solid var(--fl-line)" } }}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {verb && <Flow key={verb} verb={verb} lines={lines} note={note} onClose={onClose} />}
    </Drawer>
  );
}

function Flow({ verb, lines, note, onClose }: { verb: BulkVerb; lines: LinesSent; note?: React.ReactNode; onClose: () => void }) {
  const takes = verbOf(verb)?.takes;
  const forbidden = useMayAsk();
  const [given, setGiven] = useState<Arguments | null>(takes ? null : {});
  if (forbidden) return <p className="fl-dim">It cannot be asked: {forbidden}.</p>;
  return (
    <div className="fl-stack" style={{ paddingTop: 16 }}>
      <Text size="sm">{verbOf(verb)?.about}</Text>
      {note && (
        <Text size="sm" c="dimmed" component="div">
          {note}
        </Text>
      )}
      {takes && <Takes takes={takes} asked={given !== null} onAsked={setGiven} />}
      {given !== null && <Seen key={JSON.stringify(given)} verb={verb} given={given} lines={lines} onClose={onClose} />}
      {given === null && (
        <div className={plan.flowFoot}>
          <Said />
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
        </div>
      )}
    </div>
  );
}

const Said = () => (
  <span className="fl-dim" style={{ marginRight: "auto", fontSize: "var(--mantine-font-size-xs)" }}>
    Nothing has been asked of anybody
  </span>
);

function Seen({ verb, given, lines, onClose }: { verb: BulkVerb; given: Arguments; lines: LinesSent; onClose: () => void }) {
  const format = useFormat();
  const navigate = useNavigate();
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const asked = { verb, arguments: given, lines };
  const preview = useQuery({ queryKey: ["bulk-preview", asked], queryFn: () => ok(api.POST("/v1/bulk/preview", { body: asked })), gcTime: 0, staleTime: Number.POSITIVE_INFINITY });
  const start = useWrite({
    send: (expect: number, key) => ok(api.POST("/v1/bulk", { body: { ...asked, reason: reason.trim(), expect }, headers: { "Idempotency-Key": key } })),
    touches: ["bulk", "devices", "counts", "journal"],
    done: (made) => (made.state === "waiting" ? "It waits for another person" : `${format.number(made.lines)} ${made.lines === 1 ? "line is" : "lines are"} being asked`),
    tellProblem: false,
  });
  if (preview.isFetching && !preview.data) return <Loading what="Counting what it would be: nothing is asked" />;
  if (preview.error)
    return (
      <Panel>
        <Problem error={preview.error} retry={preview.refetch} />
      </Panel>
    );
  const seen = preview.data;
  if (!seen) return null;
  const final = seen.accounts.some((one) => one.able > 0 && !one.reversible);
  const count = String(seen.able);
  const wrong =
    seen.missing_count > 0 ? "some ICCIDs are no line of yours: leave them out" : seen.able === 0 ? (seen.already > 0 && seen.unable === 0 ? "every line is so already" : "no line can be asked") : reason.trim() === "" ? "say why" : final && typed.trim() !== count ? `type ${count} to go on` : undefined;
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === undefined && !start.isPending) start.mutate(seen.lines, { onSuccess: (made) => void navigate({ to: "/bulk/$bulk", params: { bulk: made.id } }) });
      }}
    >
      <BulkPreview seen={seen} />
      <Panel title={seen.approval ? "Ask for it" : "Go on"}>
        <div className="fl-stack">
          <Textarea label="Reason" description="Kept in the journal, and with the bulk action" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={2000} autosize minRows={2} maxRows={5} />
          {final && <TextInput label={<>Nothing takes it back. Type <code>{count}</code>, the number of lines that would be asked</>} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" spellCheck={false} inputMode="numeric" maw="36rem" />}
          {start.error && <Problem error={start.error} retry={() => { start.reset(); return preview.refetch(); }} />}
        </div>
      </Panel>
      <div className={plan.flowFoot}>
        <Said />
        <Button variant="default" onClick={onClose}>
          Leave it
        </Button>
        <ActionButton permission="commands.send" reason={wrong} variant="filled" color={final ? "red" : undefined} type="submit" loading={start.isPending}>
          {seen.approval ? "Ask another person to agree" : `Ask ${format.number(seen.able)} ${seen.able === 1 ? "line" : "lines"}`}
        </ActionButton>
      </div>
    </form>
  );
}

const UNITS: Record<string, number> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };

function bytesOf(text: string): number | undefined {
  const found = /^\s*(\d{1,15}(?:\.\d{1,3})?)\s*(b|kb|mb|gb|tb)\s*$/i.exec(text);
  const bytes = found ? Math.round(Number(found[1]) * (UNITS[(found[2] ?? "").toLowerCase()] ?? 0)) : 0;
  return bytes > 0 ? bytes : undefined;
}

/** What a verb is asked for. What the API makes of it is its own business; here only what cannot be read is held back. */
function Takes({ takes, asked, onAsked }: { takes: NonNullable<NonNullable<ReturnType<typeof verbOf>>["takes"]>; asked: boolean; onAsked: (given: Arguments | null) => void }) {
  const [value, setValue] = useState("");
  const [none, setNone] = useState("so");
  const [plmns, setPlmns] = useState<string[]>([]);
  const [kind, setKind] = useState("allow");
  const text = value.trim();
  const off = none === "none";
  const changed = (set: () => void) => {
    set();
    onAsked(null); // the preview was of something else
  };
  const field = (label: string, description: string, extra: object = {}) => (
    <TextInput label={label} description={description} value={value} onChange={(event) => changed(() => setValue(event.currentTarget.value))} autoComplete="off" spellCheck={false} maw="28rem" data-autofocus {...extra} />
  );
  const either = (some: string, without: string) => (
    <Radio.Group aria-label={some} value={none} onChange={(to) => changed(() => setNone(to))}>
      <Group gap="lg">
        <Radio size="sm" value="so" label={some} />
        <Radio size="sm" value="none" label={without} />
      </Group>
    </Radio.Group>
  );
  const made: { given?: Arguments; wrong?: string; form: React.ReactNode } = (() => {
    switch (takes) {
      case "plan":
        return { given: { plan: text }, wrong: text ? undefined : "say which plan", form: field("Plan", "The carrier’s own id of it", { maxLength: 128 }) };
      case "group":
        return { given: { group: off ? null : text }, wrong: off || text ? undefined : "say which group", form: <>{either("Into a group", "Out of their group")}{!off && field("Group", "The carrier’s own id of it", { maxLength: 128 })}</> };
      case "imei":
        return { given: { imei: off ? null : text }, wrong: off || /^\d{14,16}$/.test(text) ? undefined : "say which IMEI", form: <>{either("Lock to one device", "Take the lock off")}{!off && field("IMEI", "15 digits", { inputMode: "numeric", maxLength: 16 })}</> };
      case "bytes": {
        const bytes = bytesOf(value);
        return { given: { bytes: off ? null : bytes }, wrong: off || bytes ? undefined : "say how much, such as 500 MB", form: <>{either("A limit", "No limit")}{!off && field("Limit", "With its unit: 500 MB, 1.5 GB", { error: text && !bytes ? "expected an amount such as 500 MB" : undefined })}</> };
      }
      case "text":
        return { given: { text }, wrong: text ? undefined : "write the message", form: <Textarea label="Message" description="Sent as it stands to each line" value={value} onChange={(event) => changed(() => setValue(event.currentTarget.value))} maxLength={1000} autosize minRows={2} maxRows={6} data-autofocus /> };
      case "networks":
        return {
          given: { kind, plmns },
          form: (
            <div className={css.networks}>
              <Radio.Group aria-label="How they are meant" value={kind} onChange={(to) => changed(() => setKind(to))}>
                <Group gap="lg">
                  <Radio size="sm" value="allow" label="Only these" />
                  <Radio size="sm" value="block" label="All but these" />
                </Group>
              </Radio.Group>
              <TagsInput label="Networks" description="Country and network code with a dash, such as 262-02; none takes the list away" value={plmns} onChange={(to) => changed(() => setPlmns(to))} splitChars={[",", " "]} maxTags={500} clearable />
            </div>
          ),
        };
    }
  })();
  return (
    <Panel title="What is asked">
      <form
        className="fl-stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (made.wrong === undefined && made.given) onAsked(made.given);
        }}
      >
        {made.form}
        {!asked && (
          <Group justify="flex-end">
            <ActionButton reason={made.wrong} variant="filled" type="submit">
              See what it would do
            </ActionButton>
          </Group>
        )}
      </form>
    </Panel>
  );
}
