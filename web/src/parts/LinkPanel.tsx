import { useCallback, useEffect, useState } from "preact/hooks";
import type { Api, Link, NewLink, StoredFile } from "../api";
import { problemOf, type Problem } from "../problem";
import { LinkForm } from "./LinkForm";
import { LinkRow } from "./LinkRow";
import { NewLinkNotice } from "./NewLinkNotice";
import { ProblemNotice } from "./ProblemNotice";

interface Props {
  id: string;
  api: Api;
  file: StoredFile;
  announce: (text: string) => void;
}

/** The links of one file: make one, read its address once, see them all, revoke. */
export function LinkPanel({ id, api, file, announce }: Props) {
  const [links, setLinks] = useState<Link[]>();
  const [cursor, setCursor] = useState<string>();
  const [created, setCreated] = useState<NewLink>();
  const [problem, setProblem] = useState<Problem>();

  const load = useCallback(
    async (from?: string) => {
      setProblem(undefined);
      try {
        const page = await api.links(file.id, from);
        setLinks((shown = []) => (from === undefined ? page.data : [...shown, ...page.data]));
        setCursor(page.has_more ? (page.next_cursor ?? undefined) : undefined);
      } catch (error) {
        setProblem(problemOf(error));
      }
    },
    [api, file.id],
  );
  useEffect(() => void load(), [load]);

  const made = (link: NewLink) => {
    setCreated(link);
    setLinks((shown = []) => [link, ...shown]);
  };
  const changed = (link: Link) => {
    setLinks((shown = []) => shown.map((other) => (other.id === link.id ? link : other)));
    setCreated((shown) => (shown?.id === link.id ? undefined : shown));
    announce("The link is revoked. It no longer opens the file.");
  };

  return (
    <section id={id} class="links" aria-label={`Links to ${file.filename}`}>
      <LinkForm api={api} file={file} onMade={made} />
      {created !== undefined && <NewLinkNotice key={created.id} link={created} announce={announce} />}
      {problem !== undefined && <ProblemNotice problem={problem} onRetry={() => void load(cursor)} />}
      {links === undefined && problem === undefined && <p class="loading">Loading the links…</p>}
      {links?.length === 0 && <p class="meta">There are no links to this file.</p>}
      {links !== undefined && links.length > 0 && (
        <ul role="list" class="link-list">
          {links.map((link) => (
            <LinkRow key={link.id} api={api} link={link} onRevoked={changed} />
          ))}
        </ul>
      )}
      {cursor !== undefined && (
        <button type="button" class="button" onClick={() => void load(cursor)}>
          Show more links
        </button>
      )}
    </section>
  );
}
