import { useCallback, useEffect, useState } from "preact/hooks";
import { currentSession, type Session } from "../api";
import { problemOf, type Problem } from "../problem";
import { Console } from "./Console";
import { Header } from "./Header";
import { ProblemNotice } from "./ProblemNotice";
import { SignedOut } from "./SignedOut";

type View =
  | { kind: "loading" }
  | { kind: "failed"; problem: Problem }
  | { kind: "signed-out"; notice?: string }
  | { kind: "signed-in"; session: Session };

/** Finds out who is here, and shows what is theirs. */
export function App() {
  const [view, setView] = useState<View>({ kind: "loading" });

  const load = useCallback(async () => {
    setView({ kind: "loading" });
    try {
      const session = await currentSession();
      setView(session === undefined ? { kind: "signed-out" } : { kind: "signed-in", session });
    } catch (error) {
      setView({ kind: "failed", problem: problemOf(error) });
    }
  }, []);

  useEffect(() => void load(), [load]);

  // The first reason counts: what an abandoned request learns later is only a consequence.
  const leave = useCallback(
    (notice: string) => setView((view) => (view.kind === "signed-in" ? { kind: "signed-out", notice } : view)),
    [],
  );

  switch (view.kind) {
    case "signed-in":
      return <Console session={view.session} onLeave={leave} />;
    case "signed-out":
      return <SignedOut notice={view.notice} />;
    case "failed":
      return (
        <>
          <Header />
          <main class="page">
            <h1 class="visually-hidden">Gatepass</h1>
            <ProblemNotice problem={view.problem} onRetry={() => void load()} />
          </main>
        </>
      );
    case "loading":
      return (
        <>
          <Header />
          <main class="page" aria-busy="true">
            <h1 class="visually-hidden">Gatepass</h1>
            <p class="loading">Loading…</p>
          </main>
        </>
      );
  }
}
