import { Empty, Panel, Screen } from "@/parts";

export default function JobsScreen() {
  return (
    <Screen title="Jobs" subtitle="Long work.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
