// A screen that somebody's role does not open says so, instead of asking and being refused.
import { Empty, Panel, Screen, TextLink } from "@/parts";

export function NotYours({ title, why }: { title: string; why: string }) {
  return (
    <Screen title={title}>
      <Panel>
        <Empty title="Not yours to see">
          Reading policies {why}. <TextLink fz="inherit" underline="always" to="/settings" search={{ part: "roles" }}>Which role permits what</TextLink>; an owner of this tenant can give you one.
        </Empty>
      </Panel>
    </Screen>
  );
}
