// Roles to choose from, each with what it permits in words behind it.
import { Checkbox, Input, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSession } from "@/api/queries";
import { accessQuery, type Role } from "./people";
import css from "./settings.module.css";

interface Props {
  value: Role[];
  onChange: (value: Role[]) => void;
  error?: string;
  description: string;
}

export function RolePicker({ value, onChange, error, description }: Props) {
  const access = useQuery(accessQuery);
  const session = useSession();
  const words = new Map(access.data?.permissions.map((one) => [one.name, one.words]));
  return (
    <Input.Wrapper label="Roles" description={description} error={error} labelElement="div" role="group" aria-label="Roles">
      <div className={css.roles}>
        {(access.data?.roles ?? []).map((role) => {
          const beyond = role.permissions.filter((one) => !session.permissions.includes(one));
          const hint = beyond.length > 0 ? `You do not hold all of it yourself (${beyond.map((one) => words.get(one) ?? one).slice(0, 3).join("; ")}…): the API will refuse to give it` : role.permissions.map((one) => words.get(one) ?? one).join("; ");
          return (
            <Tooltip key={role.name} label={hint}>
              <Checkbox size="sm" label={role.name} checked={value.includes(role.name as Role)} onChange={(event) => onChange(event.currentTarget.checked ? [...value, role.name as Role] : value.filter((one) => one !== role.name))} />
            </Tooltip>
          );
        })}
      </div>
    </Input.Wrapper>
  );
}
