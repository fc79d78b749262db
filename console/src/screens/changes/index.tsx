import { Empty, Panel, Screen } from "@/parts";

export default function ChangesScreen() {
  return (
    <Screen title="Changes" subtitle="What is changing, and what has changed.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
