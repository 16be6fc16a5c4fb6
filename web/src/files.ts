/** The list of files as far as it was loaded, and what happens to it. */

import { useCallback, useEffect, useState } from "preact/hooks";
import type { Api, Page, StoredFile } from "./api";
import { problemOf, type Problem } from "./problem";

export interface Files {
  rows: StoredFile[];
  status: "loading" | "ready" | "failed";
  problem: Problem | undefined;
  hasMore: boolean;
  loadMore: () => void;
  reload: () => void;
  add: (file: StoredFile) => void;
  remove: (id: string) => void;
}

interface State {
  rows: StoredFile[];
  status: Files["status"];
  problem?: Problem;
  cursor?: string;
}

/** A later page below what is there; a file that arrived in both is shown once, where it already stands. */
export function append(rows: StoredFile[], more: StoredFile[]): StoredFile[] {
  const known = new Set(rows.map((file) => file.id));
  return [...rows, ...more.filter((file) => !known.has(file.id))];
}

export function useFiles(api: Api): Files {
  const [state, setState] = useState<State>({ rows: [], status: "loading" });

  const load = useCallback(
    async (cursor?: string) => {
      setState(({ rows }) => ({ rows: cursor === undefined ? [] : rows, status: "loading" }));
      try {
        const page = await api.files(cursor);
        setState(({ rows }) => loaded(append(rows, page.data), page));
      } catch (error) {
        const problem = problemOf(error);
        setState(({ rows }) => ({ rows, status: "failed", problem, ...(cursor === undefined ? {} : { cursor }) }));
      }
    },
    [api],
  );
  useEffect(() => void load(), [load]);

  const add = useCallback(
    (file: StoredFile) => setState((last) => ({ ...last, rows: append([file], last.rows) })),
    [],
  );
  const remove = useCallback(
    (id: string) => setState((last) => ({ ...last, rows: last.rows.filter((file) => file.id !== id) })),
    [],
  );

  return {
    rows: state.rows,
    status: state.status,
    problem: state.problem,
    hasMore: state.cursor !== undefined,
    loadMore: () => void load(state.cursor),
    reload: () => void load(),
    add,
    remove,
  };
}

function loaded(rows: StoredFile[], page: Page<StoredFile>): State {
  return { rows, status: "ready", ...(page.has_more && page.next_cursor ? { cursor: page.next_cursor } : {}) };
}
