// Who did something, by the id that the API prints. Names are personal data: reading the list of people leaves a line in
// the journal each time, so a screen does not do it to decorate a row.
import { CopyButton, Tooltip, UnstyledButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useSession } from "@/api/queries";
import css from "./parts.module.css";

export function Author({ id }: { id: string | null | undefined }) {
  const session = useSession();
  if (!id) return <span className={css.none}>–</span>;
  if (id === session.principal || id === session.token) return <span title={id}>you</span>;
  return (
    <Tooltip label={id}>
      <span className={css.mono} tabIndex={0}>
        {id.slice(0, 4)}…{id.slice(-6)}
      </span>
    </Tooltip>
  );
}

/** A button that copies a text; says that it did. */
export function CopyText({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : `Copy ${what}`}>
          <UnstyledButton onClick={copy} aria-label={`Copy ${what}`} style={{ display: "inline-flex", color: "var(--fl-dim)" }}>
            {copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}
