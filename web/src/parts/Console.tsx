import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { connect, type Collection, type Session, type StoredFile } from "../api";
import { problemOf, type Problem } from "../problem";
import { useUploads } from "../uploads";
import { useFiles } from "../files";
import { useAnnouncer } from "./Announcer";
import { DropArea } from "./DropArea";
import { FileList } from "./FileList";
import { Header } from "./Header";
import { ProblemNotice } from "./ProblemNotice";
import { UploadList } from "./UploadList";

/** The one page of somebody who is signed in. */
export function Console({ session, onLeave }: { session: Session; onLeave: (notice: string) => void }) {
  const api = useMemo(
    () => connect(session, () => onLeave("Your session has ended. Please sign in again.")),
    [session, onLeave],
  );
  const { announce, region } = useAnnouncer();
  const files = useFiles(api);
  const [collections, setCollections] = useState<Collection[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const filesHeading = useRef<HTMLHeadingElement>(null);

  const loadCollections = useCallback(async () => {
    setProblem(undefined);
    try {
      const all = await api.collections();
      setCollections(all.filter((collection) => collection.upload.strategies.includes("put")));
    } catch (error) {
      setProblem(problemOf(error));
    }
  }, [api]);
  useEffect(() => void loadCollections(), [loadCollections]);

  const uploads = useUploads(api, files.add, announce);

  const signOut = async () => {
    try {
      await api.signOut();
      onLeave("You are signed out.");
    } catch (error) {
      setProblem(problemOf(error));
    }
  };

  const remove = (file: StoredFile) => {
    files.remove(file.id);
    announce(`${file.filename} is deleted.`);
    filesHeading.current?.focus();
  };

  return (
    <>
      <a class="skip" href="#files">
        Skip to the files
      </a>
      <Header>
        <div class="who">
          <p>
            <span class="visually-hidden">Signed in as </span>
            <strong>{session.user.name ?? session.user.subject}</strong>
            <span class="tenant">{session.user.tenant}</span>
          </p>
          <button type="button" class="button quiet" onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      </Header>
      <main class="page">
        <h1 class="visually-hidden">Gatepass</h1>
        {problem !== undefined && <ProblemNotice problem={problem} onRetry={() => void loadCollections()} />}
        <DropArea collections={collections} onFiles={uploads.add} />
        <UploadList uploads={uploads} onEmptied={() => filesHeading.current?.focus()} />
        <section aria-labelledby="files" class="files">
          <h2 id="files" ref={filesHeading} tabIndex={-1}>
            Files
          </h2>
          <FileList
            api={api}
            files={files}
            viewer={session.user.subject}
            announce={announce}
            onDeleted={remove}
          />
        </section>
      </main>
      {region}
    </>
  );
}
