import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Api, StoredFile } from "../api";
import { problemOf, type Problem } from "../problem";
import { ProblemNotice } from "./ProblemNotice";

interface Props {
  api: Api;
  file: StoredFile;
  onClose: () => void;
  onDeleted: () => void;
}

/** Asks before a file is deleted. A modal `<dialog>` keeps the focus inside, closes on Escape and gives the focus back. */
export function DeleteDialog({ api, file, onClose, onDeleted }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const text = useId();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();

  // Before the next frame: a key pressed then is meant for the dialog.
  useLayoutEffect(() => dialog.current?.showModal(), []);

  const remove = async () => {
    if (busy) {
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      await api.deleteFile(file.id);
      dialog.current?.close();
      onDeleted();
    } catch (error) {
      setProblem(problemOf(error));
      setBusy(false);
    }
  };

  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={title} aria-describedby={text} onClose={onClose}>
      <h2 id={title}>Delete this file?</h2>
      <p id={text}>
        <strong class="name">{file.filename}</strong> will be gone for good, and every link to it stops working.
      </p>
      {problem !== undefined && <ProblemNotice problem={problem} />}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Keep it
        </button>
        <button type="button" class="button danger" aria-disabled={busy} onClick={() => void remove()}>
          {busy ? "Deleting…" : "Delete"}
        </button>
      </div>
    </dialog>
  );
}
