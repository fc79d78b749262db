// What happened, newest first: what people did, by the journal, and what was decided on each batch, with its numbers.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { type Batch, type ChangeStory, linesQuery } from "@/api/changes";
import type { Schemas } from "@/api/client";
import { useMay } from "@/api/queries";
import { countryName, useFormat } from "@/frame/format";
import { Empty, type Moment, Panel, Person, PolicyLink, StateBadge, Timeline, toneOf, wordsOf } from "@/parts";

type Line = Schemas["LineShown"];
const FEW = 15;

export function Told({ change }: { change: ChangeStory }) {
  const format = useFormat();
  const forbidden = useMay("journal.read");
  const lines = useQuery({ ...linesQuery(change.id), enabled: forbidden === undefined });
  const [all, setAll] = useState(false);
  const moments = useMemo(() => {
    const decided = change.story.batches.filter((batch) => batch.decided_at !== null).map((batch) => decision(batch, format.number));
    const said = (lines.data?.items ?? []).flatMap((line) => lineMoment(line, format.number));
    return [...decided, ...said].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  }, [change.story.batches, lines.data, format]);
  return (
    <Panel title="What happened" note={forbidden ? "decisions only: what people did is in the journal, and reading that " + forbidden : "by people and by itself, newest first"}>
      {moments.length === 0 && <Empty title="Nothing yet">Each decision on a stage is told here with its numbers, and everything that somebody did.</Empty>}
      <Timeline label="What happened" moments={all ? moments : moments.slice(0, FEW)} />
      {moments.length > FEW && (
        <Button variant="default" onClick={() => setAll(!all)}>
          {all ? "Only the newest" : `All ${format.number(moments.length)}`}
        </Button>
      )}
    </Panel>
  );
}

function decision(batch: Batch, number: (n: number) => string): Moment {
  const told = batch.decision ?? {};
  const share = told.admitted && told.failed !== undefined ? Math.round((100 * told.failed) / told.admitted) : 0;
  const numbers = told.admitted !== undefined
    ? [`${number(told.verified ?? 0)} of ${number(told.admitted)} verified`, `${number(told.failed ?? 0)} failed${told.failed ? ` (${share} %)` : ""}`, told.open ? `${number(told.open)} still open` : "", told.superseded ? `${number(told.superseded)} superseded` : "", `at most ${told.max_failed_percent ?? 0} % may fail`]
    : [told.undone !== undefined ? `${number(told.undone)} taken back` : ""];
  return {
    id: `b${batch.wave}/${batch.country}/${batch.carrier}/${batch.stage}`,
    at: batch.decided_at ?? "",
    tone: toneOf(batch.state),
    title: (
      <>
        <b>{countryName(batch.country)}</b> {batch.carrier}, {batch.wave === 0 ? `${batch.percent} %` : `wave ${number(batch.wave)}`}: <StateBadge state={batch.state} plain />
      </>
    ),
    detail: numbers.filter(Boolean).join(" · "),
  };
}

const SAID: Record<string, string> = {
  "change.applied": "applied the plan",
  "change.approved": "agreed",
  "change.refused": "refused",
  "change.started": "started it",
  "change.paused": "paused it",
  "change.resumed": "resumed it",
  "change.stopped": "stopped it",
  "change.aborted": "aborted",
  "change.settled": "settled",
  "change.closed": "closed",
  "stage.opened": "opened a stage",
  "wave.opened": "opened a wave",
  "wave.admitted": "let waiting devices in",
  "rollback.started": "began to take back",
};
const TONE: Record<string, Moment["tone"]> = { "change.approved": "ok", "change.refused": "bad", "change.aborted": "bad", "change.stopped": "bad", "change.settled": "ok", "rollback.started": "warn", "change.paused": "warn", "change.started": "move", "stage.opened": "move", "wave.opened": "info" };

function lineMoment(line: Line, number: (n: number) => string): Moment[] {
  const said = SAID[line.action];
  if (said === undefined) return []; // decisions are told with country and carrier from the batches; operations have a tab
  if (line.actor.startsWith("system/") && line.reason.startsWith("rolled back: ")) return []; // somebody asked for it, and that is told
  const payload = line.payload as Record<string, unknown>;
  const count = (key: string, words: string) => (typeof payload[key] === "number" ? `${number(payload[key])} ${words}` : "");
  const moves = payload.moves as Record<string, number> | undefined;
  const detail = [
    line.reason && `“${line.reason}”`,
    count("percent", "%"),
    count("admitted", "admitted"),
    count("in_flight_elsewhere", "were being moved by another Change"),
    count("devices", "devices"),
    count("verified", "of them proved"),
    count("left", "left to later Changes"),
    moves ? Object.entries(moves).map(([state, n]) => `${number(n)} ${wordsOf(state)}`).join(", ") : "",
    payload.barred ? count("barred", "barred") : "",
    Array.isArray(payload.collisions) ? "policies of one priority contradict each other" : "",
  ].filter((one) => one && !/^0 (were|left)/.test(one));
  return [{ id: line.id, at: line.at, tone: TONE[line.action] ?? "idle", title: <>{who(line.actor)} {said}{line.action === "wave.opened" && typeof payload.wave === "number" ? ` (${payload.wave})` : ""}</>, detail: detail.join(" · ") }];
}

/** `usr_…`, `policy/brazil@3`, `system/stages`. */
export function who(actor: string): ReactNode {
  if (actor.startsWith("usr_")) return <b><Person id={actor} /></b>;
  const policy = /^policy\/(.+)@(\d+)$/i.exec(actor);
  if (policy?.[1]) return <b><PolicyLink policy={policy[1]} /> <span className="fl-dim">revision {policy[2]}</span></b>;
  if (actor.startsWith("system/")) return <span className="fl-dim">The server</span>;
  return <b>{actor}</b>;
}
