// What is typed and not yet planned, kept by this browser tab: it survives a reload and an expired session, and is
// gone with the tab. Kept under the person's own id, so whoever signs in next in this tab sees nothing of it.
import { useSession } from "@/api/queries";

export interface Draft {
  text: string;
  /** The revision it was begun from; null: a new one. */
  base: number | null;
  at: string;
}

export function useDraft(what: string) {
  const session = useSession();
  const key = `fairlead-draft-${session.principal}-${what}`;
  return {
    read(): Draft | null {
      try {
        const found = JSON.parse(sessionStorage.getItem(key) ?? "null") as Partial<Draft> | null;
        return found && typeof found.text === "string" && typeof found.at === "string" ? { text: found.text, base: found.base ?? null, at: found.at } : null;
      } catch {
        return null; // no storage, or not ours
      }
    },
    keep(draft: Draft): boolean {
      try {
        sessionStorage.setItem(key, JSON.stringify(draft));
        return true;
      } catch {
        return false;
      }
    },
    drop(): void {
      try {
        sessionStorage.removeItem(key);
      } catch {
        // nothing was kept
      }
    },
  };
}
