/**
 * One file on its way to the store: a cross-origin request to a signed URL.
 *
 * `fetch` tells nothing about the progress of a request's body, so this is an `XMLHttpRequest`. It carries no cookie: the signature
 * in the address is the permission.
 */

import type { UploadInstructions } from "./api";
import { Failure, problemFromSilence, problemFromStore } from "./problem";

/** The signed headers that a page has to set. The browser sets the others, such as `Content-Length`, and lets no page do it. */
export function headersToSet(instructions: Pick<UploadInstructions, "headers" | "browser_sets">): [string, string][] {
  const browserSets = new Set(instructions.browser_sets.map((name) => name.toLowerCase()));
  return Object.entries(instructions.headers).filter(([name]) => !browserSets.has(name.toLowerCase()));
}

/** Sends the file. Rejects with an `AbortError` when `signal` says so, and with a {@link Failure} when the store does. */
export function transfer(
  file: Blob,
  instructions: UploadInstructions,
  onProgress: (sent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();

    request.upload.onprogress = (event) => onProgress(Math.min(event.loaded, file.size));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        resolve();
      } else {
        reject(new Failure(problemFromStore(request.status, request.responseText)));
      }
    };
    request.onerror = () => reject(new Failure(problemFromSilence(instructions.url, location.origin)));
    request.onabort = () => reject(new DOMException("the upload was cancelled", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", abort);

    request.open(instructions.method, instructions.url);
    for (const [name, value] of headersToSet(instructions)) {
      request.setRequestHeader(name, value);
    }
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      reject(new DOMException("the upload was cancelled", "AbortError"));
      return;
    }
    request.send(file);
  });
}
