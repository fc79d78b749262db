// What a place says while it has nothing to show: it loads, it is empty, or something went wrong.
import { Button, Loader } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { explain } from "@/api/problems";
import css from "./parts.module.css";

/** Never a bare spinner: `what` says what is being waited for. */
export function Loading({ what }: { what: string }) {
  return (
    <div className={css.says} role="status">
      <Loader size="xs" aria-hidden />
      <span>{what}…</span>
    </div>
  );
}

/** An empty place teaches: what would be here, and how it comes here. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={css.says}>
      <div>
        <strong>{title}</strong>
        {children && <p>{children}</p>}
        {action && <div style={{ marginTop: "0.75rem" }}>{action}</div>}
      </div>
    </div>
  );
}

/** Any error as sentences, with what to do, and a button to try again. */
export function Problem({ error, retry }: { error: unknown; retry?: () => unknown }) {
  const said = explain(error);
  return (
    <div className={css.says} role="alert">
      <IconAlertTriangle size={18} color="var(--fl-bad)" aria-hidden style={{ flex: "none", marginTop: 2 }} />
      <div>
        <strong>{said.what}</strong>
        {said.detail && <p>{said.detail}</p>}
        {said.faults.length > 0 && (
          <ul className={css.faults}>
            {said.faults.map((fault, index) => (
              <li key={index}>
                <code>{fault.where || "request"}</code>
                {fault.found && <> has “{fault.found}”</>}: expected {fault.expected}
              </li>
            ))}
          </ul>
        )}
        {said.todo && <p>{said.todo}</p>}
        {said.requestId && (
          <p>
            Request id <code>{said.requestId}</code>
          </p>
        )}
        {retry && (
          <Button variant="default" mt="sm" onClick={() => void retry()}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}
