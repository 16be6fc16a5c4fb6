import { useState } from "preact/hooks";
import type { Api, NewLink, NewLinkRequest, StoredFile } from "../api";
import { problemOf, type Problem } from "../problem";
import { ProblemNotice } from "./ProblemNotice";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Seconds as the value of each choice; the empty one never ends. */
const LIFETIMES = [
  ["1 hour", HOUR],
  ["1 day", DAY],
  ["7 days", 7 * DAY],
  ["30 days", 30 * DAY],
] as const;

interface Props {
  api: Api;
  file: StoredFile;
  onMade: (link: NewLink) => void;
}

export function LinkForm({ api, file, onMade }: Props) {
  const [lifetime, setLifetime] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();

  const make = async (event: Event) => {
    event.preventDefault();
    if (busy) {
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      const link: NewLinkRequest = { file_id: file.id };
      if (lifetime !== "") {
        link.expires_at = new Date(Date.now() + Number(lifetime) * 1000).toISOString();
      }
      onMade(await api.createLink(link));
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <form class="link-form" onSubmit={(event) => void make(event)}>
        <label class="field">
          <span>A new link works</span>
          <select value={lifetime} onChange={(event) => setLifetime(event.currentTarget.value)}>
            <option value="">until it is revoked</option>
            {LIFETIMES.map(([name, seconds]) => (
              <option key={seconds} value={seconds}>
                for {name}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button primary" aria-disabled={busy}>
          {busy ? "Making it…" : "Make a link"}
        </button>
      </form>
      {problem !== undefined && <ProblemNotice problem={problem} />}
    </>
  );
}
