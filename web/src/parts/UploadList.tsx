import { useRef } from "preact/hooks";
import { formatSize, percent } from "../format";
import { isActive, isVerdict, type UploadRow, type Uploads } from "../uploads";
import { DoneIcon } from "./icons";
import { ProblemNotice } from "./ProblemNotice";

interface Props {
  uploads: Uploads;
  /** The list is about to go away with whatever has the focus in it. */
  onEmptied: () => void;
}

/** What is on its way, and how it ended. */
export function UploadList({ uploads, onEmptied }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  if (uploads.rows.length === 0) {
    return null;
  }
  const finished = uploads.rows.filter((row) => row.stage.kind === "done");

  // The button that was pressed goes away; the focus stays in the neighbourhood.
  const thenHeading = (act: (key: number) => void) => (key: number) => {
    act(key);
    heading.current?.focus();
  };
  const dismiss = (rows: UploadRow[]) => {
    uploads.dismiss(rows.map(({ key }) => key));
    if (rows.length === uploads.rows.length) {
      onEmptied();
    } else {
      heading.current?.focus();
    }
  };

  return (
    <section class="uploads" aria-labelledby="uploads-heading">
      <div class="section-line">
        <h2 id="uploads-heading" ref={heading} tabIndex={-1}>
          Uploads
        </h2>
        {finished.length > 0 && (
          <button type="button" class="button quiet" onClick={() => dismiss(finished)}>
            Clear finished
          </button>
        )}
      </div>
      <ul role="list" class="rows">
        {uploads.rows.map((row) => (
          <UploadItem
            key={row.key}
            row={row}
            onCancel={thenHeading(uploads.cancel)}
            onRetry={thenHeading(uploads.retry)}
            onDismiss={() => dismiss([row])}
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
  onDismiss: () => void;
}

function UploadItem({ row, onCancel, onRetry, onDismiss }: ItemProps) {
  const { key, file, stage } = row;
  const named = <span class="visually-hidden"> {file.name}</span>;
  const canRetry = stage.kind === "cancelled" || (stage.kind === "failed" && !isVerdict(stage.problem));
  const canDismiss = stage.kind === "cancelled" || stage.kind === "failed";
  return (
    <li class="upload" data-stage={stage.kind}>
      <div class="upload-words">
        {stage.kind === "done" && <DoneIcon />}
        <p class="upload-name name">{file.name}</p>
        <p class="meta">{standing(row)}</p>
      </div>
      <div class="actions">
        {(stage.kind === "waiting" || stage.kind === "sending") && (
          <button type="button" class="button" onClick={() => onCancel(key)}>
            Cancel{named}
          </button>
        )}
        {canRetry && (
          <button type="button" class="button" onClick={() => onRetry(key)}>
            Try again{named}
          </button>
        )}
        {canDismiss && (
          <button type="button" class="button quiet" onClick={onDismiss}>
            Dismiss{named}
          </button>
        )}
      </div>
      {isActive(row) && <ProgressBar name={file.name} percent={sentPercent(row)} />}
      {stage.kind === "failed" && <ProblemNotice problem={stage.problem} />}
    </li>
  );
}

/** Without a value it says that something goes on, and not how far it is: another element, for a value cannot be taken back. */
function ProgressBar({ name, percent }: { name: string; percent: number | undefined }) {
  const label = `Upload of ${name}`;
  return percent === undefined ? (
    <progress key="unknown" aria-label={label} />
  ) : (
    <progress key="known" aria-label={label} max={100} value={percent} />
  );
}

function sentPercent({ file, stage }: UploadRow): number | undefined {
  return stage.kind === "sending" ? percent(stage.sent, file.size) : undefined;
}

function standing({ file, stage }: UploadRow): string {
  const size = formatSize(file.size);
  switch (stage.kind) {
    case "waiting":
      return `Waiting · ${size}`;
    case "sending":
      return `${percent(stage.sent, file.size)} % · ${formatSize(stage.sent)} of ${size}`;
    case "finishing":
      return "Everything is sent. The server checks it…";
    case "done":
      return `Uploaded · ${size}`;
    case "cancelled":
      return "Cancelled. Nothing was kept.";
    case "failed":
      return `Not uploaded · ${size}`;
  }
}
