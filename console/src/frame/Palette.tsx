// One field for everything: `/` or mod+K. Any identifier of a device or its cards is looked up at the server by its
// beginning; ids with a prefix (`chg_…`) and countries lead straight there; the areas are a word away.
import { Group, Kbd, Text, useMantineColorScheme } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { createSpotlight, Spotlight } from "@mantine/spotlight";
import { IconArrowRight, IconBox, IconMoon, IconSearch, IconWorld } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, ok } from "@/api/client";
import { countriesQuery } from "@/api/queries";
import { Loading, Problem } from "@/parts/Says";
import { AREAS } from "./areas";

const IDENTIFIER = /^[\x21-\x7e]{1,64}$/;
const PRINTED: [RegExp, string, string][] = [
  [/^dev_[0-9a-z]{26,}$/, "/devices/", "Device"],
  [/^chg_[0-9a-z]{26,}$/, "/changes/", "Change"],
  [/^plan_[0-9a-z]{26,}$/, "/plans/", "Plan"],
  [/^sub_[0-9a-z]{26,}$/, "/subscriptions/", "Subscription"],
  [/^job_[0-9a-z]{26,}$/, "/jobs/", "Job"],
  [/^fnd_[0-9a-z]{26,}$/, "/findings/", "Finding"],
];

const [store, palette] = createSpotlight();
export const openPalette = palette.open;

export function Palette() {
  const [query, setQuery] = useState("");
  const [settled] = useDebouncedValue(query.trim(), 160);
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const searching = IDENTIFIER.test(settled);
  const devices = useQuery({
    queryKey: ["devices", "search", settled],
    queryFn: () => ok(api.GET("/v1/devices", { params: { query: { q: settled, limit: 8 } } })),
    enabled: searching,
    placeholderData: (before) => before,
  });
  const countries = useQuery({ ...countriesQuery, enabled: query.trim().length > 1 });
  // Enter takes the first of what is listed, without an arrow key before it.
  const arrived = devices.data;
  useEffect(() => {
    if (!settled) return;
    const frame = requestAnimationFrame(() => {
      const list = document.getElementById(store.getState().listId);
      list?.querySelector("[data-selected]")?.removeAttribute("data-selected");
      list?.querySelector("[data-action]")?.setAttribute("data-selected", "true"); // as the library marks it itself
      store.updateState((state) => ({ ...state, selected: 0 }));
    });
    return () => cancelAnimationFrame(frame);
  }, [settled, arrived]);

  const needle = query.trim().toLowerCase();
  const go = (href: string) => void navigate({ href });

  const areas = AREAS.filter((area) => area.name.toLowerCase().includes(needle));
  const lands = needle.length > 1 ? (countries.data?.items ?? []).filter((one) => one.name.toLowerCase().startsWith(needle) || one.code.toLowerCase() === needle).slice(0, 4) : [];
  const printed = PRINTED.filter(([form]) => form.test(needle));
  const found = searching && needle ? (devices.data?.items ?? []) : [];
  const schemes = (["light", "dark", "auto"] as const).filter((scheme) => needle && `theme ${scheme}`.includes(needle));

  return (
    <Spotlight.Root store={store} attributes={{ content: { "aria-label": "Search or jump to" } }} centered={false} yOffset="12vh" overlayProps={{ backgroundOpacity: 0.45, blur: 0 }} query={query} onQueryChange={setQuery} shortcut={["mod + K", "/"]} scrollable maxHeight={420} clearQueryOnClose>
      <Spotlight.Search placeholder="Device name, serial, IMEI, EID, ICCID, IMSI, MAC, IP, id, country, area…" leftSection={<IconSearch size={18} aria-hidden />} aria-label="Search or jump to" />
      <Spotlight.ActionsList>
        {printed.map(([, path, name]) => (
          <Spotlight.Action key={path} onClick={() => go(path + needle)} leftSection={<IconArrowRight size={16} aria-hidden />} label={`${name} ${needle}`} />
        ))}
        {found.length > 0 && (
          <Spotlight.ActionsGroup label="Devices">
            {found.map((device) => (
              <Spotlight.Action key={device.id} onClick={() => go(`/devices/${encodeURIComponent(device.name)}`)} leftSection={<IconBox size={16} aria-hidden />}>
                <Group justify="space-between" w="100%" wrap="nowrap">
                  <Text size="sm">{device.name}</Text>
                  <Text size="xs" c="dimmed" truncate>
                    {[device.serial, device.imei, device.facts.iccid, device.facts.country].filter(Boolean).join(" · ")}
                  </Text>
                </Group>
              </Spotlight.Action>
            ))}
          </Spotlight.ActionsGroup>
        )}
        {lands.length > 0 && (
          <Spotlight.ActionsGroup label="Countries">
            {lands.map((one) => (
              <Spotlight.Action key={one.code} onClick={() => go(`/countries/${one.code}`)} leftSection={<IconWorld size={16} aria-hidden />} label={one.name} />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {areas.length > 0 && (
          <Spotlight.ActionsGroup label="Go to">
            {areas.map((area) => (
              <Spotlight.Action key={area.to} onClick={() => go(area.to)} leftSection={<area.icon size={16} aria-hidden />} label={area.name} rightSection={<Kbd size="xs">{area.keys}</Kbd>} />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {schemes.map((scheme) => (
          <Spotlight.Action key={scheme} onClick={() => setColorScheme(scheme)} leftSection={<IconMoon size={16} aria-hidden />} label={`Theme: ${scheme}`} />
        ))}
        {searching && devices.isFetching && found.length === 0 && (
          <Spotlight.Empty>
            <Loading what={`Looking for ${settled}`} />
          </Spotlight.Empty>
        )}
        {devices.error && searching && (
          <Spotlight.Empty>
            <Problem error={devices.error} />
          </Spotlight.Empty>
        )}
        {needle && !devices.isFetching && found.length + areas.length + lands.length + printed.length + schemes.length === 0 && (
          <Spotlight.Empty>Nothing begins with “{query.trim()}”. Identifiers are found by their beginning, an IP address when it is whole and a session has it now.</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
