import { Empty, Panel, Screen } from "@/parts";

export default function PolicyScreen() {
  return (
    <Screen title="Policy" subtitle="One policy: text, tests, history.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
