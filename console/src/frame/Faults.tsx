// Where a screen fails or an address leads nowhere: said within the frame, which stays usable. Where there is no frame
// (the server cannot be reached before it is drawn) what is said is the page's `main` itself: a page has exactly one.
import { Button } from "@mantine/core";
import { Link, type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { Loading, Problem } from "@/parts/Says";
import { Panel, Screen } from "@/parts/Screen";
import { createContext, type ReactNode, useContext } from "react";

/** Whether a `main` is around already. */
export const InFrame = createContext(false);

function Main({ children }: { children: ReactNode }) {
  return useContext(InFrame) ? children : <main>{children}</main>;
}

export function ScreenFailed({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const stale = /dynamically imported module|Importing a module/i.test(error instanceof Error ? error.message : "");
  return (
    <Main>
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
    </Main>
  );
}

export function NoSuchPage() {
  return (
    <Main>
      <Screen title="There is nothing at this address">
        <Panel>
          <p>The address may be mistyped, or belong to a newer version.</p>
          <Button component={Link} variant="default" {...({ to: "/" } as object)}>
            Home
          </Button>
        </Panel>
      </Screen>
    </Main>
  );
}

export function ScreenLoads() {
  return (
    <Main>
      <div style={{ padding: "1.25rem" }}>
        <Loading what="Loading this screen" />
      </div>
    </Main>
  );
}
