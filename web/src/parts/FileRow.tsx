import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { contentAddress, type Api, type StoredFile } from "../api";
import { formatSize, formatTime, stateName } from "../format";
import { FileIcon, LinkIcon, TrashIcon } from "./icons";
import { LinkPanel } from "./LinkPanel";

interface Props {
  api: Api;
  file: StoredFile;
  /** The subject of who looks. */
  viewer: string;
  announce: (text: string) => void;
  onDelete: () => void;
}

export function FileRow({ api, file, viewer, announce, onDelete }: Props) {
  const [open, setOpen] = useState(false);
  const panel = useId();
  const named = <span class="visually-hidden"> {file.filename}</span>;
  return (
    <li class="file" data-file={file.id}>
      <div class="file-line">
        <FileIcon />
        <div class="file-words">
          <h3>
            {file.state === "available" ? (
              <a class="name" href={contentAddress(file)} target="_blank" rel="noopener noreferrer">
                {file.filename}
                <span class="visually-hidden"> (opens in a new tab)</span>
              </a>
            ) : (
              <span class="name">{file.filename}</span>
            )}
          </h3>
          <dl class="meta facts">
            <Fact name="Size">{formatSize(file.size)}</Fact>
            <Fact name="Type">{file.content_type}</Fact>
            <Fact name="Created">
              <time dateTime={file.created_at}>{formatTime(file.created_at)}</time>
            </Fact>
            {file.owner !== viewer && <Fact name="Owner">of {file.owner}</Fact>}
            <Fact name="State">
              <span class="state" data-state={file.state}>
                {stateName(file.state)}
              </span>
            </Fact>
          </dl>
        </div>
        <div class="actions">
          <button
            type="button"
            class="button"
            aria-expanded={open}
            aria-controls={open ? panel : undefined}
            onClick={() => setOpen(!open)}
          >
            <LinkIcon />
            Links{named}
          </button>
          <button type="button" class="button danger-quiet" aria-haspopup="dialog" onClick={onDelete}>
            <TrashIcon />
            Delete{named}
          </button>
        </div>
      </div>
      {open && <LinkPanel id={panel} api={api} file={file} announce={announce} />}
    </li>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt class="visually-hidden">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
