// The doors to the editor's chunk: it is fetched when somebody reads or writes text, never with the first screen.
import { lazy, Suspense, type ComponentProps } from "react";
import { Loading } from "@/parts";
import type { Beside as BesideType, Read as ReadType } from "./Read";
import type { WriteProps } from "./Write";

export type { Handle } from "./Write";

const LazyWrite = lazy(() => import("./Write"));
const LazyRead = lazy(() => import("./Read").then((all) => ({ default: all.Read })));
const LazyBeside = lazy(() => import("./Read").then((all) => ({ default: all.Beside })));

const waits = (what: string) => (
  <div style={{ padding: "0.75rem 0.875rem" }}>
    <Loading what={what} />
  </div>
);

export function Write(props: WriteProps) {
  return (
    <Suspense fallback={waits("Fetching the editor")}>
      <LazyWrite {...props} />
    </Suspense>
  );
}

export function Read(props: ComponentProps<typeof ReadType>) {
  return (
    <Suspense fallback={waits("Fetching the text")}>
      <LazyRead {...props} />
    </Suspense>
  );
}

export function Beside(props: ComponentProps<typeof BesideType>) {
  return (
    <Suspense fallback={waits("Comparing")}>
      <LazyBeside {...props} />
    </Suspense>
  );
}
