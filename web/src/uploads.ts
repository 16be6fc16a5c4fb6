/** The uploads of this page: what each is doing, and the few that run at a time. */

import { useCallback, useEffect, useReducer, useRef } from "preact/hooks";
import type { Api, Collection, StoredFile } from "./api";
import { formatSize } from "./format";
import { Failure, problemOf, type Problem } from "./problem";
import { transfer } from "./transfer";

/** Browsers open six connections per host; the store gets half of them, so that the page stays usable. */
const AT_A_TIME = 3;

/** What the platform says for a type that it does not know (RFC 9110 §8.3). */
const UNKNOWN_TYPE = "application/octet-stream";

export type Stage =
  | { kind: "waiting" }
  | { kind: "sending"; sent: number }
  | { kind: "finishing" }
  | { kind: "done" }
  | { kind: "cancelled" }
  | { kind: "failed"; problem: Problem };

export interface UploadRow {
  key: number;
  file: File;
  collection: Collection;
  stage: Stage;
}

type Action =
  | { kind: "add"; rows: UploadRow[] }
  | { kind: "stage"; key: number; stage: Stage }
  | { kind: "dismiss"; keys: number[] };

export function isActive(row: UploadRow): boolean {
  return row.stage.kind === "waiting" || row.stage.kind === "sending" || row.stage.kind === "finishing";
}

/** What can be said about a file before anything is sent. */
export function refusal(file: { size: number }, collection: Collection): Problem | undefined {
  const maximum = collection.upload.max_size;
  if (file.size <= maximum) {
    return undefined;
  }
  return {
    title: "The file is too large",
    detail: `It has ${formatSize(file.size)}; “${collection.name}” takes files of at most ${formatSize(maximum)}.`,
    code: "too_large",
  };
}

export function reduce(rows: UploadRow[], action: Action): UploadRow[] {
  switch (action.kind) {
    case "add":
      return [...action.rows, ...rows];
    case "stage":
      return rows.map((row) => (row.key === action.key ? { ...row, stage: action.stage } : row));
    case "dismiss":
      return rows.filter((row) => !action.keys.includes(row.key));
  }
}

export interface Uploads {
  rows: UploadRow[];
  add: (files: File[], collection: Collection) => void;
  cancel: (key: number) => void;
  retry: (key: number) => void;
  dismiss: (keys: number[]) => void;
}

export function useUploads(api: Api, onStored: (file: StoredFile) => void, announce: (text: string) => void): Uploads {
  const [rows, dispatch] = useReducer(reduce, []);
  const nextKey = useRef(1);
  const running = useRef(new Map<number, AbortController>());
  /** Uploads whose bytes the store has, and of which only the backend's word is missing. */
  const sent = useRef(new Map<number, string>());

  const run = useCallback(
    async (row: UploadRow) => {
      const controller = new AbortController();
      running.current.set(row.key, controller);
      const enter = (stage: Stage) => dispatch({ kind: "stage", key: row.key, stage });
      enter({ kind: "sending", sent: 0 });
      announce(`Uploading ${row.file.name}.`);
      try {
        const id =
          sent.current.get(row.key) ??
          (await send(api, row, enter, announceQuarters(row.file, announce), controller.signal));
        sent.current.set(row.key, id);
        enter({ kind: "finishing" });
        onStored(await finish(api, id));
        sent.current.delete(row.key);
        enter({ kind: "done" });
        announce(`${row.file.name} is uploaded.`);
      } catch (error) {
        const problem = problemOf(error);
        if (!mayPass(problem)) {
          sent.current.delete(row.key);
        }
        // What was thrown after the button is a consequence of it.
        enter(controller.signal.aborted ? { kind: "cancelled" } : { kind: "failed", problem });
      } finally {
        running.current.delete(row.key);
      }
    },
    [api, onStored, announce],
  );

  useEffect(() => {
    const waiting = rows.filter((row) => row.stage.kind === "waiting" && !running.current.has(row.key));
    const free = AT_A_TIME - running.current.size;
    // The newest row stands first; the oldest goes first.
    for (const row of waiting.reverse().slice(0, Math.max(0, free))) {
      void run(row);
    }
  }, [rows, run]);

  // Who leaves the page of their files, by signing out or by the end of the session, leaves their uploads.
  useEffect(() => () => running.current.forEach((controller) => controller.abort()), []);

  const busy = rows.some(isActive);
  useEffect(() => {
    if (!busy) {
      return;
    }
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [busy]);

  return {
    rows,
    add: (files, collection) => {
      const added = files.map((file): UploadRow => {
        const problem = refusal(file, collection);
        const stage: Stage = problem === undefined ? { kind: "waiting" } : { kind: "failed", problem };
        return { key: nextKey.current++, file, collection, stage };
      });
      dispatch({ kind: "add", rows: added.reverse() });
    },
    cancel: (key) => {
      const controller = running.current.get(key);
      if (controller === undefined) {
        dispatch({ kind: "stage", key, stage: { kind: "cancelled" } });
      } else {
        controller.abort();
      }
      announce("The upload was cancelled.");
    },
    retry: (key) => dispatch({ kind: "stage", key, stage: { kind: "waiting" } }),
    dismiss: (keys) => dispatch({ kind: "dismiss", keys }),
  };
}

/** The first two of three steps: asks the backend for a signed URL, and sends the file to the store. Answers with the upload's id. */
async function send(
  api: Api,
  row: UploadRow,
  enter: (stage: Stage) => void,
  announceProgress: (sent: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const { file, collection } = row;
  const promise = await api.createUpload(
    { collection: collection.name, filename: file.name, size: file.size, content_type: file.type || UNKNOWN_TYPE },
    signal,
  );
  try {
    await transfer(
      file,
      promise.instructions,
      (sent) => {
        enter({ kind: "sending", sent });
        announceProgress(sent);
      },
      signal,
    );
  } catch (error) {
    // Frees what was reserved at once instead of at its expiry; there is nothing to tell if that fails.
    await api.abortUpload(promise.id).catch(() => undefined);
    throw error;
  }
  return promise.id;
}

/** The third step: tells the backend that the bytes are there. */
async function finish(api: Api, id: string): Promise<StoredFile> {
  const file = await api.completeUpload(id);
  if (file.state !== "available") {
    throw new Failure({
      title: "The file is not available",
      detail: `The server left the upload in the state “${file.state}”.`,
    });
  }
  return file;
}

/** Whether the same request may succeed later: nobody answered, or a server failed. Then the bytes need not be sent again. */
export function mayPass(problem: Problem): boolean {
  return problem.status === undefined || problem.status >= 500;
}

/** Whether the file as it is will never be taken. */
export function isVerdict(problem: Problem): boolean {
  return ["too_large", "type_not_allowed", "invalid_request"].includes(problem.code ?? "");
}

/** Speaks at 25, 50 and 75 percent: a screen reader is not to read every event. */
function announceQuarters(file: File, announce: (text: string) => void): (sent: number) => void {
  let told = 0;
  return (sent) => {
    const quarter = Math.floor((sent / Math.max(1, file.size)) * 4);
    if (quarter > told && quarter < 4) {
      told = quarter;
      announce(`${file.name}: ${quarter * 25} percent.`);
    }
  };
}
