// One finding: what was seen and how sure that is, since when and how often, who knows, and what ended it.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type Finding, findingQuery } from "@/api/findings";
import { useFormat } from "@/frame/format";
import { Age, Author, Facts, FindingSubject, Ident, Instant, Loading, Panel, Problem, Screen, StateBadge, TextLink, wordsOf } from "@/parts";
import { Steer } from "./Steer";

export default function FindingScreen() {
  const { finding: id } = useParams({ from: "/inside/findings/$finding" });
  const found = useQuery(findingQuery(id));
  if (found.isPending || found.error)
    return (
      <Screen title="Finding">
        {found.error ? (
          <Panel>
            <Problem error={found.error} retry={found.refetch} />
          </Panel>
        ) : (
          <Loading what="Reading the finding" />
        )}
      </Screen>
    );
  return <One key={id} finding={found.data} />;
}

function One({ finding }: { finding: Finding }) {
  const format = useFormat();
  const { acknowledged, closed } = finding;
  return (
    <Screen
      title={finding.title}
      beside={
        <>
          <StateBadge state={finding.severity} /> <StateBadge state={finding.state} plain />
        </>
      }
      subtitle={
        <>
          {wordsOf(finding.kind)}
          {finding.about && `: ${finding.about}`} · <TextLink fz="inherit" underline="always" to="/findings">All findings</TextLink>
        </>
      }
      actions={<Steer finding={finding} />}
    >
      <Panel title="What it is">
        <Facts
          items={[
            ["About", <FindingSubject key="about" subject={finding.subject} />],
            ["Opened", <span key="opened"><Instant at={finding.opened_at} /> · <Age at={finding.opened_at} /></span>],
            ["Last seen", <span key="seen"><Instant at={finding.last_seen_at} /> · <Age at={finding.last_seen_at} /></span>],
            ["Seen", finding.sightings === 1 ? "once" : `${format.number(finding.sightings)} times`],
            ["How sure", finding.score === null ? null : `${Math.round(finding.score * 100)} %`],
            ["Acknowledged", acknowledged && <span key="known"><Author id={acknowledged.by} />, <Instant at={acknowledged.at} />: {acknowledged.reason}</span>],
            ["Closed", closed && <span key="closed">{closed.by === "person" ? <Author id={closed.person} /> : "it is seen no more"}, <Instant at={closed.at} />: {closed.reason}</span>],
            ["Key", <Ident key="key" value={finding.key} />],
            ["Id", <Ident key="id" value={finding.id} />],
          ]}
        />
      </Panel>
      <Panel title="Evidence" note={`as of the newest sighting, ${format.instant(finding.last_seen_at)}, where nothing else is said`}>
        {Object.keys(finding.evidence).length === 0 ? (
          <span className="fl-dim">none was given</span>
        ) : (
          <Facts items={Object.entries(finding.evidence).map(([name, fact]) => [wordsOf(name), <Said key={name} fact={fact} />])} />
        )}
      </Panel>
    </Screen>
  );
}

function Said({ fact }: { fact: Finding["evidence"][string] }) {
  const format = useFormat();
  const { value } = fact;
  if (value === null || value === undefined) return <span className="fl-dim">not known</span>;
  const words = typeof value === "number" ? format.number(value) : typeof value === "boolean" ? (value ? "yes" : "no") : Array.isArray(value) ? value.join(", ") : value;
  return (
    <span>
      {words} {fact.unit}
      {fact.at && (
        <span className="fl-dim">
          {" "}· <Age at={fact.at} what="As of" />
        </span>
      )}
    </span>
  );
}
