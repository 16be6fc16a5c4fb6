// The journeys of the web console against a running `gatepass dev` with an empty data directory.
//
// Nothing of the stack is replaced: the page is the embedded one, the sign-in is the identity provider's, and the upload is a
// cross-origin request that the bucket's CORS rules must allow. Only the failures that a healthy stack does not have are staged.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkAccessibility, checkReflow, drop, focused, launch, nextDownload, signIn, stack, tabTo, visitor } from "./browser.mjs";

const MIB = 1024 * 1024;

/** A journey that hangs fails before the caller loses patience. */
const timeout = 120_000;

const { backend, store, tokens } = stack();
let browser;
let directory;

before(async () => {
  browser = await launch();
  directory = await mkdtemp(join(tmpdir(), "gatepass-browser-"));
});

after(async () => {
  await browser?.close();
  if (directory !== undefined) await rm(directory, { recursive: true });
});

/** A file on the disk, for the file chooser and for drops. */
async function sample(name, size = 1000) {
  const path = join(directory, name);
  const bytes = Buffer.alloc(size, `${name} `);
  await writeFile(path, bytes);
  return { name, path, bytes };
}

async function choose(page, ...samples) {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Choose files" }).click(),
  ]);
  await chooser.setFiles(samples.map(({ path }) => path));
}

const upload = (page, { name }) => page.locator(".upload", { hasText: name });
const row = (page, { name }) => page.getByTestId("files").locator(".file", { hasText: name });
const stage = (page, file, name) => page.locator(`.upload[data-stage=${name}]`, { hasText: file.name }).waitFor();

test("a visitor learns what this is and where to sign in", { timeout }, async () => {
  const { context, page, faults } = await visitor(browser);
  const response = await page.goto(backend);
  const policy = response.headers()["content-security-policy"] ?? "";
  assert.match(policy, /default-src 'none'|default-src 'self'/, "the page has a content security policy");
  assert.doesNotMatch(policy, /unsafe-/, "which has no exception");

  await page.getByRole("heading", { level: 1, name: "Private files" }).waitFor();
  await checkAccessibility(page, "the signed-out page");
  await checkReflow(page, "the signed-out page");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a file goes up by button and by drop, opens, is shared, and the link is revoked", { timeout }, async (t) => {
  const { context, page, faults } = await visitor(browser);
  const chosen = await sample("chosen – täglich (1).bin", 8 * MIB);
  const dropped = await sample("dropped.txt");
  let opened;
  let shared;

  await t.test("alice signs in and is invited to drop a file", async () => {
    await signIn(page, backend, "alice");
    await page.getByTestId("empty").waitFor();
    await checkAccessibility(page, "the empty console");
  });

  await t.test("a chosen file shows its progress and arrives", async () => {
    const network = await context.newCDPSession(page);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 4 * MIB };
    await network.send("Network.emulateNetworkConditions", slow);
    await page.evaluate(() => {
      window.seen = [];
      const note = () => {
        const bar = document.querySelector("progress[value]");
        if (bar !== null) window.seen.push(bar.value);
      };
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    const requests = [];
    page.on("request", (request) => requests.push(request));

    await choose(page, chosen);
    await stage(page, chosen, "done");
    await row(page, chosen).waitFor();
    await network.send("Network.emulateNetworkConditions", { ...slow, uploadThroughput: -1 });
    await network.detach();

    const seen = await page.evaluate(() => window.seen);
    assert.ok(seen.some((value) => value > 0 && value < 100), `progress between 0 and 100 was shown: ${seen}`);
    assert.deepEqual(seen, seen.toSorted((one, other) => one - other), "and it never went back");
    const put = requests.find((request) => request.method() === "PUT");
    assert.equal(new URL(put.url()).origin, new URL(store).origin, "the bytes went to the store itself");
    assert.equal((await put.allHeaders()).cookie, undefined, "and no cookie with them");
    assert.match(await page.getByTestId("announcer").textContent(), /is uploaded/);
  });

  await t.test("a dropped file arrives above it", async () => {
    await drop(page, page.getByTestId("drop-area"), [dropped.path]);
    await stage(page, dropped, "done");
    await row(page, dropped).waitFor();
    assert.match(await page.getByTestId("files").locator("li.file").first().textContent(), /dropped\.txt/);
    assert.match(await row(page, chosen).textContent(), /8 MiB/);
  });

  await t.test("the list is the server's, not the page's memory", async () => {
    await page.reload();
    await row(page, chosen).waitFor();
    await row(page, dropped).waitFor();
  });

  await t.test("a file opens in a tab of its own, with every byte", async () => {
    const link = row(page, chosen).getByRole("link");
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
    opened = new URL(await link.getAttribute("href"), backend).href;
    const [download] = await Promise.all([nextDownload(context), link.click()]);
    assert.equal(download.suggestedFilename(), chosen.name);
    assert.ok(chosen.bytes.equals(await readFile(await download.path())), "the file is what was uploaded");
  });

  await t.test("a file that can do no harm is shown, from the store's own origin", async () => {
    const [tab] = await Promise.all([context.waitForEvent("page"), row(page, dropped).getByRole("link").click()]);
    await tab.waitForURL(`${store}/**`);
    assert.equal(await tab.locator("body").innerText(), dropped.bytes.toString().trimEnd());
    assert.equal(await tab.evaluate(() => window.opener), null);
    await tab.close();
  });

  await t.test("a link is shown once, can be copied, and opens for a stranger", async () => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: backend });
    const file = row(page, dropped);
    await file.getByRole("button", { name: "Links" }).click();
    await file.getByText("There are no links to this file.").waitFor();
    await file.getByRole("button", { name: "Make a link" }).click();
    shared = await file.getByLabel("The address of the new link").inputValue();
    await file.getByRole("button", { name: "Copy" }).click();
    await file.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shared);
    await checkAccessibility(page, "the console with a new link");
    await checkReflow(page, "the console with a new link");

    const stranger = await browser.newContext();
    const answer = await stranger.request.get(shared);
    assert.equal(answer.status(), 200);
    assert.ok(dropped.bytes.equals(await answer.body()), "the stranger gets the same bytes");
    await stranger.close();
  });

  await t.test("a revoked link says so at once", async () => {
    const file = row(page, dropped);
    await file.getByRole("button", { name: "Revoke" }).click();
    await file.locator(".link .state[data-state=revoked]").waitFor();
    assert.equal(await file.getByLabel("The address of the new link").count(), 0, "its address is shown no more");

    const stranger = await browser.newContext();
    const page410 = await stranger.newPage();
    const answer = await page410.goto(shared);
    assert.equal(answer.status(), 410);
    assert.match(await page410.locator("body").innerText(), /revoked/i);
    await stranger.close();
  });

  await t.test("alice signs out, and bob has none of it", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    await signIn(page, backend, "bob");
    await page.getByTestId("empty").waitFor();
    const answer = await context.request.get(opened);
    assert.equal(answer.status(), 404, "a file of alice's does not exist for bob");
  });

  assert.deepEqual(faults, []);
  await context.close();
});

test("everything can be done with the keyboard alone", { timeout }, async () => {
  const { context, page, faults } = await visitor(browser);
  const file = await sample("keyboard.txt");
  await page.goto(backend);
  await page.getByRole("link", { name: "Sign in" }).waitFor();

  await tabTo(page, "link", "Sign in");
  await page.keyboard.press("Enter");
  await page.locator("button[name=user][value=bob]").waitFor();
  await tabTo(page, "button", /bob/i);
  await page.keyboard.press("Enter");
  await page.getByTestId("empty").waitFor();

  await tabTo(page, "button", "Choose files");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
  await chooser.setFiles(file.path);
  await row(page, file).waitFor();

  await tabTo(page, "button", `Links ${file.name}`);
  await page.keyboard.press("Enter");
  await tabTo(page, "combobox", "A new link works");
  await page.keyboard.press("ArrowDown");
  await tabTo(page, "button", "Make a link");
  await page.keyboard.press("Enter");
  await page.getByLabel("The address of the new link").waitFor();
  assert.equal(
    await page.evaluate(() => document.activeElement.value === getSelection().toString()),
    true,
    "the new address has the focus and is selected",
  );
  assert.match(await row(page, file).locator(".link").textContent(), /ends/, "the chosen lifetime was used");

  await tabTo(page, "button", /^Revoke/);
  await page.keyboard.press("Enter");
  await page.locator(".link .state[data-state=revoked]").waitFor();
  assert.match(await focused(page), /Revoked/, "the focus is where the result is");

  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  assert.match(await focused(page), /^Delete/, "backwards through the form to the row's own buttons");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await checkAccessibility(page, "the question before deleting");
  assert.equal(await focused(page), "Keep it", "the harmless answer is the first");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.match(await focused(page), /^Delete/, "the focus is back where it was");

  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, "button", "Delete");
  await page.keyboard.press("Enter");
  await page.getByTestId("empty").waitFor();
  assert.equal(await focused(page), "Files", "the focus is on what is left");

  await tabTo(page, "button", "Clear finished");
  await page.keyboard.press("Enter");
  await tabTo(page, "button", "Sign out");
  await page.keyboard.press("Enter");
  await page.getByText("You are signed out.").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a long list comes in pages, and an administrator sees whose each file is", { timeout }, async () => {
  const pageSize = 50;
  for (let number = 0; number <= pageSize; number += 1) {
    await uploadByApi(tokens.bob, `page-${String(number).padStart(2, "0")}.txt`);
  }
  const { context, page, faults } = await visitor(browser);
  const rows = page.getByTestId("files").locator("li.file");
  await signIn(page, backend, "bob");
  await rows.first().waitFor();
  assert.equal(await rows.count(), pageSize);
  await page.getByRole("button", { name: "Show more" }).click();
  await row(page, { name: "page-00.txt" }).waitFor();
  assert.equal(await rows.count(), pageSize + 1);
  assert.match(await focused(page), /page-00\.txt/, "the focus goes on where the new rows begin");
  await page.getByText(`${pageSize + 1} files`).waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, backend, "admin");
  await rows.first().waitFor();
  assert.match(await rows.first().textContent(), /of bob/);
  assert.deepEqual(faults, []);
  await context.close();
});

/** A file by the API alone, in the three steps that the page takes, too. */
async function uploadByApi(token, filename) {
  const post = async (path, body) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(new URL(path, backend), { method: "POST", headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `POST ${path}: ${answer.status}`);
    return answer.json();
  };
  const body = "paged";
  const declaration = { collection: "files", filename, size: body.length, content_type: "text/plain" };
  const { id, instructions } = await post("/v1/uploads", declaration);
  const { method, url, headers } = instructions;
  assert.ok((await fetch(url, { method, headers: new Headers(headers), body })).ok, "the store took it");
  await post(`/v1/uploads/${id}/complete`);
}

test("what goes wrong is told in words, and can be tried again", { timeout }, async (t) => {
  const refused = await sample("refused.txt");
  const blocked = await sample("blocked.txt");
  const cancelled = await sample("cancelled.bin", 2 * MIB);
  const { context, page, faults } = await visitor(browser, {}, ["403 /", "401 /v1/"]);
  const isPut = (request) => request.method() === "PUT";
  const onPut = async (handle) => {
    await page.unrouteAll();
    await page.route(`${store}/**`, (route) => (isPut(route.request()) ? handle(route) : route.continue()));
  };
  await signIn(page, backend, "alice");

  await t.test("the store's own words, where it refuses", async () => {
    await onPut((route) =>
      route.fulfill({
        status: 403,
        headers: { "access-control-allow-origin": backend, "content-type": "application/xml" },
        body: "<Error><Code>AccessDenied</Code><Message>Request has expired</Message><RequestId>R1</RequestId></Error>",
      }),
    );
    await choose(page, refused);
    await stage(page, refused, "failed");
    const words = await upload(page, refused).getByRole("alert").innerText();
    assert.match(words, /The store refused the file/);
    assert.match(words, /Request has expired/);
    assert.match(words, /AccessDenied/);
    await checkAccessibility(page, "a refused upload");
  });

  await t.test("and the second try succeeds", async () => {
    await page.unrouteAll();
    await upload(page, refused).getByRole("button", { name: "Try again" }).click();
    await row(page, refused).waitFor();
  });

  await t.test("CORS, where the browser hides the answer", async () => {
    await onPut((route) => route.fulfill({ status: 403, headers: { "access-control-allow-origin": "http://elsewhere.test" } }));
    const before = faults.length;
    await choose(page, blocked);
    await stage(page, blocked, "failed");
    const words = await upload(page, blocked).getByRole("alert").innerText();
    assert.match(words, /CORS/);
    assert.ok(words.includes(new URL(store).origin), "the store is named");
    assert.ok(words.includes(new URL(backend).origin), "and the page's origin");
    // The browser's own complaint about the staged answer is no fault of the page.
    const complaints = faults.splice(before);
    assert.ok(complaints.every((fault) => /CORS policy|ERR_FAILED/.test(fault)), complaints.join("\n"));
  });

  await t.test("an upload can be cancelled, and leaves nothing", async () => {
    await onPut(() => {}); // never answered
    await choose(page, cancelled);
    await upload(page, cancelled).getByRole("button", { name: "Cancel" }).click();
    await stage(page, cancelled, "cancelled");
    await page.unrouteAll();
    await page.reload();
    await row(page, refused).waitFor();
    assert.equal(await row(page, cancelled).count(), 0);
  });

  await t.test("a session that ended leads back to the way in", async () => {
    await context.clearCookies();
    await row(page, refused).getByRole("button", { name: "Links" }).click();
    await page.getByText("Your session has ended.").waitFor();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
  });

  assert.deepEqual(faults, []);
  await context.close();
});
