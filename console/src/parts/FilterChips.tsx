// Filters as chips that are also the URL: a chip that is set shows its value and can be taken away with one key.
import { Menu, ScrollArea, TextInput, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useFormat } from "@/frame/format";
import css from "./parts.module.css";

export interface Option {
  value: string;
  label?: string;
  /** How many rows have it: a facet. */
  count?: number;
}

export interface Filter {
  key: string; // the search parameter
  label: string; // "Country"
  /** What can be chosen; left out: free text. */
  options?: Option[];
  /** Offered under "More" until it is set. */
  more?: boolean;
  /** How a value is read; else its option's label, or itself. */
  show?: (value: string) => string;
}

interface ChipsProps {
  filters: Filter[];
  /** The values in the URL. */
  values: Record<string, string | undefined>;
  onChange: (patch: Record<string, string | undefined>) => void;
}

export function FilterChips({ filters, values, onChange }: ChipsProps) {
  const [added, setAdded] = useState<string | null>(null);
  const set = filters.filter((filter) => values[filter.key] !== undefined);
  const shown = filters.filter((filter) => !filter.more || filter.key === added || values[filter.key] !== undefined);
  const rest = filters.filter((filter) => !shown.includes(filter));
  return (
    <div className={css.chips} role="group" aria-label="Filters">
      {shown.map((filter) => (
        <Chip key={filter.key} filter={filter} fresh={filter.key === added} value={values[filter.key]} onChange={(value) => onChange({ [filter.key]: value })} />
      ))}
      {rest.length > 0 && (
        <Menu position="bottom-start" width={220}>
          <Menu.Target>
            <UnstyledButton className={css.chipMain} c="dimmed" fz="xs" h="1.625rem">
              <IconPlus size={12} aria-hidden /> More
            </UnstyledButton>
          </Menu.Target>
          <Menu.Dropdown>
            {rest.map((filter) => (
              <Menu.Item key={filter.key} fz="sm" py={5} onClick={() => setAdded(filter.key)}>
                {filter.label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {set.length > 1 && (
        <UnstyledButton className={css.chipMain} c="dimmed" fz="xs" h="1.625rem" onClick={() => onChange(Object.fromEntries(set.map((filter) => [filter.key, undefined])))}>
          Clear all
        </UnstyledButton>
      )}
    </div>
  );
}

function Chip({ filter, fresh, value, onChange }: { filter: Filter; fresh: boolean; value: string | undefined; onChange: (value: string | undefined) => void }) {
  const [opened, setOpened] = useState(fresh && value === undefined);
  const [typed, setTyped] = useState("");
  const format = useFormat();
  const options = filter.options;
  const needle = typed.trim().toLowerCase();
  const shown = options?.filter((one) => !needle || `${one.label ?? ""} ${one.value}`.toLowerCase().includes(needle)) ?? [];
  const label = value === undefined ? null : (filter.show?.(value) ?? options?.find((one) => one.value === value)?.label ?? value);
  return (
    <Menu opened={opened} onChange={setOpened} position="bottom-start" width={260} trapFocus onClose={() => setTyped("")}>
      <span className={css.chip} data-set={value !== undefined || undefined}>
        <Menu.Target>
          <UnstyledButton className={css.chipMain} fz="xs">
            {filter.label}
            {label !== null && (
              <>
                : <b>{label}</b>
              </>
            )}
            <IconChevronDown size={12} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        {value !== undefined && (
          <UnstyledButton className={css.chipClear} onClick={() => onChange(undefined)} aria-label={`Remove the filter ${filter.label}`}>
            <IconX size={12} aria-hidden />
          </UnstyledButton>
        )}
      </span>
      <Menu.Dropdown>
        {(!options || options.length > 8) && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const wanted = options ? shown[0]?.value : typed.trim();
              if (wanted) {
                onChange(wanted);
                setOpened(false);
              }
            }}
          >
            <TextInput size="xs" m={4} placeholder={options ? "Find…" : `${filter.label}, then Enter`} aria-label={`Find ${filter.label}`} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} data-autofocus />
          </form>
        )}
        {options && (
          <ScrollArea.Autosize mah={288} type="auto">
            {shown.map((one) => (
              <Menu.Item key={one.value} fz="sm" py={5} onClick={() => onChange(one.value)} rightSection={one.count === undefined ? null : <span className={css.count}>{format.number(one.count)}</span>}>
                {one.label ?? one.value}
              </Menu.Item>
            ))}
            {shown.length === 0 && <Menu.Label>Nothing by that name</Menu.Label>}
          </ScrollArea.Autosize>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
