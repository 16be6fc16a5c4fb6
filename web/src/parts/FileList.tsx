import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Api, StoredFile } from "../api";
import type { Files } from "../files";
import { count } from "../format";
import { DeleteDialog } from "./DeleteDialog";
import { FileRow } from "./FileRow";
import { ProblemNotice } from "./ProblemNotice";

interface Props {
  api: Api;
  files: Files;
  viewer: string;
  announce: (text: string) => void;
  onDeleted: (file: StoredFile) => void;
}

export function FileList({ api, files, viewer, announce, onDeleted }: Props) {
  // A dialog tells that it closed a moment after it has; that must not close one opened in between.
  const [deleting, setDeleting] = useState<{ file: StoredFile; turn: number }>();
  const loading = files.status === "loading";
  const empty = files.rows.length === 0;
  const list = useRef<HTMLUListElement>(null);
  const firstNew = useRef<number | undefined>(undefined);

  // After the last page the button is gone; the focus goes on where the new rows begin.
  useLayoutEffect(() => {
    if (firstNew.current === undefined || files.status !== "ready") {
      return;
    }
    list.current?.children[firstNew.current]?.querySelector("a")?.focus();
    firstNew.current = undefined;
  }, [files.status]);

  const loadMore = () => {
    if (loading) {
      return;
    }
    firstNew.current = files.rows.length;
    files.loadMore();
  };

  return (
    <div aria-busy={loading}>
      {!empty && (
        <ul ref={list} role="list" class="rows" data-testid="files">
          {files.rows.map((file) => (
            <FileRow
              key={file.id}
              api={api}
              file={file}
              viewer={viewer}
              announce={announce}
              onDelete={() => setDeleting((before) => ({ file, turn: (before?.turn ?? 0) + 1 }))}
            />
          ))}
        </ul>
      )}
      {empty && loading && <p class="loading">Loading the files…</p>}
      {empty && files.status === "ready" && (
        <div class="empty" data-testid="empty">
          <p class="empty-title">No files yet</p>
          <p>Drop one anywhere on this page. It stays private until you make a link to it.</p>
        </div>
      )}
      {files.problem !== undefined && (
        <ProblemNotice problem={files.problem} onRetry={files.hasMore ? files.loadMore : files.reload} />
      )}
      {!empty && files.status !== "failed" && (
        <div class="list-end">
          <p class="meta" role="status">
            {count(files.rows.length, "file", "files")}
            {files.hasMore ? " shown, there are more" : ""}
          </p>
          {/* Disabling it while it loads would drop the focus. */}
          {(files.hasMore || loading) && (
            <button type="button" class="button" aria-disabled={loading} onClick={loadMore}>
              {loading ? "Loading…" : "Show more"}
            </button>
          )}
        </div>
      )}
      {deleting !== undefined && (
        <DeleteDialog
          key={deleting.turn}
          api={api}
          file={deleting.file}
          onClose={() => setDeleting((now) => (now?.turn === deleting.turn ? undefined : now))}
          onDeleted={() => {
            setDeleting(undefined);
            onDeleted(deleting.file);
          }}
        />
      )}
    </div>
  );
}
