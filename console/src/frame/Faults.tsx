// Where a screen fails or an address leads nowhere: said within the frame, which stays usable.
import { Button } from "@mantine/core";
import { Link, type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { Loading, Problem } from "@/parts/Says";
import { Panel, Screen } from "@/parts/Screen";

export function ScreenFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const stale = /dynamically imported module|Importing a module/i.test(error instanceof Error ? error.message : "");
  return (
    <Screen title={stale ? "The console was updated" : "This screen failed"}>
      <Panel>
        {stale ? (
          <>
            <p>A newer version of the console is being served. Load the page to get it.</p>
            <Button onClick={() => window.location.reload()}>Load the page</Button>
          </>
        ) : (
          <Problem
            error={error}
            retry={() => {
              reset();
              return router.invalidate();
            }}
          />
        )}
      </Panel>
    </Screen>
  );
}

export function NoSuchPage() {
  return (
    <Screen title="There is nothing at this address">
      <Panel>
        <p>The address may be mistyped, or belong to a newer version.</p>
        <Button component={Link} variant="default" {...({ to: "/" } as object)}>
          Home
        </Button>
      </Panel>
    </Screen>
  );
}

export function ScreenLoads() {
  return (
    <div style={{ padding: "1.25rem" }}>
      <Loading what="Loading this screen" />
    </div>
  );
}
