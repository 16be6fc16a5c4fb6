import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { NewLink } from "../api";

/** The address of a new link. The server keeps only its hash, so this is the one time that it can be read. */
export function NewLinkNotice({ link, announce }: { link: NewLink; announce: (text: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  const input = useId();
  const [copied, setCopied] = useState(false);

  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);

  const copy = async () => {
    const done = await copyText(link.url, field.current);
    setCopied(done);
    announce(done ? "The address is copied." : "The browser did not allow copying. The address is selected.");
  };

  return (
    <div class="new-link">
      <label for={input}>The address of the new link</label>
      <div class="new-link-line">
        <input
          id={input}
          ref={field}
          type="text"
          readOnly
          value={link.url}
          aria-describedby={`${input}-once`}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" class="button primary" onClick={() => void copy()}>
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
      <p class="meta" id={`${input}-once`}>
        Copy it now: it is not shown again. Whoever has it can open the file.
      </p>
    </div>
  );
}

/** The clipboard is there only on HTTPS and localhost, and may be forbidden; a selection can be copied by hand. */
async function copyText(text: string, field: HTMLInputElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field?.select();
    return false;
  }
}
