import { useRef } from "preact/hooks";
import { formatSize, percent } from "../format";
import { isActive, type UploadRow, type Uploads } from "../uploads";
import { DoneIcon } from "./icons";
import { ProblemNotice } from "./ProblemNotice";

/** What is on its way, and how it ended. */
export function UploadList({ uploads }: { uploads: Uploads }) {
  const heading = useRef<HTMLHeadingElement>(null);
  if (uploads.rows.length === 0) {
    return null;
  }
  // The button that was pressed goes away; the focus stays in the neighbourhood.
  const thenHeading = (act: (key: number) => void) => (key: number) => {
    act(key);
    heading.current?.focus();
  };
  return (
    <section class="uploads" aria-labelledby="uploads-heading">
      <h2 id="uploads-heading" ref={heading} tabIndex={-1}>
        Uploads
      </h2>
      <ul role="list" class="rows">
        {uploads.rows.map((row) => (
          <UploadItem
            key={row.key}
            row={row}
            onCancel={thenHeading(uploads.cancel)}
            onRetry={thenHeading(uploads.retry)}
            onDismiss={thenHeading(uploads.dismiss)}
          />
        ))}
      </ul>
    </section>
  );
}

interface ItemProps {
  row: UploadRow;
  onCancel: (key: number) => void;
  onRetry: (key: number) => void;
  onDismiss: (key: number) => void;
}

function UploadItem({ row, onCancel, onRetry, onDismiss }: ItemProps) {
  const { key, file, stage } = row;
  const named = <span class="visually-hidden"> {file.name}</span>;
  const canRetry = (stage.kind === "failed" && stage.problem.code !== "too_large") || stage.kind === "cancelled";
  return (
    <li class="upload" data-stage={stage.kind}>
      <p class="upload-name">
        {stage.kind === "done" && <DoneIcon />}
        <span class="name">{file.name}</span>
      </p>
      <div class="actions">
        {isActive(row) && stage.kind !== "finishing" && (
          <button type="button" class="button" onClick={() => onCancel(key)}>
            Cancel{named}
          </button>
        )}
        {canRetry && (
          <button type="button" class="button" onClick={() => onRetry(key)}>
            Try again{named}
          </button>
        )}
        {!isActive(row) && (
          <button type="button" class="button quiet" onClick={() => onDismiss(key)}>
            Dismiss{named}
          </button>
        )}
      </div>
      <Progress row={row} />
      {stage.kind === "failed" && <ProblemNotice problem={stage.problem} />}
    </li>
  );
}

function Progress({ row: { file, stage } }: { row: UploadRow }) {
  const size = formatSize(file.size);
  switch (stage.kind) {
    case "waiting":
      return <p class="meta">Waiting · {size}</p>;
    case "sending": {
      const done = percent(stage.sent, file.size);
      return (
        <>
          <progress aria-label={`Upload of ${file.name}`} max={100} value={done} />
          <p class="meta">
            {done} % · {formatSize(stage.sent)} of {size}
          </p>
        </>
      );
    }
    case "finishing":
      return (
        <>
          <progress aria-label={`Upload of ${file.name}`} />
          <p class="meta">Everything is sent. The server checks it…</p>
        </>
      );
    case "done":
      return <p class="meta">Uploaded · {size}</p>;
    case "cancelled":
      return <p class="meta">Cancelled. Nothing was kept.</p>;
    case "failed":
      return null;
  }
}
