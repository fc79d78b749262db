import { Empty, Panel, Screen } from "@/parts";

export default function ConnectivityScreen() {
  return (
    <Screen title="Connectivity" subtitle="Cards, profiles and subscriptions over all carriers.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
