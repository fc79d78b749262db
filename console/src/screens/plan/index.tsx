import { Empty, Panel, Screen } from "@/parts";

export default function PlanScreen() {
  return (
    <Screen title="Plan" subtitle="What would happen.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
