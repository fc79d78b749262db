// One change as a story: who wants what and why, who agreed, how it goes stage by stage and by which numbers that was
// decided, who came later, what was taken back; and the four questions.
import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { changeQuery, type ChangeStory } from "@/api/changes";
import { planQuery } from "@/api/plans";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { Age, Empty, FourTicks, Ident, Loading, Panel, Person, PlanImpact, PlanLink, Problem, Progress, Screen, StateBadge, ticksOfChange } from "@/parts";
import { Approvals } from "./Approvals";
import { About } from "./About";
import css from "./change.module.css";
import { MovePanel } from "./MovePanel";
import { Moves } from "./Moves";
import { Operations } from "./Operations";
import { search } from "./search";
import { Stages } from "./Stages";
import { Told } from "./Told";
import { Verbs } from "./Verbs";
import { Waves } from "./Waves";

export default function ChangeScreen() {
  const { change } = useParams({ from: "/inside/changes/$change" });
  const found = useQuery(changeQuery(change));
  if (found.isPending)
    return (
      <Screen title="Change">
        <Loading what="Reading the change" />
      </Screen>
    );
  if (found.error)
    return (
      <Screen title="Change">
        <Panel>
          <Problem error={found.error} retry={found.refetch} />
        </Panel>
      </Screen>
    );
  return <Shown change={found.data} />;
}

const ENDED = new Set(["closed", "aborted"]);

/** Nothing is under way: what has not come will not come by itself. */
function atRest({ story }: ChangeStory): boolean {
  const open = (counts: Record<string, number>, states: string[]) => states.some((state) => (counts[state] ?? 0) > 0);
  return !open(story.moves, ["waiting", "running", "undoing"]) && !open(story.operations, ["pending", "dispatched", "delivered", "acknowledged", "unknown"]);
}

function Shown({ change }: { change: ChangeStory }) {
  const [url, setUrl] = useUrl(search);
  const format = useFormat();
  const plan = useQuery(planQuery(change.plan));
  const tab = url.tab ?? "story";
  const { story } = change;
  const waves = story.batches.filter((batch) => batch.wave > 0).length;
  const moves = Object.values(story.moves).reduce((sum, n) => sum + n, 0);
  return (
    <Screen
      title={change.title}
      beside={
        <>
          <StateBadge state={change.state} hint={STATE[change.state]} />
          {change.emergency && <StateBadge state="" tone="bad" label="emergency" hint="It takes devices over from Changes that are moving them" />}
          {change.ends_at && !ENDED.has(change.state) && <StateBadge state="" tone="info" label={<>ends <Age at={change.ends_at} /></>} />}
        </>
      }
      subtitle={
        <>
          by <Person id={change.author} /> · <Age at={change.created_at} what="Applied" />
          {change.reason && <> · “{change.reason}”</>} · <Ident value={change.id} />
        </>
      }
      actions={<Verbs change={change} />}
    >
      {change.state === "planned" && <Approvals change={change} asks />}
      <FourTicks size="large" ticks={ticksOfChange(change.questions, format.number, atRest(change))} />
      <Panel>
        <div className={css.far}>
          <Progress moves={story.moves} />
          <ul className={css.apart} aria-label="Who takes no part">
            <Apart n={story.held_out} word="held out" hint="left as they are, to compare the others with" />
            <Apart n={story.barred} word="barred" hint="taken back, or after a stage that was: they come in by a newer revision, or when their bar is lifted" />
            <Apart n={story.waiting} word="waiting to be let in" hint="they came while it stands" />
          </ul>
        </div>
      </Panel>
      <Tabs value={tab} onChange={(next) => setUrl({ tab: next === "story" ? undefined : (next as typeof url.tab) })} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="story">Story</Tabs.Tab>
          <Tabs.Tab value="impact">Impact</Tabs.Tab>
          <Tabs.Tab value="moves">Moves <span className="fl-dim">{format.number(moves)}</span></Tabs.Tab>
          <Tabs.Tab value="operations">Operations <span className="fl-dim">{format.number(Object.values(story.operations).reduce((sum, n) => sum + n, 0))}</span></Tabs.Tab>
          <Tabs.Tab value="waves">Waves <span className="fl-dim">{format.number(waves)}</span></Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="story" className={css.sides}>
          <div className="fl-stack">
            <Stages change={change} plan={plan.data} />
            <Told change={change} />
          </div>
          <div className="fl-stack">
            <About change={change} plan={plan.data} />
            {change.state !== "planned" && <Approvals change={change} />}
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="impact">
          {plan.isPending && <Loading what="Reading its plan" />}
          {plan.error && <Problem error={plan.error} retry={plan.refetch} />}
          {plan.data && (
            <div className="fl-stack">
              <p className={css.para}>
                As it was planned, <Age at={plan.data.created_at} />: <PlanLink plan={change.plan}>see the plan</PlanLink>
              </p>
              <PlanImpact plan={plan.data} />
            </div>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="moves">
          <Moves change={change} />
        </Tabs.Panel>
        <Tabs.Panel value="operations">
          <Operations change={change} />
        </Tabs.Panel>
        <Tabs.Panel value="waves">
          {change.kind === "action" ? (
            <Panel>
              <Empty title="An action has no waves">It names its devices: nobody else enters it later.</Empty>
            </Panel>
          ) : (
            <Waves change={change} />
          )}
        </Tabs.Panel>
      </Tabs>
      <MovePanel change={change} device={url.device} onClose={() => setUrl({ device: undefined })} />
    </Screen>
  );
}

const STATE: Record<string, string> = {
  planned: "It waits until other people agree; nothing has moved",
  approved: "Agreed to; it starts now",
  running: "It goes through the fleet, stage by stage",
  paused: "No new stage opens and no new move starts, until it is resumed",
  settled: "All its stages are done",
  standing: "All its stages are done; devices that come later are moved by it",
  closed: "It is over, and takes nobody in any more",
  aborted: "It was refused, stopped or taken back whole; its revisions are dropped",
};

function Apart({ n, word, hint }: { n: number; word: string; hint: string }) {
  const format = useFormat();
  return (
    <li>
      <StateBadge state="" tone={n > 0 ? "warn" : "idle"} label={`${format.number(n)} ${word}`} hint={hint} plain />
    </li>
  );
}
