// A real Chromium, and the few things that every journey does with it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Who is not signed in is told so, and the identity provider's page has no icon. */
const ALWAYS_EXPECTED = ["401 /v1/session", "404 /favicon.ico"];

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where the stack is that the caller started: what `gatepass dev --ready-file` wrote. */
export function stack() {
  const path = process.env.GATEPASS_READY;
  assert.ok(path, "GATEPASS_READY must name the ready file of a running `gatepass dev`");
  return JSON.parse(readFileSync(path, "utf8"));
}

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
}

/**
 * A page of a fresh browser profile. `faults` collects what must not happen in it: script errors, and everything that the console
 * calls an error, violations of the content security policy among them. An answer that the journey provokes is named in
 * `expected`, as `401 /v1/session`.
 */
export async function visitor(browser, options = {}, expected = []) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  // File choosers are caught as long as somebody listens. A listener that comes with the key press may come too late.
  page.on("filechooser", () => {});
  const faults = [];
  page.on("pageerror", (error) => faults.push(`script error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" || isExpected(message, [...ALWAYS_EXPECTED, ...expected])) return;
    faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  return { context, page, faults };
}

function isExpected(message, expected) {
  return expected.some((answer) => {
    const [status, path] = answer.split(" ");
    return message.text().includes(`status of ${status}`) && new URL(message.location().url).pathname.startsWith(path);
  });
}

/** Signs in by clicking, as a person does. */
export async function signIn(page, backend, user) {
  await page.goto(backend);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.locator(`button[name=user][value=${user}]`).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** What automatic checks find against WCAG 2.2 AA in the page as it is now. */
export async function checkAccessibility(page, where) {
  await page.evaluate(axeSource);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), WCAG);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
    assert.deepEqual(found, [], `accessibility of ${where}, ${colorScheme}`);
  }
}

/** Nothing may make the page scroll sideways on the narrowest screens (WCAG 2.2, 1.4.10). */
export async function checkReflow(page, where) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.setViewportSize(before);
  assert.ok(width <= 320, `${where} is ${width} pixels wide on a screen of 320`);
}

/** Drops files from the disk onto an element through the browser's own drag and drop, so that the events are trusted. */
export async function drop(page, locator, files) {
  const box = await locator.boundingBox();
  const point = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const data = { items: [], files, dragOperationsMask: 1 };
  const session = await page.context().newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, ...point, data });
  }
  await session.detach();
}

/** The next download of any tab: the browser says it of the tab that asked, or of the one that opened for it. */
export function nextDownload(context) {
  return new Promise((resolve) => {
    const listen = (page) => page.once("download", resolve);
    context.pages().forEach(listen);
    context.once("page", listen);
  });
}

/** Presses Tab until the control with that role and name has the focus, as somebody without a mouse does. */
export async function tabTo(page, role, name) {
  const wanted = page.getByRole(role, { name, exact: typeof name === "string" });
  const presses = 60;
  for (let press = 0; press < presses; press += 1) {
    await page.keyboard.press("Tab");
    if (await wanted.evaluateAll((elements) => elements.includes(document.activeElement))) {
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, "none", `the focus on “${name}” cannot be seen`);
      return;
    }
  }
  assert.fail(`no ${role} “${name}” is reached by ${presses} presses of Tab`);
}

/** The text of what has the focus; nothing where it was lost, which browsers call having the whole body. */
export function focused(page) {
  return page.evaluate(() => {
    const { activeElement, body } = document;
    return activeElement === null || activeElement === body ? "" : activeElement.textContent;
  });
}
