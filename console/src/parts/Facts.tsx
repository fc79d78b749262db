// Names and values side by side; identifiers that can be copied; big figures in a row.
import { CopyButton, Tooltip, UnstyledButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Tone } from "@/frame/theme";
import css from "./parts.module.css";
import { toneStyle } from "./tone";

/** `<Facts items={[["Serial", device.serial], …]} />`; a missing value is shown as a dash. */
export function Facts({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className={css.facts}>
      {items.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value === null || value === undefined || value === "" ? <span className={css.none}>–</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** An identifier in fixed width, with a button that copies it. */
export function Ident({ value, copy = true }: { value: string | null | undefined; copy?: boolean }) {
  if (!value) return <span className={css.none}>–</span>;
  return (
    <span className={css.copyable}>
      <span className={css.mono}>{value}</span>
      {copy && (
        <CopyButton value={value}>
          {({ copied, copy: take }) => (
            <Tooltip label={copied ? "Copied" : "Copy"}>
              <UnstyledButton className={css.copy} onClick={take} aria-label={`Copy ${value}`}>
                {copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
              </UnstyledButton>
            </Tooltip>
          )}
        </CopyButton>
      )}
    </span>
  );
}

export interface Figure {
  name: string;
  value: ReactNode;
  note?: ReactNode;
  tone?: Tone;
  /** Where it leads: a path with search, or a filter to toggle. */
  to?: string;
  onClick?: () => void;
  pressed?: boolean;
}

export function Figures({ items, label }: { items: Figure[]; label: string }) {
  return (
    <div className={css.figures} role="group" aria-label={label}>
      {items.map((one) => {
        const body = (
          <>
            <span className={css.figureName}>
              {one.tone && <span className={css.figureDot} style={toneStyle(one.tone)} aria-hidden />}
              {one.name}
            </span>
            <span className={css.figureValue}>
              {one.value} {one.note && <span className={css.figureNote}>{one.note}</span>}
            </span>
          </>
        );
        if (one.to)
          return (
            <Link key={one.name} className={css.figure} to={one.to}>
              {body}
            </Link>
          );
        if (one.onClick)
          return (
            <UnstyledButton key={one.name} className={css.figure} onClick={one.onClick} aria-pressed={one.pressed ?? false}>
              {body}
            </UnstyledButton>
          );
        return (
          <div key={one.name} className={css.figure}>
            {body}
          </div>
        );
      })}
    </div>
  );
}
