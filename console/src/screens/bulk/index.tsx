// One bulk action: how far it is, what became of each of its lines and why, and what can be done with it.
import { Button, UnstyledButton } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { argumentsInWords, type Bulk, bulkPage, bulkQuery, LINE_STATES, selectedInWords, verbLabel } from "@/api/bulk";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { Age, Author, BulkLink, BulkProgress, Facts, Ident, Instant, Loading, Panel, Problem, Screen, StateBadge, TextLink } from "@/parts";
import css from "./bulk.module.css";
import { Lines } from "./Lines";
import { search } from "./search";
import { Steer } from "./Steer";

export default function BulkScreen() {
  const { bulk: id } = useParams({ from: "/inside/bulk/$bulk" });
  const found = useQuery(bulkQuery(id));
  if (found.isPending || found.error)
    return (
      <Screen title="Bulk action">
        {found.error ? (
          <Panel>
            <Problem error={found.error} retry={found.refetch} />
          </Panel>
        ) : (
          <Loading what="Reading the bulk action" />
        )}
      </Screen>
    );
  return <One key={id} bulk={found.data} />;
}

function One({ bulk }: { bulk: Bulk }) {
  const format = useFormat();
  const [url, setUrl] = useUrl(search);
  const args = argumentsInWords(bulk.arguments, format.bytes);
  const title = verbLabel(bulk.verb);
  const shown = LINE_STATES.filter((state) => (bulk.by_state[state] ?? 0) > 0 || url.state === state);
  return (
    <Screen
      fill
      title={`${title}: ${format.number(bulk.lines)} ${bulk.lines === 1 ? "line" : "lines"}`}
      beside={<StateBadge state={bulk.state} />}
      subtitle={
        <>
          Asked by <Author id={bulk.author} /> <Age at={bulk.created_at} />
          {bulk.undo_of && (
            <>
              {" "}· takes back <BulkLink bulk={bulk.undo_of}>an earlier one</BulkLink>
            </>
          )}{" "}
          · <TextLink fz="inherit" underline="always" to="/connectivity" search={{ tab: "bulk" }}>All bulk actions</TextLink>
        </>
      }
      actions={
        <>
          <Button component="a" variant="default" leftSection={<IconDownload size={14} aria-hidden />} href={`/v1/bulk/${bulk.id}/lines.csv`} download>
            Result as CSV
          </Button>
          <Steer bulk={bulk} />
        </>
      }
    >
      {bulk.state === "waiting" && (
        <div className={css.waits} role="note">
          It waits for another person: nothing has been asked of any carrier.
        </div>
      )}
      <div className={css.head}>
        <Panel title="How far" note={bulk.state === "running" ? "it goes on when you leave" : undefined}>
          <BulkProgress counts={bulk.by_state} />
          <div className={css.states} role="group" aria-label="Lines by state">
            {shown.map((state) => (
              <UnstyledButton key={state} className={css.state} aria-pressed={url.state === state} onClick={() => setUrl({ state: url.state === state ? undefined : state, line: undefined })}>
                <StateBadge state={state} plain /> <b className="fl-num">{format.number(bulk.by_state[state] ?? 0)}</b>
              </UnstyledButton>
            ))}
          </div>
        </Panel>
        <Panel title="What was asked">
          <Facts
            items={[
              ["Verb", args ? `${title}: ${args}` : title],
              ["Lines", selectedInWords(bulk.selected, format.number)],
              ["Reason", bulk.reason || null],
              ["Begun", <Instant key="begun" at={bulk.started_at} never="not yet" />],
              ["Ended", <Instant key="ended" at={bulk.settled_at} never="not yet" />],
              ...(bulk.approver ? ([["Agreed to by", <Author key="approver" id={bulk.approver} />]] as [string, React.ReactNode][]) : []),
              ["Taken back by", <TakenBack key="back" bulk={bulk} />],
              ["Id", <Ident key="id" value={bulk.id} />],
            ]}
          />
        </Panel>
      </div>
      <Lines bulk={bulk} url={url} setUrl={setUrl} />
    </Screen>
  );
}

/** The bulk actions that take this one back, among the newest hundred. */
function TakenBack({ bulk }: { bulk: Bulk }) {
  const listed = useQuery({ queryKey: ["bulk", "undos"], queryFn: () => bulkPage(undefined, 100) });
  const undos = (listed.data?.items ?? []).filter((one) => one.undo_of === bulk.id);
  if (undos.length === 0) return <span className="fl-dim">{listed.isPending ? "…" : "none"}</span>;
  return (
    <>
      {undos.map((one) => (
        <span key={one.id}>
          <BulkLink bulk={one.id}>one that is {one.state}</BulkLink> <Age at={one.created_at} />
        </span>
      ))}
    </>
  );
}
