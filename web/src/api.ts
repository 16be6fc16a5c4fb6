/**
 * The part of the HTTP API that this console uses: its shapes, and one function per route.
 *
 * Every function either answers with what the route promises or throws a {@link Failure} with a problem to show.
 */

import { Failure, problemFromJson, problemFromSilence } from "./problem";

export interface User {
  subject: string;
  tenant: string;
  groups: string[];
  name?: string | null;
  email?: string | null;
}

export interface Session {
  user: User;
  /** Goes back with every request that changes something. */
  csrf_token: string;
}

export interface Collection {
  name: string;
  upload: { max_size: number; content_types: string[]; strategies: string[] };
}

export interface StoredFile {
  id: string;
  collection: string;
  filename: string;
  size: number;
  content_type: string;
  state: string;
  /** The subject of its owner: an administrator sees the files of others, too. */
  owner: string;
  created_at: string;
}

/** What to send where, to the letter. */
export interface UploadInstructions {
  method: string;
  url: string;
  headers: Record<string, string>;
  /** Of those headers, the ones that the browser sets itself and lets no page set. */
  browser_sets: string[];
}

export interface Upload {
  id: string;
  file_id: string;
  state: string;
  instructions: UploadInstructions;
}

export interface Link {
  id: string;
  file_id: string;
  state: string;
  label?: string | null;
  created_at: string;
  expires_at?: string | null;
  revoked_at?: string | null;
}

/** The only answer in which the address of a link can be read. */
export interface NewLink extends Link {
  url: string;
}

export interface NewLinkRequest {
  file_id: string;
  label?: string;
  expires_at?: string;
}

export interface Page<T> {
  data: T[];
  next_cursor?: string | null;
  has_more: boolean;
}

/** Where the browser goes to sign in: the identity provider leads it back here. */
export const SIGN_IN = "/auth/login";

/** The current session; `undefined` where nobody is signed in. */
export async function currentSession(): Promise<Session | undefined> {
  const response = await send("/v1/session", {});
  if (response.status === 401) {
    return undefined;
  }
  return json<Session>(await accepted(response));
}

export type Api = ReturnType<typeof connect>;

/** The routes, for one session. `onSignedOut` is told when the server no longer knows it. */
export function connect(session: Session, onSignedOut: () => void) {
  async function call(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (method !== "GET") {
      headers["x-gatepass-csrf"] = session.csrf_token;
    }
    if (method === "POST") {
      headers["idempotency-key"] = randomKey();
    }
    const request: RequestInit = { method, headers };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    if (signal !== undefined) {
      request.signal = signal;
    }
    const response = await send(path, request);
    if (response.status === 401) {
      onSignedOut();
    }
    return accepted(response);
  }

  return {
    signOut: async (): Promise<void> => {
      await call("POST", "/auth/logout");
    },

    collections: async (): Promise<Collection[]> => {
      const page = await json<Page<Collection>>(await call("GET", "/v1/collections"));
      return page.data;
    },

    files: async (cursor?: string): Promise<Page<StoredFile>> =>
      json(await call("GET", withQuery("/v1/files", { limit: "50", cursor }))),

    deleteFile: async (id: string): Promise<void> => {
      await call("DELETE", `/v1/files/${encodeURIComponent(id)}`);
    },

    createUpload: async (
      upload: { collection: string; filename: string; size: number; content_type: string },
      signal: AbortSignal,
    ): Promise<Upload> => json(await call("POST", "/v1/uploads", { ...upload, strategy: "put" }, signal)),

    completeUpload: async (id: string): Promise<StoredFile> =>
      json(await call("POST", `/v1/uploads/${encodeURIComponent(id)}/complete`)),

    abortUpload: async (id: string): Promise<void> => {
      await call("DELETE", `/v1/uploads/${encodeURIComponent(id)}`);
    },

    links: async (fileId: string, cursor?: string): Promise<Page<Link>> =>
      json(await call("GET", withQuery("/v1/links", { file_id: fileId, cursor }))),

    createLink: async (link: NewLinkRequest): Promise<NewLink> => json(await call("POST", "/v1/links", link)),

    revokeLink: async (id: string): Promise<Link> =>
      json(await call("POST", `/v1/links/${encodeURIComponent(id)}/revoke`)),
  };
}

/**
 * Where a file is opened: the backend answers with a redirect to a fresh signed URL. It lets a browser show only what can do no
 * harm, and has the rest saved.
 */
export function contentAddress(file: StoredFile): string {
  return `/v1/files/${encodeURIComponent(file.id)}/content?disposition=inline`;
}

async function send(path: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { credentials: "same-origin", ...request });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") {
      throw error;
    }
    throw new Failure(problemFromSilence(new URL(path, location.href).href, location.origin));
  }
}

async function accepted(response: Response): Promise<Response> {
  if (!response.ok) {
    throw new Failure(problemFromJson(response.status, await response.text()));
  }
  return response;
}

async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

/** 128 random bits. `crypto.randomUUID` would do, but exists only on HTTPS and localhost. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, value);
  }
  return `${path}?${query.toString()}`;
}
