// What is around every screen: header, navigation, palette, the session's keeper, and the ear for live events.
import { ActionIcon, AppShell, Burger, Menu, SegmentedControl, Text, Tooltip, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { IconSearch, IconSettings, IconUser } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { api, ok } from "@/api/client";
import { useHouseClock, useHouseNow } from "@/api/clock";
import { startLive, useLiveness } from "@/api/live";
import { tenantQuery, useSession } from "@/api/queries";
import { AREAS } from "./areas";
import { InFrame } from "./Faults";
import { myZone, useFormat, useLocaleChoice, useZoneChoice, type ZoneChoice } from "./format";
import css from "./frame.module.css";
import { openPalette, Palette } from "./Palette";
import { SessionKeeper } from "./SessionKeeper";

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const [writing] = useLocaleChoice(); // another way of writing draws the screen anew
  const session = useSession();
  const tenant = useQuery(tenantQuery);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);

  useEffect(() => startLive(), []);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    close();
    main.current?.focus({ preventScroll: true }); // a new screen is read from its beginning
  }, [path, close]);
  useAreaKeys();

  return (
    <AppShell header={{ height: 46 }} navbar={{ width: 188, breakpoint: "sm", collapsed: { mobile: !opened } }} padding={0}>
      <a
        className={css.skip}
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <AppShell.Header className={css.header}>
        <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
        <Link to="/" className={css.brand}>
          <img src="/mark.svg" width={22} height={22} alt="" />
          <span className={css.hideSmall}>Fairlead</span>
        </Link>
        {tenant.data && <span className={`${css.tenant} ${css.hideSmall}`}>{tenant.data.name}</span>}
        <UnstyledButton className={css.find} onClick={openPalette} aria-keyshortcuts="/ Control+K Meta+K">
          <IconSearch size={15} aria-hidden />
          <span className={css.hideSmall}>Search any identifier, or jump to…</span>
          <span className={css.key} aria-hidden>
            /
          </span>
        </UnstyledButton>
        <div className={css.right}>
          <LabClock />
          <Live />
          <Preferences />
          <Person name={session.name} email={session.email ?? null} roles={session.roles} />
        </div>
      </AppShell.Header>
      <AppShell.Navbar className={css.nav} aria-label="Areas">
        {AREAS.map((area) => {
          const here = area.to === "/" ? path === "/" : [area.to, ...area.within].some((one) => path === one || path.startsWith(`${one}/`));
          return (
            <Link key={area.to} to={area.to} className={css.navLink} data-here={here || undefined} aria-current={here ? "page" : undefined}>
              <area.icon size={17} stroke={1.7} aria-hidden />
              {area.name}
            </Link>
          );
        })}
        <div className={css.navFoot}>Regulation shown here is not legal advice.</div>
      </AppShell.Navbar>
      <AppShell.Main ref={main} id="content" tabIndex={-1} className={css.main}>
        <InFrame value>
          <Outlet key={writing} />
        </InFrame>
      </AppShell.Main>
      <Palette />
      <SessionKeeper />
    </AppShell>
  );
}

/** `g` then a letter goes to an area. */
function useAreaKeys() {
  const navigate = useNavigate();
  const pressed = useRef(0);
  const second = AREAS.map((area): [string, () => void] => [
    area.keys.slice(2),
    () => {
      if (Date.now() - pressed.current < 1_200) void navigate({ to: area.to });
      pressed.current = 0;
    },
  ]);
  useHotkeys([["g", () => { pressed.current = Date.now(); }, { preventDefault: false }], ...second.map(([key, run]): [string, () => void, { preventDefault: boolean }] => [key, run, { preventDefault: false }])]);
}

function Live() {
  const { state, since } = useLiveness();
  const format = useFormat();
  const words = state === "live" ? "live" : state === "connecting" ? "connecting…" : `stale since ${format.time(since)}`;
  const hint = state === "live" ? "What moves is shown as it moves" : "No live updates at the moment: what you see is read again every 15 seconds, and at once when they are back";
  return (
    <Tooltip label={hint}>
      <span className={css.signal} data-state={state} role="status" tabIndex={0}>
        {words}
      </span>
    </Tooltip>
  );
}

function LabClock() {
  const clock = useHouseClock();
  const now = useHouseNow();
  const format = useFormat();
  if (!clock?.lab) return null;
  return (
    <Tooltip label="This house runs on a lab clock: ages and days left are counted by it">
      <span className={`${css.lab} ${css.hideMedium}`} tabIndex={0}>
        lab time {format.instant(now)} · ×{format.number(clock.rate)}
      </span>
    </Tooltip>
  );
}

function Preferences() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [zone, setZone] = useZoneChoice();
  return (
    <Menu position="bottom-end" width={250} closeOnItemClick={false}>
      <Tooltip label="Preferences">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="Preferences">
            <IconSettings size={18} />
          </ActionIcon>
        </Menu.Target>
      </Tooltip>
      <Menu.Dropdown p="sm">
        <Text size="xs" fw={600} mb={4} id="scheme-label">
          Theme
        </Text>
        <SegmentedControl fullWidth size="xs" aria-labelledby="scheme-label" value={colorScheme} onChange={(value) => setColorScheme(value as "light" | "dark" | "auto")} data={[{ value: "auto", label: "Auto" }, { value: "light", label: "Light" }, { value: "dark", label: "Dark" }]} />
        <Text size="xs" fw={600} mt="sm" mb={4} id="zone-label">
          Times are shown in
        </Text>
        <SegmentedControl fullWidth size="xs" aria-labelledby="zone-label" value={zone} onChange={(value) => setZone(value as ZoneChoice)} data={[{ value: "mine", label: "My zone" }, { value: "device", label: "Device's" }, { value: "utc", label: "UTC" }]} />
        <Text size="xs" c="dimmed" mt={6}>
          {zone === "device" ? "The zone of the country a device is in; elsewhere, yours." : zone === "utc" ? "Everywhere." : myZone()}
        </Text>
      </Menu.Dropdown>
    </Menu>
  );
}

function Person({ name, email, roles }: { name: string; email: string | null; roles: string[] }) {
  async function leave() {
    await ok(api.DELETE("/v1/session")).catch(() => undefined);
    window.location.assign("/sign-in"); // a fresh page: nothing of this session stays in memory
  }
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`${name}: account`}>
          <IconUser size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--fl-text)">
            {name}
          </Text>
          {email} <br />
          {roles.join(", ")}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item fz="sm" component={Link} {...({ to: "/settings" } as object)}>
          Settings
        </Menu.Item>
        <Menu.Item fz="sm" onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
