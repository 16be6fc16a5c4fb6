import type { Problem } from "../problem";
import { AlertIcon } from "./icons";

/** A problem in words: what happened, why, and what can be done. Read out as soon as it appears. */
export function ProblemNotice({ problem, onRetry }: { problem: Problem; onRetry?: (() => void) | undefined }) {
  const reference = [problem.code, problem.requestId && `request ${problem.requestId}`].filter(Boolean).join(" · ");
  return (
    <div class="problem" role="alert">
      <AlertIcon />
      <div class="problem-words">
        <p class="problem-title">{problem.title}</p>
        {problem.detail !== undefined && <p>{problem.detail}</p>}
        {problem.hint !== undefined && <p class="problem-hint">{problem.hint}</p>}
        {reference !== "" && <p class="reference">{reference}</p>}
        {onRetry !== undefined && (
          <button type="button" class="button" onClick={onRetry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}
