import { Empty, Panel, Screen } from "@/parts";

export default function JournalScreen() {
  return (
    <Screen title="Journal" subtitle="Who, what, when, why.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
