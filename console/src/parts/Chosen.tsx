// What is chosen in a table, and what can be asked of it: rows by hand, or all that match the filters as a condition.
import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { Schemas } from "@/api/client";
import type { ActionVerb } from "@/api/plans";
import { useMay } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ACTIONS, AskAction } from "./AskAction";

export const MOST_NAMES = 10_000; // of one action; more go by a condition

interface Props {
  /** Names of the devices behind the selected rows. */
  names: string[];
  /** Said beside the number: "12 SIMs in 10 devices". */
  words?: string;
  /** All that match the filters: a condition of the API's own facts, or why there is none. */
  all?: { match: string; about?: number } | { not: string };
  note?: ReactNode;
  /** On the button, where it is not the only one: "Act on devices". */
  label?: string;
  onClear: () => void;
  onApplied: (change: Schemas["ChangeRef"]) => void;
}

export function Chosen({ names, words, all, note, label, onClear, onApplied }: Props) {
  const format = useFormat();
  const [asked, setAsked] = useState<{ verb: ActionVerb; which: "names" | "all" } | null>(null);
  const forbidden = useMay("plans.make");
  const tooMany = names.length > MOST_NAMES ? `an action names ${format.number(MOST_NAMES)} devices at most: use filters and “all that match”` : undefined;
  const match = all && "match" in all ? all : undefined;
  const item = (verb: ActionVerb, label: string, which: "names" | "all", reason: string | undefined) => (
    <Menu.Item key={`${verb}${which}`} fz="sm" py={5} disabled={reason !== undefined} c={verb === "retire" ? "var(--fl-bad-text)" : undefined} onClick={() => setAsked({ verb, which })}>
      {label}…
    </Menu.Item>
  );
  return (
    <>
      {names.length > 0 && (
        <>
          <span>{words ?? `${format.number(names.length)} chosen`}</span>
          <Button variant="subtle" color="gray" size="compact-xs" onClick={onClear}>
            Choose none
          </Button>
        </>
      )}
      <Menu position="bottom-end" width={300}>
        <Menu.Target>
          <Button variant={names.length > 0 && label === undefined ? "filled" : "default"} size="compact-xs" rightSection={<IconChevronDown size={12} aria-hidden />}>
            {label ?? "Act"}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label style={{ whiteSpace: "normal" }}>{names.length > 0 ? `The ${format.number(names.length)} chosen ${names.length === 1 ? "device" : "devices"}` : "Choose rows to act on them"}</Menu.Label>
          {names.length > 0 && ACTIONS.map((one) => item(one.verb, one.label, "names", forbidden ?? tooMany))}
          {(forbidden ?? tooMany) && names.length > 0 && <Menu.Label style={{ whiteSpace: "normal" }}>{forbidden ?? tooMany}</Menu.Label>}
          <Menu.Divider />
          <Menu.Label style={{ whiteSpace: "normal" }}>
            {match ? `All that match the filters${match.about === undefined ? "" : ` (${format.number(match.about)})`}` : `All that match: ${all && "not" in all ? all.not : "set a filter first"}`}
          </Menu.Label>
          {match && ACTIONS.map((one) => item(one.verb, one.label, "all", forbidden))}
        </Menu.Dropdown>
      </Menu>
      <AskAction
        verb={asked?.verb ?? null}
        who={asked?.which === "all" && match ? { match: match.match, about: match.about } : { names }}
        note={note}
        onClose={() => setAsked(null)}
        onApplied={onApplied}
      />
    </>
  );
}

/** A value as a condition writes it. */
export function quoted(value: string): string {
  return JSON.stringify(value);
}
