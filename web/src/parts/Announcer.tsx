import type { VNode } from "preact";
import { useCallback, useState } from "preact/hooks";

/**
 * One polite live region for the whole page: what happened is said where nobody looks, and does not interrupt.
 *
 * Two texts in a row that are equal must still be two changes, so the paragraph is a new one each time.
 */
export function useAnnouncer(): { announce: (text: string) => void; region: VNode } {
  const [message, setMessage] = useState({ text: "", number: 0 });
  const announce = useCallback((text: string) => setMessage((last) => ({ text, number: last.number + 1 })), []);
  const region = (
    <div class="visually-hidden" role="status" data-testid="announcer">
      <p key={message.number}>{message.text}</p>
    </div>
  );
  return { announce, region };
}
