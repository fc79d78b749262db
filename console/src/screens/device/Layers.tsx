// The five layers of the control chain for one device: what is there, what is not, and what to expect then.
import { Tooltip } from "@mantine/core";
import { IconCheck, IconMinus, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { api, ok } from "@/api/client";
import { useFormat } from "@/frame/format";
import { Loading, Panel, Problem, StateBadge } from "@/parts";
import css from "./device.module.css";

const WORDS = { yes: "complete", no: "something is missing", unknown: "not all of it is known" } as const;
const TONES = { yes: "ok", no: "warn", unknown: "idle" } as const;
const MARKS = { yes: IconCheck, no: IconX, unknown: IconMinus };

export function Layers({ device }: { device: string }) {
  const format = useFormat();
  const layers = useQuery({ queryKey: ["devices", "layers", device], queryFn: () => ok(api.GET("/v1/devices/{ref}/layers", { params: { path: { ref: device } } })) });
  return (
    <Panel title="Control chain" note={layers.data ? `five layers · ${layers.data.source}, ${format.date(layers.data.source_date)}` : "five layers"} flush>
      {layers.isPending ? (
        <div className={css.pad}>
          <Loading what="Reading the control chain" />
        </div>
      ) : layers.error ? (
        <div className={css.pad}>
          <Problem error={layers.error} retry={layers.refetch} />
        </div>
      ) : (
        <ol className={css.layers}>
          {layers.data.layers.map((layer, index) => (
            <li key={layer.name}>
              <div className={css.layerHead}>
                <span className={css.layerNo}>{index + 1}</span>
                <b>{layer.name}</b>
              </div>
              <StateBadge state={layer.present} label={WORDS[layer.present]} tone={TONES[layer.present]} plain />
              <div className={css.small}>{layer.task}</div>
              <ul>
                {layer.objects.map((object) => {
                  const Mark = MARKS[object.present];
                  return (
                    <li key={object.name} data-present={object.present}>
                      <Tooltip label={object.present === "yes" ? (object.value ?? "there") : object.why}>
                        <span className={css.mark} role="img" aria-label={object.present === "yes" ? "there" : object.present === "no" ? "missing" : "not known"} tabIndex={0}>
                          <Mark size={11} stroke={3} aria-hidden />
                        </span>
                      </Tooltip>
                      <span>
                        {object.name}
                        <span className={css.objectWords}>{object.present === "yes" ? said(object.value, format.instant) : object.why}</span>
                      </span>
                    </li>
                  );
                })}
              </ul>
              {layer.failure && (
                <div className={css.failure}>
                  <b>{layer.present === "no" ? "To expect" : "If one is missing"}:</b> {layer.failure}
                </div>
              )}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

/** A value as the API words it; an instant within it in the viewer's zone. */
function said(value: string | null, instant: (at: string) => string): string {
  return (value ?? "").replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, (at) => instant(at));
}
