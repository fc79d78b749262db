// Facet by facet: what it should be, what it says it is, and how far the two are from meeting.
import type { Schemas } from "@/api/client";
import { Age, ChangeLink, Compare, Empty, Panel, StateBadge } from "@/parts";

type Facet = Schemas["FacetShown"];

function Progress({ facet }: { facet: Facet }) {
  if (facet.desired === null) return <StateBadge state="nothing desired" tone="idle" />;
  if (facet.in_sync) return <StateBadge state="in sync" tone="ok" hint={`Generation ${facet.generation} is there`} />;
  const hint = `Generation ${facet.generation} is wanted, ${facet.offered_generation} was offered, ${facet.observed_generation} is what the device has`;
  return facet.offered_generation >= facet.generation ? <StateBadge state="offered" tone="move" hint={hint} /> : <StateBadge state="behind" tone="warn" hint={hint} />;
}

export function Facets({ facets, zone }: { facets: Facet[]; zone: string | null }) {
  if (facets.length === 0)
    return (
      <Panel>
        <Empty title="Nothing is desired of this device and it has reported nothing">A policy whose condition holds for it gives it a desired state; a shadow report gives it an observed one.</Empty>
      </Panel>
    );
  return (
    <div className="fl-stack">
      {facets.map((facet) => (
        <Panel
          key={facet.facet}
          flush
          title={facet.facet}
          right={<Progress facet={facet} />}
          note={
            <>
              {facet.desired !== null && (
                <>
                  generation {facet.generation}, desired <Age at={facet.changed_at} zone={zone} what="Desired since" never="as it began" />
                  {facet.change && (
                    <>
                      {" "}by <ChangeLink change={facet.change} />
                    </>
                  )}
                  {" · "}
                </>
              )}
              reported <Age at={facet.reported_at} zone={zone} what="The device's own report" />
            </>
          }
        >
          <Compare names={["Desired", "Observed"]} left={facet.desired} right={facet.reported} />
        </Panel>
      ))}
    </div>
  );
}
