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

/** Reads S3's error document, as far as a person can use it. */
export function problemFromStore(status: number, body: string): Problem {
  const code = element(body, "Code");
  const message = element(body, "Message");
  const requestId = element(body, "RequestId");
  const problem: Problem = { title: "The store refused the file", status };
  problem.detail = message !== undefined ? sentence(message) : `It answered ${status} without saying why.`;
  if (code !== undefined) problem.code = code;
  if (requestId !== undefined) problem.requestId = requestId;
  if (code === "AccessDenied" || code === "ExpiredToken") {
    problem.hint = "The permission to upload may have run out. Try again: a new one will be asked for.";
  }
  return problem;
}

/**
 * The text of an element without children: the document is flat, and each name stands in it once.
 *
 * No `DOMParser`: for anything that is not well-formed, such as the page of a proxy, Chromium makes a document with an inline style,
 * which the content security policy then reports as a violation.
 */
function element(xml: string, name: string): string | undefined {
  const content = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim();
  return content ? unescape(content) : undefined;
}

/** XML's five named entities and its character references (XML 1.0 §4.1, §4.6). */
function unescape(text: string): string {
  const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (reference, hex, decimal, name) => {
    if (name !== undefined) return named[name] ?? reference;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : reference;
  });
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
    // `/checksum/value` is a JSON pointer (RFC 6901).
    return [pointer === undefined ? detail : `${pointer.slice(1).replaceAll("/", " ")}: ${detail}`];
  });
}
