// A secret that is shown once: in the page while this is open, and nowhere afterwards.
import { Button, Group, Modal, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { CopyText } from "@/parts";
import css from "./settings.module.css";

interface Props {
  /** The secret; null: nothing is shown. */
  secret: string | null;
  title: string;
  /** What it is for, and how long it works. */
  children: ReactNode;
  onClose: () => void;
}

export function Once({ secret, title, children, onClose }: Props) {
  return (
    <Modal opened={secret !== null} onClose={onClose} withCloseButton={false} closeOnClickOutside={false} closeOnEscape={false} title={<Text fw={600}>{title}</Text>} size="lg" keepMounted={false}>
      <div className={css.once}>
        <span data-secret>{secret}</span>
        {secret !== null && <CopyText value={secret} what="it" />}
      </div>
      <Text size="sm" mt="sm" component="div">
        {children}
      </Text>
      <Text size="sm" mt="xs" c="dimmed">
        It is shown this once: only its digest is kept.
      </Text>
      <Group justify="flex-end" mt="md">
        <Button onClick={onClose} data-autofocus>
          I have it
        </Button>
      </Group>
    </Modal>
  );
}
