// Taking moves back: which of them is said first, then the API counts them, and only then it is done.
import { Button, Group, Modal, MultiSelect, Select, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { changeQuery, type ChangeStory } from "@/api/changes";
import type { Schemas } from "@/api/client";
import { api, ok, useWrite } from "@/api/queries";
import { faultAt } from "@/api/problems";
import { countryName, useFormat } from "@/frame/format";
import { Facts, Problem, Progress } from "@/parts";
import css from "./change.module.css";

interface Asked {
  countries: string[];
  wave: string | null;
  stage: string | null;
  devices: string;
  match: string;
  reason: string;
}
const NOTHING: Asked = { countries: [], wave: null, stage: null, devices: "", match: "", reason: "" };

function namesOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}

export function RollBack({ change, onClose }: { change: ChangeStory; onClose: () => void }) {
  const format = useFormat();
  const [asked, setAsked] = useState(NOTHING);
  const [counted, setCounted] = useState<Schemas["RollbackShown"] | null>(null);
  const [typed, setTyped] = useState("");
  const [done, setDone] = useState<Schemas["RollbackShown"] | null>(null);

  const body = (preview: boolean) => ({
    preview,
    reason: asked.reason.trim(),
    countries: asked.countries,
    devices: namesOf(asked.devices),
    match: asked.match.trim() || null,
    wave: asked.wave === null ? null : Number(asked.wave),
    stage: asked.stage === null ? null : Number(asked.stage),
  });
  const send = (preview: boolean) => (_: void, key: string) => ok(api.POST("/v1/changes/{change}/rollback", { params: { path: { change: change.id } }, body: body(preview), headers: { "Idempotency-Key": key } }));
  const preview = useWrite({ send: send(true), tellProblem: false });
  const act = useWrite({ send: send(false), touches: ["changes", "operations", "devices", "journal"], tellProblem: false });

  function ask(patch: Partial<Asked>) {
    setAsked((before) => ({ ...before, ...patch }));
    setCounted(null); // what was counted was another selection
    setTyped("");
  }

  const { story, rollout } = change;
  const countries = [...new Set(story.strata.map((one) => one.country))].sort();
  const waves = [...new Set(story.batches.map((one) => one.wave))].sort((a, b) => a - b);
  const whole = asked.countries.length === 0 && asked.wave === null && asked.stage === null && asked.match.trim() === "" && asked.devices.trim() === "";
  const ready = counted !== null && counted.devices > 0 && typed.trim() === change.title;

  return (
    <Modal opened onClose={onClose} size="lg" title={<Text fw={600}>Roll back “{change.title}”</Text>}>
      {done ? (
        <Going change={change} done={done} onClose={onClose} />
      ) : (
        <form
          className={css.form}
          onSubmit={(event) => {
            event.preventDefault();
            if (counted === null) preview.mutate(undefined, { onSuccess: setCounted });
            else if (ready) act.mutate(undefined, { onSuccess: setDone });
          }}
        >
          <Text size="sm" className="fl-dim">
            Say which moves: all conditions must hold, and with none it is all of them. The devices go back to what they were before, and do not come in by this revision again.
          </Text>
          <div className={css.pair}>
            <MultiSelect label="Countries" size="sm" data={countries.map((value) => ({ value, label: countryName(value) }))} value={asked.countries} onChange={(value) => ask({ countries: value })} placeholder={asked.countries.length === 0 ? "any" : undefined} searchable clearable />
            <Select label="Wave" data={waves.map((wave) => ({ value: String(wave), label: wave === 0 ? "as planned" : `wave ${wave}` }))} value={asked.wave} onChange={(value) => ask({ wave: value })} placeholder="any" clearable />
            <Select label="Stage" data={rollout.stages.map((percent, stage) => ({ value: String(stage), label: `${percent} %` }))} value={asked.stage} onChange={(value) => ask({ stage: value })} placeholder="any" clearable />
          </div>
          <Textarea label="Devices" description="Names, separated by commas or lines" value={asked.devices} onChange={(event) => ask({ devices: event.currentTarget.value })} autosize minRows={1} maxRows={5} spellCheck={false} placeholder="any" />
          <TextInput label="Condition" description={<>An expression over the facts of a device, such as <code>country == "BR" && batch == "2027-03"</code></>} value={asked.match} onChange={(event) => ask({ match: event.currentTarget.value })} spellCheck={false} placeholder="any" error={faultAt(preview.error, "/match")} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
          <Textarea label="Reason" required withAsterisk value={asked.reason} onChange={(event) => ask({ reason: event.currentTarget.value })} maxLength={2000} autosize minRows={1} data-autofocus />
          {preview.error && <Problem error={preview.error} />}
          {counted && (
            <div className={css.counted} aria-live="polite">
              <Facts
                items={[
                  ["Go back", <b key="d">{format.number(counted.devices)} devices{whole && counted.devices > 0 ? ", all of them" : ""}</b>],
                  ["Of them proved", format.number(counted.verified)],
                  ["Left alone", `${format.number(counted.left)}, made by later Changes`],
                ]}
              />
              {counted.devices === 0 && <Text size="sm">No move is like that: nothing would go back.</Text>}
            </div>
          )}
          {counted !== null && counted.devices > 0 && (
            <TextInput label={<>Type <code>{change.title}</code> to go on</>} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" spellCheck={false} />
          )}
          {act.error && <Problem error={act.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            {counted === null ? (
              <Button type="submit" variant="filled" loading={preview.isPending} data-disabled={asked.reason.trim() === "" || undefined} aria-disabled={asked.reason.trim() === "" || undefined}>
                Count what would go back
              </Button>
            ) : (
              <Button type="submit" color="red" loading={act.isPending} data-disabled={!ready || undefined} aria-disabled={!ready || undefined}>
                Roll {format.number(counted.devices)} back
              </Button>
            )}
          </Group>
        </form>
      )}
    </Modal>
  );
}

/** It has begun: how far it is, as events tell it. */
function Going({ change, done, onClose }: { change: ChangeStory; done: Schemas["RollbackShown"]; onClose: () => void }) {
  const format = useFormat();
  const { data = change } = useQuery(changeQuery(change.id));
  const undoing = data.story.moves.undoing ?? 0;
  return (
    <div className={css.form}>
      <Text size="sm">
        {format.number(done.devices)} devices go back. {undoing > 0 ? `${format.number(undoing)} are on their way.` : "None is on its way any more."} It goes on when this is closed.
      </Text>
      <Progress moves={data.story.moves} />
      <Group justify="flex-end">
        <Button onClick={onClose}>Close</Button>
      </Group>
    </div>
  );
}
