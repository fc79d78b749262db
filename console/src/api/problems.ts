// What the API says when it says no (RFC 9457), turned into sentences for people: what happened, and what to do.
import type { components } from "./schema";

export type FieldError = components["schemas"]["FieldError"];

export class ApiProblem extends Error {
  readonly status: number;
  readonly kind: string; // the last part of `type`: what a program may switch on
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string | null;
  readonly document: Record<string, unknown>; // all of it: some problems carry more, such as a plan's differences

  constructor(status: number, document: Record<string, unknown>) {
    const title = typeof document.title === "string" ? document.title : `The server answered ${status}`;
    super(title);
    this.name = "ApiProblem";
    this.status = status;
    this.kind = typeof document.type === "string" ? (document.type.split("/").pop() ?? "") : "";
    this.title = title;
    this.detail = typeof document.detail === "string" ? document.detail : "";
    this.errors = Array.isArray(document.errors) ? (document.errors as FieldError[]) : [];
    this.requestId = typeof document.request_id === "string" ? document.request_id : null;
    this.document = document;
  }
}

export interface Sentence {
  what: string;
  detail: string;
  todo: string;
  faults: { where: string; found: string; expected: string }[];
  requestId: string | null;
}

/** Any error as sentences. */
export function explain(error: unknown): Sentence {
  if (error instanceof ApiProblem) {
    return {
      what: error.title,
      detail: error.detail,
      todo: todo(error),
      faults: error.errors.map((fault) => ({
        where: [fault.pointer, fault.line != null ? `line ${fault.line}` : null, fault.column].filter(Boolean).join(", "),
        found: fault.value === undefined || fault.value === null ? "" : String(fault.value),
        expected: fault.expected,
      })),
      requestId: error.requestId,
    };
  }
  if (error instanceof TypeError && /fetch|network|load/i.test(error.message)) {
    return plain(
      "The server does not answer",
      "Check that Fairlead runs and that you reach it, then try again. Nothing you typed is lost.",
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return { ...plain("Something went wrong in this page", "Load the page again; if it comes back, report it with the text above."), detail: message };
}

/** One line, for a notification. */
export function oneLine(error: unknown): string {
  const said = explain(error);
  const faults = said.faults.map((fault) => `${fault.where}: expected ${fault.expected}`).join("; ");
  return [said.detail || faults, said.todo].filter(Boolean).join(" ");
}

/** The fault at a JSON pointer such as `/email`, for a form's field. */
export function faultAt(error: unknown, pointer: string): string | undefined {
  if (!(error instanceof ApiProblem)) return undefined;
  const found = error.errors.find((fault) => fault.pointer === pointer);
  return found && `expected ${found.expected}`;
}

function plain(what: string, next: string): Sentence {
  return { what, detail: "", todo: next, faults: [], requestId: null };
}

const KNOWN: Record<string, string> = {
  "change-own_change": "Ask another person who may approve changes.",
  "change-charged": "Ask for at least one approval, then apply it again. An owner may say that nobody else need agree: fairlead agreement set.",
  "change-irreversible": "Ask for at least one approval, then apply it again.",
  "change-expired": "Make the plan anew, look at it, and apply that.",
  "change-trial_open": "Open that Change: let it settle or stop it, then apply this again.",
};

function todo(problem: ApiProblem): string {
  const known = KNOWN[problem.kind];
  if (known) return known;
  switch (problem.status) {
    case 401:
      return problem.kind === "sign-in-refused" ? "Check what you typed; after several failures you have to wait." : "Sign in again.";
    case 403:
      return "Ask an owner of this tenant for a role that permits it.";
    case 404:
      if (problem.kind === "no-provider") return "Use your password.";
      return "It may have another name, be removed, or belong to a tenant or department that is not yours.";
    case 409:
      return "Look at how things stand now, then try again.";
    case 412:
      return "Somebody edited it meanwhile: read it again, then repeat your edit.";
    case 413:
    case 414:
      return "Send less at once.";
    case 422:
      return problem.errors.length > 0 ? "Correct what is named and send it again." : "Correct it and send it again.";
    case 429:
      return "Wait, then try again.";
    default:
      return problem.status >= 500
        ? `Try again in a moment. If it stays, give your administrator the request id${problem.requestId ? ` ${problem.requestId}` : ""}.`
        : "";
  }
}
