import { Empty, Panel, Screen } from "@/parts";

export default function ReferenceScreen() {
  return (
    <Screen title="Reference" subtitle="The tables Fairlead stands on.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
