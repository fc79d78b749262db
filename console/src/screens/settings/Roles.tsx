// Who may do what, in words: the same page that the doors ask.
import { IconCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useSession } from "@/api/queries";
import { Loading, Panel, Problem } from "@/parts";
import { accessQuery } from "./people";
import css from "./settings.module.css";

export function Roles() {
  const access = useQuery(accessQuery);
  const session = useSession();
  const mine = (role: string) => session.roles.includes(role) || undefined;
  return (
    <Panel title="Roles and what they permit" note={`yours: ${session.roles.join(", ") || "none"}${session.departments.length > 0 ? `, within ${session.departments.join(", ")}` : ""}`} flush>
      {access.isPending ? (
        <div style={{ padding: "0.75rem 0.875rem" }}>
          <Loading what="Reading roles" />
        </div>
      ) : access.error ? (
        <div style={{ padding: "0.75rem 0.875rem" }}>
          <Problem error={access.error} retry={access.refetch} />
        </div>
      ) : (
        <div className={css.matrix} tabIndex={0} role="region" aria-label="Roles and permissions">
          <table>
            <thead>
              <tr>
                <th scope="col">One may…</th>
                {access.data.roles.map((role) => (
                  <th key={role.name} scope="col" data-mine={mine(role.name)}>
                    {role.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {access.data.permissions.map((one) => (
                <tr key={one.name}>
                  <th scope="row">
                    {one.words}
                    <span>{one.name}</span>
                  </th>
                  {access.data.roles.map((role) => (
                    <td key={role.name} data-mine={mine(role.name)}>
                      {one.roles.includes(role.name) ? <IconCheck size={15} color="var(--fl-ok)" aria-label="yes" /> : <span className="fl-dim" aria-label="no">·</span>}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
