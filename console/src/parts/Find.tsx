// A search by the beginning of an identifier, written to the URL as one stops typing.
import { ActionIcon, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch, IconX } from "@tabler/icons-react";
import { useEffect, useState } from "react";

interface Props {
  label: string;
  placeholder?: string;
  value: string | undefined;
  /** What the API takes; anything else is not sent. */
  pattern: RegExp;
  onChange: (value: string | undefined) => void;
}

export function Find({ label, placeholder = "Identifier begins with…", value, pattern, onChange }: Props) {
  const [typed, setTyped] = useState(value ?? "");
  const settle = useDebouncedCallback((next: string) => onChange(pattern.test(next) ? next : undefined), 200);
  useEffect(() => setTyped(value ?? ""), [value]);
  return (
    <TextInput
      size="xs"
      w={210}
      aria-label={label}
      placeholder={placeholder}
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        typed && (
          <ActionIcon size="xs" variant="subtle" color="gray" aria-label="Clear the search" onClick={() => { setTyped(""); onChange(undefined); }}>
            <IconX size={12} />
          </ActionIcon>
        )
      }
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        settle(event.currentTarget.value.trim());
      }}
    />
  );
}
