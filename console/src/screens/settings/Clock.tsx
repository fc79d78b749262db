// The lab's clock: how fast a day goes by here.
import { Group, NumberInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { clockQuery, useHouseNow } from "@/api/clock";
import { api, ok, queryClient, useWrite } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ActionButton, Empty, Facts, Loading, Panel, Problem } from "@/parts";
import css from "./settings.module.css";

const RATES = [
  { rate: 1, label: "As outside (×1)" },
  { rate: 60, label: "An hour a minute (×60)" },
  { rate: 3_600, label: "An hour a second (×3,600)" },
  { rate: 43_200, label: "Half a day a second (×43,200)" },
];

export function Clock() {
  const clock = useQuery(clockQuery);
  const now = useHouseNow();
  const format = useFormat();
  const [rate, setRate] = useState<string | number>(1);
  const wanted = clock.data?.wanted;
  useEffect(() => {
    if (wanted !== undefined) setRate(wanted);
  }, [wanted]);
  const set = useWrite({
    send: (to: number) => ok(api.PUT("/v1/clock", { body: { rate: to } })),
    touches: ["clock"],
    done: (made) => `The clock runs ${format.number(made.rate)} times as fast`,
    tellProblem: false,
  });
  if (clock.isPending) return <Loading what="Reading the clock" />;
  if (clock.error)
    return (
      <Panel title="Lab clock">
        <Problem error={clock.error} retry={clock.refetch} />
      </Panel>
    );
  if (!clock.data.lab)
    return (
      <Panel title="Clock">
        <Empty title="This is not a lab">Time here is the machine&apos;s, at the rate of everywhere. Only a lab has a clock to set.</Empty>
      </Panel>
    );
  const typed = Number(rate);
  return (
    <Panel title="Lab clock" note="ages, days left and breaches are counted by it">
      <div className={css.form}>
        <Facts
          items={[
            ["It is", format.exact(now)],
            ["It runs", `${format.number(clock.data.rate)} times as fast as outside${clock.data.wanted !== clock.data.rate ? `; ${format.number(clock.data.wanted)} was asked for, and open moves hold it down` : ""}`],
            ["It began", format.instant(clock.data.epoch)],
          ]}
        />
        <form
          className="fl-row"
          onSubmit={(event) => {
            event.preventDefault();
            if (typed > 0) set.mutate(typed);
          }}
        >
          <NumberInput size="sm" w={140} aria-label="Times as fast" value={rate} onChange={setRate} min={0.001} max={86_400} prefix="×" thousandSeparator="," />
          <ActionButton permission="clock.write" variant="filled" type="submit" reason={typed > 0 ? undefined : "more than nought"}>
            Set it
          </ActionButton>
        </form>
        <Group gap="xs">
          {RATES.map((one) => (
            <ActionButton key={one.rate} permission="clock.write" reason={one.rate === clock.data.wanted ? "it runs so already" : undefined} onClick={() => set.mutate(one.rate)}>
              {one.label}
            </ActionButton>
          ))}
        </Group>
        {set.error && <Problem error={set.error} retry={() => void queryClient.invalidateQueries({ queryKey: ["clock"] })} />}
        <p className={css.small} style={{ margin: 0 }}>
          Time goes on from the instant reached. While moves are open it runs at most 60 times as fast, so that no deadline is missed for the clock&apos;s sake. Setting it leaves a line in the journal.
        </p>
      </div>
    </Panel>
  );
}
