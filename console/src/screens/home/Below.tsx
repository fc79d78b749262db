// Beneath the answers: Changes under way as they move, what was decided last, and where the next breaches are.
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Change, useMay } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { Age, ChangeLink, CountryLink, Empty, FourTicks, Loading, Panel, Problem, StateBadge, TextLink, ticksOfChange } from "@/parts";
import { DaysBar } from "../countries/DaysBar";
import { actionWords, Actor, digest, toneOfAction } from "../journal/words";
import css from "./home.module.css";
import { changeQuery, changesQuery, decisionsQuery, type Home } from "./queries";

const RANK = ["paused", "running", "approved", "planned", "draft", "settled", "standing"];
const SHOWN = 6;

export function OpenChanges() {
  const barred = useMay("changes.read");
  const format = useFormat();
  const list = useQuery({ ...changesQuery, enabled: barred === undefined });
  const open = (list.data?.items ?? []).filter((one) => RANK.includes(one.state)).sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state));
  const shown = open.slice(0, SHOWN);
  const stories = useQueries({ queries: shown.map((one) => changeQuery(one.id)) });
  return (
    <Panel title="Changes under way" note={list.data && open.length > shown.length ? `${format.number(shown.length)} of ${format.number(open.length)}` : undefined} right={<TextLink fz="xs" to="/changes">All Changes</TextLink>}>
      {barred && <Barred why={barred} />}
      {list.error && <Problem error={list.error} retry={list.refetch} />}
      {!barred && list.isPending && <Loading what="Reading the Changes" />}
      {list.data && open.length === 0 && <Empty title="Nothing is under way">A Change begins as a plan: edit a policy, look at what it would touch, then apply it.</Empty>}
      <ul className={css.list}>
        {shown.map((one, index) => (
          <OneChange key={one.id} change={one} questions={stories[index]?.data?.questions as Record<string, unknown> | undefined} />
        ))}
      </ul>
    </Panel>
  );
}

function OneChange({ change, questions }: { change: Change; questions: Record<string, unknown> | undefined }) {
  const format = useFormat();
  const { yes = 0, of = 0 } = (questions?.confirmed ?? {}) as { yes?: number; of?: number };
  return (
    <li className={css.change}>
      <span className={css.changeHead}>
        <ChangeLink change={change.id}>{change.title}</ChangeLink>
        <StateBadge state={change.state} plain />
      </span>
      <span className={css.progress} role="img" aria-label={questions ? `${yes} of ${of} confirmed by facts` : "reading how far it is"}>
        <span style={{ width: of > 0 ? `${(100 * yes) / of}%` : 0 }} />
      </span>
      <span className={css.changeFoot}>
        {questions ? `${format.number(yes)} of ${format.number(of)} confirmed` : "…"}
        {questions && <FourTicks ticks={ticksOfChange(questions, format.number)} size="compact" />}
        <Age at={change.started_at ?? change.created_at} what={change.started_at ? "Started" : "Made"} />
      </span>
    </li>
  );
}

export function Decisions() {
  const barred = useMay("journal.read");
  const found = useQuery({ ...decisionsQuery, enabled: barred === undefined });
  const changes = useQuery({ ...changesQuery, enabled: useMay("changes.read") === undefined });
  const titles = new Map(changes.data?.items.map((one) => [one.id, one.title]));
  return (
    <Panel title="Decided last" note="about Changes" right={<TextLink fz="xs" to="/journal" search={{ subject_kind: "change" }}>Journal</TextLink>}>
      {barred && <Barred why={barred} />}
      {found.error && <Problem error={found.error} retry={found.refetch} />}
      {!barred && found.isPending && <Loading what="Reading the journal" />}
      {found.data?.length === 0 && <Empty title="Nothing was decided yet">Who applied, approved, stopped or rolled back a Change, and what a stage's gate decided, is told here as it happens.</Empty>}
      <ul className={css.list}>
        {found.data?.slice(0, 8).map((line) => (
          <li key={line.id} className={css.decision}>
            <Link to="/journal" search={{ line: line.id, at: line.at, subject_kind: "change" }}>
              <StateBadge state="" plain tone={toneOfAction(line.action)} label={actionWords(line.action)} />
            </Link>
            <Age at={line.at} />
            <span className={css.decisionWhy}>
              <span>{titles.get(line.subject_id) ?? line.subject_id}</span> · <Actor actor={line.actor} /> · {line.reason || digest(line.payload)}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function NextBreaches({ home }: { home: Home }) {
  const format = useFormat();
  const { countries, needs, notice, breached } = home.illegal_soon;
  return (
    <Panel title="Next breaches by country" note="not legal advice" right={<TextLink fz="xs" to="/countries" search={{ within_days: "90" }}>Countries</TextLink>}>
      {needs && <Barred why={`needs ${needs}`} />}
      {!needs && breached === null && <Empty title="The clocks were not counted yet">They are counted every thirty seconds, by a worker.</Empty>}
      {!needs && breached !== null && countries.length === 0 && <Empty title="No clock runs out within 90 days">{notice}</Empty>}
      <ul className={css.list}>
        {countries.slice(0, 8).map((one) => {
          const due = [
            one.breached > 0 && `${format.number(one.breached)} past the limit`,
            one.within_7 > 0 && `${format.number(one.within_7)} within 7 days`,
            one.within_30 > 0 && `${format.number(one.within_30)} within 30`,
            one.within_90 > 0 && `${format.number(one.within_90)} within 90`,
          ].filter(Boolean);
          return (
            <li key={one.country ?? ""} className={css.breach}>
              <span>{one.country ? <CountryLink code={one.country} /> : "country not known"}</span>
              <DaysBar here={{ ...one, devices: 0, roaming: 0, later: 0, no_clock: 0 }} />
              <span className={css.due}>{due.join(" · ")}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function Barred({ why }: { why: string }) {
  return <p className="fl-dim" style={{ margin: 0, fontSize: "var(--mantine-font-size-sm)" }}>Not shown to you: {why}.</p>;
}
