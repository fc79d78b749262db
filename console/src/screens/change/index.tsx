import { Empty, Panel, Screen } from "@/parts";

export default function ChangeScreen() {
  return (
    <Screen title="Change" subtitle="One change as a story.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
