import { render } from "preact";
import { App } from "./parts/App";
import "./styles.css";

const root = document.getElementById("app");
if (root === null) {
  throw new Error("index.html has no element #app");
}
render(<App />, root);
