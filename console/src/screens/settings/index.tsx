import { Empty, Panel, Screen } from "@/parts";

export default function SettingsScreen() {
  return (
    <Screen title="Settings" subtitle="Tenant, people, roles, tokens, carriers, rule packs.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
