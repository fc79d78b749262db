// The one way to the API: same origin, session cookie, CSRF value and Idempotency-Key on writes. A request
// that meets an expired session waits until the person has signed in again in place, and is then repeated:
// no typed text is lost, no click has to be made twice.
import createClient, { type Middleware } from "openapi-fetch";
import { ApiProblem } from "./problems";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const DOORS = new Set(["/v1/session", "/v1/setup"]); // a 401 there is an answer, not an expired session

// Answers that carry a secret are kept nowhere, and the API refuses the key there (edge/api/routing.py). A check writes
// nothing: to keep its answer at every pause in typing would be waste.
const NOT_REPEATABLE = [
  /^\/v1\/(session|setup|imports)(\/|$)/,
  /^\/v1\/devices\/(credentials|[^/]+\/credential)$/,
  /^\/v1\/tokens$/,
  /^\/v1\/oidc\/provider$/,
  /^\/v1\/journal\/personal$/, // an answer kept for a repeat would outlive an erasure
  /^\/v1\/principals\/[^/]+\/invitation$/,
  /^\/v1\/policies\/check$/,
  /^\/v1\/bulk\/preview$/,
];

let signInAgain: (() => Promise<void>) | null = null;

/** SessionKeeper says how to ask the person; null while nobody was signed in. */
export function whenExpired(ask: (() => Promise<void>) | null): void {
  signInAgain = ask;
}

export function csrf(): string {
  const found = /(?:^|;\s*)fairlead_csrf=([^;]*)/.exec(document.cookie);
  return found?.[1] ? decodeURIComponent(found[1]) : "";
}

/** A key for one intent: make it once, send it with every attempt. */
export function freshKey(): string {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function prepared(request: Request): Request {
  if (SAFE.has(request.method)) return request;
  const path = new URL(request.url).pathname;
  const token = csrf();
  if (token) request.headers.set("X-CSRF-Token", token);
  const repeatable = !NOT_REPEATABLE.some((one) => one.test(path));
  if (repeatable && !request.headers.has("Idempotency-Key")) request.headers.set("Idempotency-Key", freshKey());
  return request;
}

const headers: Middleware = { onRequest: ({ request }) => prepared(request) };

async function send(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await fetch(request);
  if (response.status !== 401 || DOORS.has(new URL(request.url).pathname) || signInAgain === null) return response;
  await signInAgain();
  if (!SAFE.has(again.method)) again.headers.set("X-CSRF-Token", csrf());
  return fetch(again);
}

export const api = createClient<paths>({ baseUrl: window.location.origin, credentials: "same-origin", fetch: send });
api.use(headers);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws `ApiProblem`. `const device = await ok(api.GET("/v1/devices/{ref}", …))` */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response.status, error);
  return data as T;
}

/** Data with the version an edit must send back as `If-Match`. */
export async function withEtag<T>(call: Promise<Answer<T>>): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response.status, error);
  return { data: data as T, etag: response.headers.get("ETag") ?? "" };
}

/** For endpoints that the schema does not know yet, or whose bodies are not JSON. Throws `ApiProblem`. */
export async function raw<T = unknown>(method: string, path: string, init: { body?: BodyInit | null; json?: unknown; headers?: Record<string, string> } = {}): Promise<T> {
  const request = new Request(new URL(path, window.location.origin), {
    method,
    credentials: "same-origin",
    headers: { ...(init.json !== undefined ? { "Content-Type": "application/json" } : {}), ...init.headers },
    body: init.json !== undefined ? JSON.stringify(init.json) : (init.body ?? null),
  });
  const response = await send(prepared(request));
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
  const body: unknown = isJson && text ? JSON.parse(text) : text;
  if (!response.ok) throw problemOf(response.status, body);
  return body as T;
}

function problemOf(status: number, body: unknown): ApiProblem {
  return new ApiProblem(status, body !== null && typeof body === "object" ? (body as Record<string, unknown>) : {});
}
