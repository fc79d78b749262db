// Buttons that say why they cannot be pressed, and the question before something dangerous.
import { Button, type ButtonProps, Group, Modal, Text, TextInput, Tooltip } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useMay } from "@/api/queries";
import css from "./parts.module.css";
import { Problem } from "./Says";

interface ActionProps extends ButtonProps {
  /** What the API asks for: `changes.apply`. Without it, the button is disabled with the reason. */
  permission?: string;
  /** Another reason why not now: "the change has settled". Undefined: it may be pressed. */
  reason?: string | undefined;
  onClick?: () => void;
  type?: "button" | "submit";
  children: ReactNode;
}

/** A disabled button stays in reach of the keyboard and carries its reason. */
export function ActionButton({ permission, reason, onClick, type = "button", children, ...rest }: ActionProps) {
  const forbidden = useMay(permission);
  const why = forbidden ?? reason;
  const button = (
    <Button variant="default" {...rest} type={why ? "button" : type} data-disabled={why ? true : undefined} aria-disabled={why ? true : undefined} aria-description={why} onClick={why ? (event) => event.preventDefault() : onClick}>
      {children}
    </Button>
  );
  return why ? <Tooltip label={why}>{button}</Tooltip> : button;
}

export interface Touch {
  name: string; // "devices"
  value: ReactNode; // 1,204
}

interface ConfirmProps {
  opened: boolean;
  onClose: () => void;
  title: string; // "Roll back change chg_…"
  /** What will happen, in a sentence or two. */
  children: ReactNode;
  /** What it will touch, in numbers. */
  touches: Touch[];
  /** The name to type. Undefined: no typing, for what is easy to take back. */
  typed?: string;
  action: string; // "Roll back"
  /** Resolves when done (the dialog closes), rejects with the problem (it is shown). */
  onConfirm: () => Promise<unknown>;
  danger?: boolean;
}

export function Confirm({ opened, onClose, title, children, touches, typed, action, onConfirm, danger = true }: ConfirmProps) {
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const ready = typed === undefined || name.trim() === typed;

  function close() {
    setName("");
    setProblem(null);
    onClose();
  }

  async function confirm() {
    if (!ready || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
      close();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Modal opened={opened} onClose={close} title={<Text fw={600}>{title}</Text>} size="md">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <Text size="sm" component="div">
          {children}
        </Text>
        {touches.length > 0 && (
          <div className={css.touches}>
            {touches.map((touch) => (
              <div key={touch.name} className={css.touch}>
                <b>{touch.value}</b>
                <span>{touch.name}</span>
              </div>
            ))}
          </div>
        )}
        {typed !== undefined && (
          <TextInput
            mt="sm"
            label={
              <>
                Type <code>{typed}</code> to go on
              </>
            }
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
        )}
        {problem !== null && (
          <div style={{ marginTop: "0.75rem" }}>
            <Problem error={problem} />
          </div>
        )}
        <Group justify="flex-end" mt="md" gap="xs">
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button type="submit" color={danger ? "red" : undefined} loading={busy} data-disabled={!ready || undefined} aria-disabled={!ready || undefined}>
            {action}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
