// What can be asked of chosen SIMs, or of all that match the filters: every verb, each with its preview first.
import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { BULK_VERBS, type BulkVerb, type LinesSent, useMayAsk } from "@/api/bulk";
import { useFormat } from "@/frame/format";
import { BulkFlow } from "./BulkFlow";

interface Props {
  iccids: string[];
  /** The filters as the API's own conditions; or why they cannot be said so. */
  all: { lines: LinesSent } | { not: string };
}

export function ActOnLines({ iccids, all }: Props) {
  const format = useFormat();
  const forbidden = useMayAsk();
  const [asked, setAsked] = useState<{ verb: BulkVerb; which: "chosen" | "all" } | null>(null);
  const chosen = iccids.length > 0;
  const lines = "lines" in all ? all.lines : undefined;
  const which = chosen ? "chosen" : "all";
  const stuck = forbidden ?? (chosen || lines ? undefined : "not" in all ? all.not : undefined);
  const whom = asked?.which === "chosen" ? `${format.number(iccids.length)} ${iccids.length === 1 ? "SIM" : "SIMs"}` : "all SIMs that match the filters";
  return (
    <>
      <Menu position="bottom-end" width={280}>
        <Menu.Target>
          <Button variant={chosen ? "filled" : "default"} size="compact-xs" rightSection={<IconChevronDown size={12} aria-hidden />}>
            Act on {chosen ? format.number(iccids.length) : ""} SIMs
          </Button>
        </Menu.Target>
        <Menu.Dropdown mah="min(34rem, 80vh)" style={{ overflowY: "auto" }}>
          <Menu.Label style={{ whiteSpace: "normal" }}>
            {chosen ? `The ${format.number(iccids.length)} chosen ${iccids.length === 1 ? "SIM" : "SIMs"}: in a device or not` : lines ? "All SIMs that match the filters; or choose rows" : `All that match: ${stuck ?? ""}`}
          </Menu.Label>
          {forbidden && <Menu.Label style={{ whiteSpace: "normal" }}>{forbidden}</Menu.Label>}
          {BULK_VERBS.map((part) => (
            <div key={part.title} role="group" aria-label={part.title}>
              <Menu.Divider />
              {part.verbs.map((one) => (
                <Menu.Item key={one.verb} fz="sm" py={4} disabled={stuck !== undefined} c={one.verb === "terminate" ? "var(--fl-bad-text)" : undefined} onClick={() => setAsked({ verb: one.verb, which })}>
                  {one.label}…
                </Menu.Item>
              ))}
            </div>
          ))}
        </Menu.Dropdown>
      </Menu>
      <BulkFlow
        verb={asked?.verb ?? null}
        lines={asked?.which === "all" && lines ? lines : { iccids }}
        whom={whom}
        note={asked?.which === "all" && lines ? <>Which: {Object.entries(lines).map(([name, value]) => `${name.replaceAll("_", " ")} ${String(value).replaceAll("_", " ")}`).join(", ")}.</> : undefined}
        onClose={() => setAsked(null)}
      />
    </>
  );
}
