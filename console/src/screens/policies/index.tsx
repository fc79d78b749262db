import { Empty, Panel, Screen } from "@/parts";

export default function PoliciesScreen() {
  return (
    <Screen title="Policies" subtitle="What should be.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
