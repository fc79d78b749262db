import { Empty, Panel, Screen } from "@/parts";

export default function JobScreen() {
  return (
    <Screen title="Job" subtitle="One piece of long work.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
