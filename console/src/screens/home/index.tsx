import { Empty, Panel, Screen } from "@/parts";

export default function HomeScreen() {
  return (
    <Screen title="Home" subtitle="Who is online, what is broken, what becomes illegal soon, what is changing, what it costs, are we ready to scale.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
