// Home: six questions about the whole fleet, each with an honest answer; beneath them what moves, what was decided and
// what comes next. Made to be left open on a wall.
import { useQuery } from "@tanstack/react-query";
import { Loading, Panel, Problem, Screen } from "@/parts";
import { Broken, Changing, Cost, IllegalSoon, Online, Ready } from "./Answers";
import { Decisions, NextBreaches, OpenChanges } from "./Below";
import css from "./home.module.css";
import { type Home, homeQuery } from "./queries";

export default function HomeScreen() {
  const found = useQuery(homeQuery);
  const home = found.data;
  return (
    <Screen title="Home" subtitle={home ? summary(home) : "The fleet at a glance"}>
      {found.isPending && (
        <Panel>
          <Loading what="Asking how the fleet is" />
        </Panel>
      )}
      {found.error && (
        <Panel>
          <Problem error={found.error} retry={found.refetch} />
        </Panel>
      )}
      {home && (
        <>
          <div className={css.cards}>
            <Online home={home} />
            <Broken home={home} />
            <IllegalSoon home={home} />
            <Changing home={home} />
            <Cost home={home} />
            <Ready home={home} />
          </div>
          <div className={css.below}>
            <OpenChanges />
            <Decisions />
            <NextBreaches home={home} />
          </div>
        </>
      )}
    </Screen>
  );
}

/** How many answers ask for somebody. */
function summary(home: Home): string {
  const states = [home.online, home.broken, home.illegal_soon, home.changing, home.cost, home.ready_to_scale].map((one) => one.state);
  const count = (state: string) => states.filter((one) => one === state).length;
  const parts = [
    count("bad") > 0 && `${count("bad")} to act on`,
    count("warn") > 0 && `${count("warn")} to look at`,
    count("ok") > 0 && `${count("ok")} fine`,
    count("unknown") > 0 && `${count("unknown")} not known`,
    count("not_built") > 0 && `${count("not_built")} not built yet`,
  ].filter(Boolean);
  return `Of six questions: ${parts.join(", ")}`;
}
