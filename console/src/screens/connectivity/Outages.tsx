// Outages: every network against what is usual for it, and which share of the time devices could be reached against
// what they were promised. Both from the same five-minute counts (docs/operate/outages.md).
import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, ok, type Schemas } from "@/api/client";
import { useHouseClock, useHouseNow } from "@/api/clock";
import { type PageOf, usePages } from "@/api/queries";
import { span, useFormat } from "@/frame/format";
import { Age, CarrierLink, CountryLink, Empty, Loading, Panel, Problem, StateBadge, TextLink } from "@/parts";
import base from "./baseline.module.css";
import css from "./outages.module.css";
import type { search } from "./search";

type Stratum = Schemas["StratumShown"];
type Part = Schemas["PartShown"];
type Url = ReturnType<typeof search>;
type By = NonNullable<Url["by"]>;

const KINDS: Record<Stratum["kind"], string> = { core: "core", account: "carrier account", family: "profiles" };
const BYS: { value: By; label: string }[] = [
  { value: "group", label: "Group" },
  { value: "country", label: "Country" },
  { value: "carrier", label: "Carrier" },
  { value: "core", label: "Core" },
  { value: "all", label: "Whole fleet" },
];
const WINDOWS = { "24h": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000 } as const;

export function Outages({ url, setUrl }: { url: Url; setUrl: (patch: Partial<Url>) => void }) {
  return (
    <div className="fl-stack">
      <Networks />
      <Availability by={url.by ?? "group"} within={url.within ?? "30d"} setUrl={setUrl} />
    </div>
  );
}

function Networks() {
  const head = useQuery({ queryKey: ["findings", "outages", "head"], queryFn: () => ok(api.GET("/v1/outages", { params: { query: { limit: 1 } } })), refetchInterval: 60_000 });
  const pages = usePages<Stratum>(["findings", "outages"], (cursor) => ok(api.GET("/v1/outages", { params: { query: { cursor, limit: 200 } } })) as Promise<PageOf<Stratum>>);
  const format = useFormat();
  if (pages.loading) return <Loading what="Reading what was heard" />;
  if (pages.error) return <Panel><Problem error={pages.error} retry={pages.retry} /></Panel>;
  const out = pages.rows.filter((one) => one.blamed).length;
  return (
    <Panel
      title="Networks against what is usual for them"
      note={out > 0 ? `${format.number(out)} out` : "nothing is out"}
      right={head.data?.at ? <Age at={head.data.at} oldAfterS={900} what="Counted every five minutes" /> : undefined}
      flush
    >
      {pages.rows.length === 0 ? (
        <div className={css.pad}>
          <Empty title="Nothing was counted yet">Every five minutes it is counted how many devices of each carrier account, upstream core and profile family are heard. It begins when a device was seen on a network.</Empty>
        </div>
      ) : (
        <div className={base.scroll}>
          <table className={base.rows} aria-label="Networks">
            <thead>
              <tr>
                <th scope="col">Network</th>
                <th scope="col">What</th>
                <th scope="col">State</th>
                <th scope="col" className={css.right}>Devices</th>
                <th scope="col" className={css.right}>Missing</th>
                <th scope="col" className={css.right}>Strayed</th>
                <th scope="col" className={css.wide}>Failing, usual and bound</th>
                <th scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((one) => (
                <Network key={`${one.kind}:${one.name}`} one={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages.more && (
        <div className={css.pad}>
          <Button variant="default" onClick={() => void pages.loadMore()} loading={pages.loadingMore}>
            Further networks
          </Button>
        </div>
      )}
      <p className={css.foot}>
        Missing: not heard on any network. Strayed: heard on another network since less than an hour, and not sent there. What is out is a <TextLink fz="inherit" to="/findings">finding</TextLink>; a policy on the fact <code>outage</code> moves its devices.
      </p>
    </Panel>
  );
}

function Network({ one }: { one: Stratum }) {
  const format = useFormat();
  return (
    <tr>
      <td>
        {one.kind === "account" ? <CarrierLink account={one.name} /> : one.name}
      </td>
      <td className={base.missing}>{KINDS[one.kind]}</td>
      <td>
        <StateBadge state={one.state} hint={one.state === "out" && !one.blamed ? "Told by what is wider" : one.state === "learning" ? "Less than an hour of its past is known" : undefined} />
      </td>
      <td className={css.right}>{format.number(one.expected)}</td>
      <td className={css.right}>{format.number(one.missing)}</td>
      <td className={css.right}>{format.number(one.strayed)}</td>
      <td>
        <Meter one={one} />
      </td>
      <td>{one.since ? <Age at={one.since} /> : "–"}</td>
    </tr>
  );
}

/** The failing share, with a mark at what is usual and one at the bound. The words say the same. */
function Meter({ one }: { one: Stratum }) {
  const format = useFormat();
  const at = (share: number) => ({ left: `${100 * Math.min(1, share)}%` });
  return (
    <span className={css.meter}>
      <span className={css.track} aria-hidden>
        <span className={css.fill} data-bad={one.state === "out" || one.state === "suspected" || undefined} style={{ width: `${100 * Math.min(1, one.rate)}%` }} />
        {one.usual_rate !== null && <span className={css.usual} style={at(one.usual_rate)} />}
        {one.opens_at !== null && <span className={css.bound} style={at(one.opens_at)} />}
      </span>
      <span className={css.words}>
        {format.percent(one.rate)}
        {one.usual_rate !== null && <span className={base.missing}> · usual {format.percent(one.usual_rate)}, out above {format.percent(one.opens_at)}</span>}
      </span>
    </span>
  );
}

function Availability({ by, within, setUrl }: { by: By; within: keyof typeof WINDOWS; setUrl: (patch: Partial<Url>) => void }) {
  const now = useHouseNow();
  const known = useHouseClock() !== undefined; // a window before that would be of the browser's time
  const ask = (cursor: string | undefined, limit: number) =>
    ok(api.GET("/v1/availability", { params: { query: { group_by: by, from: new Date(now - WINDOWS[within]).toISOString(), cursor, limit } } }));
  const head = useQuery({ queryKey: ["counts", "availability", "head", by, within], queryFn: () => ask(undefined, 1), staleTime: 60_000, enabled: known });
  const pages = usePages<Part>(["counts", "availability", by, within], (cursor) => ask(cursor, 200) as Promise<PageOf<Part>>, known);
  const format = useFormat();
  const measured = head.data;
  return (
    <Panel
      title="Availability"
      note="by contact, against what was promised"
      right={
        <span className={css.choices}>
          <SegmentedControl size="xs" aria-label="Told apart by" value={by} onChange={(next) => setUrl({ by: next === "group" ? undefined : (next as By) })} data={BYS} />
          <SegmentedControl size="xs" aria-label="Within" value={within} onChange={(next) => setUrl({ within: next === "30d" ? undefined : (next as Url["within"]) })} data={Object.keys(WINDOWS)} />
        </span>
      }
      flush
    >
      {pages.loading || !known ? (
        <Loading what="Adding up device minutes" />
      ) : pages.error ? (
        <Problem error={pages.error} retry={pages.retry} />
      ) : pages.rows.length === 0 ? (
        <div className={css.pad}>
          <Empty title="Nothing was counted in that time">Availability is counted from the first device that was heard on; nothing is made up for the time before.</Empty>
        </div>
      ) : (
        <div className={base.scroll}>
          <table className={base.rows} aria-label="Availability">
            <thead>
              <tr>
                <th scope="col">{BYS.find((one) => one.value === by)?.label}</th>
                <th scope="col">Objective</th>
                <th scope="col" className={css.right}>Availability</th>
                <th scope="col" className={css.right}>Missing minutes</th>
                <th scope="col" className={css.right}>Allowed</th>
                <th scope="col" className={css.right}>On another network</th>
                <th scope="col" className={css.right}>Device minutes</th>
                <th scope="col">Heard every</th>
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((one) => (
                <tr key={one.name}>
                  <td>{nameOf(one.name, by)}</td>
                  <td>
                    {format.share(one.objective)} <StateBadge state={one.met ? "met" : "missed"} tone={one.met ? "ok" : "bad"} plain />
                  </td>
                  <td className={css.right}>{format.share(one.availability)}</td>
                  <td className={css.right}>{format.number(one.missing_minutes)}</td>
                  <td className={css.right}>{format.number(one.allowed_minutes)}</td>
                  <td className={css.right}>{format.number(one.elsewhere_minutes)}</td>
                  <td className={css.right}>{format.number(one.expected_minutes)}</td>
                  <td>{span(one.heard_every_s)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages.more && (
        <div className={css.pad}>
          <Button variant="default" onClick={() => void pages.loadMore()} loading={pages.loadingMore}>
            Further rows
          </Button>
        </div>
      )}
      <p className={css.foot}>
        {measured?.measured_from && (
          <>
            Counted since <Age at={measured.measured_from} />, {format.percent(measured.measured_share)} of the time since.{" "}
          </>
        )}
        What was seen from here, not what a network measured of itself. A promise is made with <code>fairlead objective set GROUP --percent 99.5 --heard-every 6h</code>; without one it is 99.9 % and 15 minutes.
      </p>
    </Panel>
  );
}

function nameOf(name: string, by: By) {
  if (by === "all") return "the whole fleet";
  if (name === "") return <span className={base.missing}>none</span>;
  if (by === "country") return <CountryLink code={name} />;
  return by === "carrier" ? <CarrierLink account={name} /> : name;
}
