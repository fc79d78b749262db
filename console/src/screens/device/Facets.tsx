// Facet by facet: what it should be, what it says it is, and how far the two are from meeting.
import type { Schemas } from "@/api/client";
import { Age, ChangeLink, Empty, Json, Panel, StateBadge } from "@/parts";
import css from "./device.module.css";

type Facet = Schemas["FacetShown"];

function progress(facet: Facet) {
  if (facet.in_sync) return <StateBadge state="in sync" tone="ok" hint={`Generation ${facet.generation} is there`} />;
  if (facet.offered_generation >= facet.generation) return <StateBadge state="offered" tone="move" hint={`Generation ${facet.generation} was handed over; generation ${facet.observed_generation} is what the device has`} />;
  return <StateBadge state="behind" tone="warn" hint={`Generation ${facet.generation} is wanted, ${facet.offered_generation} was offered, ${facet.observed_generation} is what the device has`} />;
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
          title={facet.facet}
          note={facet.change ? <>by <ChangeLink change={facet.change} /></> : undefined}
          right={progress(facet)}
        >
          <div className={css.facet}>
            <div>
              <div className={css.caption}>
                Desired · generation {facet.generation} · <Age at={facet.changed_at} zone={zone} what="Since" never="as it began" />
              </div>
              <Json value={facet.desired} label={`Desired ${facet.facet}`} />
            </div>
            <div>
              <div className={css.caption}>
                Observed · generation {facet.observed_generation} · reported <Age at={facet.reported_at} zone={zone} />
              </div>
              <Json value={facet.reported} label={`Observed ${facet.facet}`} />
            </div>
          </div>
        </Panel>
      ))}
    </div>
  );
}
