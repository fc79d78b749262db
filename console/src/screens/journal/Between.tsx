// From when until when: quick spans by the house's clock, or two instants typed.
import { Button, Popover, UnstyledButton } from "@mantine/core";
import { IconCalendarTime } from "@tabler/icons-react";
import { useState } from "react";
import { useHouseNow } from "@/api/clock";
import css from "./journal.module.css";
import type { Url } from "./search";

const SPANS: [string, number][] = [["the last hour", 3_600], ["the last day", 86_400], ["the last 7 days", 604_800], ["the last 30 days", 2_592_000]];

/** An instant as `datetime-local` wants it, in the browser's zone. */
function local(at: string | undefined): string {
  if (!at || Number.isNaN(Date.parse(at))) return "";
  const moment = new Date(at);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function Between({ url, setUrl }: { url: Url; setUrl: (patch: Partial<Url>) => void }) {
  const now = useHouseNow();
  const [opened, setOpened] = useState(false);
  const [since, setSince] = useState("");
  const [until, setUntil] = useState("");
  const instant = (typed: string) => (typed ? new Date(typed).toISOString() : undefined);
  return (
    <Popover
      opened={opened}
      onChange={(next) => setOpened(next)}
      position="bottom-start"
      trapFocus
      width={280}
    >
      <Popover.Target>
        <UnstyledButton
          className={css.when}
          aria-expanded={opened}
          onClick={() => {
            setSince(local(url.since));
            setUntil(local(url.until));
            setOpened(!opened);
          }}
        >
          <IconCalendarTime size={13} aria-hidden /> When
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={css.spans}>
          {SPANS.map(([name, seconds]) => (
            <Button
              key={name}
              variant="default"
              size="compact-xs"
              onClick={() => {
                setUrl({ since: new Date(now - seconds * 1_000).toISOString(), until: undefined });
                setOpened(false);
              }}
            >
              {name}
            </Button>
          ))}
        </div>
        <form
          className={css.dates}
          onSubmit={(event) => {
            event.preventDefault();
            setUrl({ since: instant(since), until: instant(until) });
            setOpened(false);
          }}
        >
          <label>
            Since
            <input type="datetime-local" value={since} onChange={(event) => setSince(event.currentTarget.value)} />
          </label>
          <label>
            Until, not included
            <input type="datetime-local" value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
          </label>
          <span className="fl-dim">in the time zone of this browser</span>
          <Button type="submit">Show</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
