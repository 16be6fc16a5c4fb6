import { SIGN_IN } from "../api";
import { Header } from "./Header";

/** What a visitor sees: what this is, and the way in. */
export function SignedOut({ notice }: { notice: string | undefined }) {
  return (
    <>
      <Header />
      <main class="page welcome">
        <div role="status">{notice !== undefined && <p class="notice">{notice}</p>}</div>
        <h1>Private files, handed out with care</h1>
        <p class="lead">
          Gatepass keeps files private and gives out signed addresses for them: one file, one purpose, and an end.
        </p>
        <p>
          <a class="button primary large" href={SIGN_IN}>
            Sign in
          </a>
        </p>
        <ul class="promises" role="list">
          <li>
            <h2>Straight to the store</h2>
            <p>A file goes from your browser to the store through an address that was signed for that file alone.</p>
          </li>
          <li>
            <h2>Yours until you share</h2>
            <p>
              Apart from your administrators, nobody sees, opens or counts your files. A link opens one of them for
              whoever has it.
            </p>
          </li>
          <li>
            <h2>Revoked means gone</h2>
            <p>A link that you revoke stops at once, and says so to those who follow it.</p>
          </li>
        </ul>
        <p class="aside">
          On a development server you choose one of the users <strong>alice</strong>, <strong>bob</strong> and{" "}
          <strong>admin</strong>, without a password.
        </p>
      </main>
    </>
  );
}
