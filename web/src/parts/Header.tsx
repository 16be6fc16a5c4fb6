import type { ComponentChildren } from "preact";
import { GateIcon } from "./icons";

/** The strip at the top: the name, and who is signed in. */
export function Header({ children }: { children?: ComponentChildren }) {
  return (
    <header class="header">
      <div class="header-inner">
        <p class="brand">
          <GateIcon />
          <span>Gatepass</span>
        </p>
        {children}
      </div>
    </header>
  );
}
