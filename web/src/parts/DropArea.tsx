import { useEffect, useRef, useState } from "preact/hooks";
import type { Collection } from "../api";
import { formatSize } from "../format";
import { UploadIcon } from "./icons";
import { ProblemNotice } from "./ProblemNotice";

interface Props {
  collections: Collection[];
  onFiles: (files: File[], collection: Collection) => void;
}

/**
 * Where files come in: by a drop anywhere on the page, or by the button.
 *
 * The whole window takes drops, because a browser leaves the page for a file that is dropped a finger's breadth beside the area.
 */
export function DropArea({ collections, onFiles }: Props) {
  const [chosen, setChosen] = useState<string>();
  const [hovering, setHovering] = useState(false);
  const [folders, setFolders] = useState<string[]>([]);
  const input = useRef<HTMLInputElement>(null);
  const collection = collections.find(({ name }) => name === chosen) ?? collections[0];

  const take = (files: File[]) => {
    if (collection !== undefined && files.length > 0) {
      onFiles(files, collection);
    }
  };
  // The listeners live as long as the page; what they do is always of the last rendering.
  const takeNow = useRef(take);
  takeNow.current = take;

  useEffect(() => {
    let depth = 0;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth += 1;
      setHovering(true);
    };
    const leave = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      setHovering(depth > 0);
    };
    const over = (event: DragEvent) => {
      if (!hasFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      depth = 0;
      setHovering(false);
      const dropped = sortDrop(event.dataTransfer);
      setFolders(dropped.folders);
      takeNow.current(dropped.files);
    };
    addEventListener("dragenter", enter);
    addEventListener("dragleave", leave);
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  }, []);

  const choose = () => {
    setFolders([]);
    input.current?.click();
  };
  const chose = (event: Event & { currentTarget: HTMLInputElement }) => {
    take([...(event.currentTarget.files ?? [])]);
    // Choosing the same file again is to be an event again.
    event.currentTarget.value = "";
  };

  return (
    <section class={hovering ? "drop hovering" : "drop"} aria-labelledby="upload-heading" data-testid="drop-area">
      <UploadIcon />
      <h2 id="upload-heading">{hovering ? "Let go to upload" : "Drop files here"}</h2>
      <p class="drop-how">
        or{" "}
        <button type="button" class="button primary" onClick={choose} disabled={collection === undefined}>
          Choose files
        </button>
      </p>
      <input ref={input} type="file" multiple hidden aria-label="Files to upload" onChange={chose} />
      {collections.length > 1 && (
        <label class="field">
          <span>Into the collection</span>
          <select value={collection?.name} onChange={(event) => setChosen(event.currentTarget.value)}>
            {collections.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {collection !== undefined && <p class="aside">Up to {formatSize(collection.upload.max_size)} each</p>}
      {folders.length > 0 && (
        <ProblemNotice
          problem={{
            title: "A folder cannot be uploaded",
            detail: `${folders.map((name) => `“${name}”`).join(", ")} was left out.`,
            hint: "Open the folder and drop the files in it.",
          }}
        />
      )}
    </section>
  );
}

/** A dropped folder looks like a file that cannot be read; only its entry tells. */
function sortDrop(transfer: DataTransfer): { files: File[]; folders: string[] } {
  const files: File[] = [];
  const folders: string[] = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory) {
      folders.push(entry.name);
    } else if (file !== null) {
      files.push(file);
    }
  }
  return { files, folders };
}
