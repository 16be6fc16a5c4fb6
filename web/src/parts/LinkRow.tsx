import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Api, Link } from "../api";
import { formatTime, stateName } from "../format";
import { problemOf, type Problem } from "../problem";
import { ProblemNotice } from "./ProblemNotice";

interface Props {
  api: Api;
  link: Link;
  onRevoked: (link: Link) => void;
}

export function LinkRow({ api, link, onRevoked }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const words = useRef<HTMLParagraphElement>(null);
  const wasRevokedHere = useRef(false);
  const canRevoke = link.state === "active" || link.state === "not_yet_valid";

  // The button goes away with the revocation; the focus goes to what says so.
  useLayoutEffect(() => {
    if (wasRevokedHere.current && !canRevoke) {
      words.current?.focus();
    }
  }, [canRevoke]);

  const revoke = async () => {
    if (busy) {
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      const revoked = await api.revokeLink(link.id);
      wasRevokedHere.current = true;
      onRevoked(revoked);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <li class="link" data-link={link.id}>
      <p class="link-words" ref={words} tabIndex={-1}>
        <span class="state" data-state={link.state}>
          {stateName(link.state)}
        </span>{" "}
        <span>{link.label || "Link"}</span>{" "}
        <span class="meta">
          made <time dateTime={link.created_at}>{formatTime(link.created_at)}</time>
          <Ending link={link} />
        </span>
      </p>
      {canRevoke && (
        <button type="button" class="button danger-quiet" aria-disabled={busy} onClick={() => void revoke()}>
          {busy ? "Revoking…" : "Revoke"}
          <span class="visually-hidden"> the link of {formatTime(link.created_at)}</span>
        </button>
      )}
      {problem !== undefined && <ProblemNotice problem={problem} />}
    </li>
  );
}

function Ending({ link }: { link: Link }) {
  if (link.revoked_at) {
    return (
      <>
        , revoked <time dateTime={link.revoked_at}>{formatTime(link.revoked_at)}</time>
      </>
    );
  }
  if (link.expires_at) {
    return (
      <>
        , {link.state === "expired" ? "ended" : "ends"}{" "}
        <time dateTime={link.expires_at}>{formatTime(link.expires_at)}</time>
      </>
    );
  }
  return null;
}
