// A page with the form that `gatepass sign post --html` printed, in Chromium: the file goes to the store, and the browser comes
// back to where the form says.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch, visitor } from "./browser.mjs";

const timeout = 120_000;
const program = process.env.GATEPASS_PROGRAM;
// The one that `gatepass dev` makes.
const bucket = "gatepass-files";
const name = "täglich (1) \"a\".bin";
const content = Buffer.concat([Buffer.from("\r\n--\r\n"), Buffer.alloc(3_000_000, "content ")]);

let browser;
let server;
let origin;
let form = "";

before(async () => {
  browser = await launch();
  server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(request.url === "/" ? `<!doctype html><title>form</title>${form}` : "<!doctype html><title>done</title>done");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  origin = `http://127.0.0.1:${server.address().port}`;
});

after(async () => {
  await browser?.close();
  server?.close();
});

function sign(...options) {
  return execFileSync(program, ["sign", "post", `s3://${bucket}/forms/`, "--max-size", "4MiB", "--html", ...options], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

async function upload(page, file) {
  await page.goto(`${origin}/`);
  await page.locator("input[type=file]").setInputFiles({ name, mimeType: "application/octet-stream", buffer: file });
  await page.getByRole("button", { name: "Upload" }).click();
}

test("a form uploads its file, and the browser comes back", { timeout }, async () => {
  form = sign("--success-redirect", `${origin}/done?a=b`);
  const { context, page } = await visitor(browser);
  await upload(page, content);
  await page.waitForURL(/\/done\?/);
  const back = new URL(page.url()).searchParams;
  assert.deepEqual([back.get("a"), back.get("bucket")], ["b", bucket]);
  // Browsers percent-encode quotation marks in the names of files.
  assert.equal(back.get("key"), "forms/täglich (1) %22a%22.bin");
  const url = execFileSync(program, ["sign", "get", `s3://${bucket}/${back.get("key")}`], { encoding: "utf8" }).trim();
  const stored = Buffer.from(await (await fetch(url)).arrayBuffer());
  assert.ok(stored.equals(content), "the store has what the browser sent");
  await context.close();
});

test("a file that is too large is refused, and the browser is told", { timeout }, async () => {
  form = sign("--success-redirect", `${origin}/done`);
  const { context, page } = await visitor(browser);
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await upload(page, Buffer.alloc(4 * 1024 * 1024 + 1));
  assert.equal((await answered).status(), 400);
  assert.doesNotMatch(page.url(), /done/);
  await context.close();
});
