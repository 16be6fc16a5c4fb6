/**
 * What went wrong, in words: one shape for the three who can say it.
 *
 * The backend says it as `application/problem+json` (RFC 9457), the store as S3's XML error document, and the browser hardly at
 * all. Nothing here decides what to do about it.
 */

export interface Problem {
  title: string;
  detail?: string;
  /** What the reader can do about it. */
  hint?: string;
  /** A stable name for machines: `not_found`, `AccessDenied`. */
  code?: string;
  status?: number;
  requestId?: string;
}

/** The one error that this page throws on purpose. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** Whatever was thrown, as something that can be shown. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Failure) {
    return thrown.problem;
  }
  return { title: "Something unexpected happened", detail: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** Reads a problem document. Whatever is missing or of another type is left out: an error page must never fail itself. */
export function problemFromJson(status: number, body: string): Problem {
  const fallback: Problem = { title: `The server answered ${status}`, status };
  const document = parseObject(body);
  if (document === undefined) {
    return fallback;
  }
  const problem: Problem = { title: text(document, "title") ?? fallback.title, status };
  const detail = text(document, "detail");
  const hint = text(document, "hint");
  const code = text(document, "code");
  const requestId = text(document, "request_id");
  const details = [detail, ...fieldErrors(document["errors"])].filter((line) => line !== undefined).map(sentence);
  if (details.length > 0) problem.detail = details.join(" ");
  if (hint !== undefined) problem.hint = sentence(hint);
  if (code !== undefined) problem.code = code;
  if (requestId !== undefined) problem.requestId = requestId;
  return problem;
}

/** The four elements of S3's error document that a person can use. */
export interface StoreError {
  code?: string | undefined;
  message?: string | undefined;
  requestId?: string | undefined;
}

export function problemFromStore(status: number, error: StoreError): Problem {
  const problem: Problem = { title: "The store refused the file", status };
  problem.detail = error.message !== undefined ? sentence(error.message) : `It answered ${status} without saying why.`;
  if (error.code !== undefined) problem.code = error.code;
  if (error.requestId !== undefined) problem.requestId = error.requestId;
  if (error.code === "AccessDenied" || error.code === "ExpiredToken") {
    problem.hint = "The permission to upload may have run out. Try again: a new one will be asked for.";
  }
  return problem;
}

/**
 * The browser could not send a request, or may not show the answer. It does not tell a page which of the two, so the words must
 * cover both.
 */
export function problemFromSilence(target: string, pageOrigin: string): Problem {
  const store = originOf(target);
  if (store === undefined || store === pageOrigin) {
    return {
      title: "The server cannot be reached",
      detail: "There was no answer. The server may be stopped, or the connection was lost.",
      hint: "Check that it is running, then try again.",
    };
  }
  return {
    title: "The store cannot be reached from this page",
    detail:
      `There was no answer from ${store} that the browser lets this page see. Either the store is stopped or the connection was ` +
      `lost, or the bucket's CORS rules do not let ${pageOrigin} upload.`,
    hint: `If the store is running, allow PUT from ${pageOrigin} with any header in the bucket's CORS configuration.`,
  };
}

/** Programs write `no such file`; people read `No such file.` */
export function sentence(words: string): string {
  const ended = /[.!?…]$/.test(words) ? words : `${words}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

function originOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).origin : undefined;
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(object: Record<string, unknown>, name: string): string | undefined {
  const value = object[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function fieldErrors(errors: unknown): string[] {
  if (!Array.isArray(errors)) {
    return [];
  }
  return errors.filter(isObject).flatMap((error) => {
    const detail = text(error, "detail");
    const pointer = text(error, "pointer");
    if (detail === undefined) return [];
    return [pointer === undefined ? detail : `${pointer}: ${detail}`];
  });
}
