// What one is here and may do, one's own password, and what one likes to see.
import { Button, NativeSelect, PasswordInput, SegmentedControl, Text, useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiProblem, faultAt } from "@/api/problems";
import { api, ok, useSession } from "@/api/queries";
import { AREAS } from "@/frame/areas";
import { countryName, localeName, LOCALES, myZone, useFormat, useLocaleChoice, useZoneChoice, type ZoneChoice } from "@/frame/format";
import { Facts, Ident, Panel, Problem } from "@/parts";
import { accessQuery } from "./people";
import css from "./settings.module.css";

export function Me() {
  const session = useSession();
  const access = useQuery(accessQuery);
  const words = new Map(access.data?.permissions.map((one) => [one.name, one.words]));
  return (
    <>
      <Panel title={session.name} note="who you are signed in as">
        <Facts
          items={[
            ["E-mail", session.email],
            ["Roles", session.roles.join(", ")],
            ["Departments", session.departments.length > 0 ? session.departments.join(", ") : "the whole tenant"],
            ["You may", session.permissions.map((one) => words.get(one) ?? one).join("; ")],
            ["Id", <Ident key="id" value={session.principal} />],
          ]}
        />
      </Panel>
      <Password />
    </>
  );
}

function Password() {
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const [again, setAgain] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const differ = again !== "" && again !== wanted;

  async function change() {
    setBusy(true);
    setProblem(null);
    try {
      await ok(api.PUT("/v1/session/password", { body: { current, password: wanted } }));
      window.location.assign("/sign-in"); // all of one's sessions have ended, this one too
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
    setCurrent("");
    setWanted("");
    setAgain("");
  }

  return (
    <Panel title="Password" note="all of your browser sessions end, this one too">
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!differ && !busy && current && wanted) void change();
        }}
      >
        <PasswordInput label="Current password" value={current} onChange={(event) => setCurrent(event.currentTarget.value)} autoComplete="current-password" error={faultAt(problem, "/current")} required />
        <PasswordInput label="New password" description="At least 12 characters, not your name or e-mail address" value={wanted} onChange={(event) => setWanted(event.currentTarget.value)} autoComplete="new-password" error={faultAt(problem, "/password")} required />
        <PasswordInput label="The new one again" value={again} onChange={(event) => setAgain(event.currentTarget.value)} autoComplete="new-password" error={differ ? "it is not the same" : undefined} required />
        {problem !== null && !(problem instanceof ApiProblem && problem.errors.length > 0) && <Problem error={problem} />}
        <div>
          <Button type="submit" loading={busy}>
            Change it and sign in again
          </Button>
        </div>
      </form>
    </Panel>
  );
}

export function Preferences() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [zone, setZone] = useZoneChoice();
  const [writing, setWriting] = useLocaleChoice();
  const format = useFormat();
  return (
    <>
      <Panel title="How things look" note="kept by this browser">
        <div className={css.form}>
          <div>
            <Text size="sm" fw={500} mb={4} id="settings-scheme">
              Theme
            </Text>
            <SegmentedControl size="xs" aria-labelledby="settings-scheme" value={colorScheme} onChange={(value) => setColorScheme(value as "light" | "dark" | "auto")} data={[{ value: "auto", label: "As the system" }, { value: "light", label: "Light" }, { value: "dark", label: "Dark" }]} />
          </div>
          <div>
            <Text size="sm" fw={500} mb={4} id="settings-zone">
              Times are shown in
            </Text>
            <SegmentedControl size="xs" aria-labelledby="settings-zone" value={zone} onChange={(value) => setZone(value as ZoneChoice)} data={[{ value: "mine", label: "My zone" }, { value: "device", label: "The device's zone" }, { value: "utc", label: "UTC" }]} />
            <p className={css.small} style={{ margin: "0.375rem 0 0" }}>
              {zone === "device" ? "Where a device is in view, the zone of the country it is in; elsewhere yours." : zone === "utc" ? "Everywhere." : `Yours is ${myZone()}.`}
            </p>
          </div>
        </div>
      </Panel>
      <Panel title="Numbers and dates" note="kept by this browser; words stay English">
        <NativeSelect
          label="Written as in"
          size="sm"
          maw={320}
          mb="sm"
          value={writing}
          onChange={(event) => setWriting(event.currentTarget.value)}
          data={[{ value: "auto", label: "As the browser's language has it" }, ...LOCALES.map((tag) => ({ value: tag, label: localeName(tag) })).sort((a, b) => a.label.localeCompare(b.label))]}
        />
        <Facts
          items={[
            ["A number", format.number(1234567.8)],
            ["Traffic", format.bytes(1_400_000)],
            ["Money", format.money("1234.5", "EUR")],
            ["A share", format.percent(0.125)],
            ["An instant", format.instant(Date.now())],
            ["A country", countryName("DE")],
          ]}
        />
      </Panel>
      <Panel title="Keys" note="nothing here needs a mouse">
        <Facts
          items={[
            ["/", "search any identifier, or jump to"],
            ...AREAS.map((area): [string, string] => [area.keys, area.name]),
            ["Arrows, Enter, Space", "walk a table, open a row, select it"],
          ]}
        />
      </Panel>
    </>
  );
}
