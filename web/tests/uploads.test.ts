import { describe, expect, test } from "vitest";
import type { Collection, StoredFile } from "../src/api";
import { append } from "../src/files";
import { headersToSet } from "../src/transfer";
import { isActive, isVerdict, mayPass, reduce, refusal, type UploadRow } from "../src/uploads";

const collection: Collection = { name: "files", upload: { max_size: 2048, content_types: ["*/*"], strategies: ["put"] } };

function row(key: number): UploadRow {
  return { key, file: new File(["x"], `${key}.txt`), collection, stage: { kind: "waiting" } };
}

test("the browser's own headers are left to it, whatever their case", () => {
  const headers = { "Content-Type": "text/plain", "content-length": "3", "x-amz-meta-upload": "p", Host: "h" };
  expect(headersToSet({ headers, browser_sets: ["Content-Length", "host"] })).toEqual([
    ["Content-Type", "text/plain"],
    ["x-amz-meta-upload", "p"],
  ]);
});

describe("a size beyond the collection's", () => {
  test("is refused before anything is sent, and one at the limit is not", () => {
    expect(refusal({ size: 2048 }, collection)).toBeUndefined();
    expect(refusal({ size: 2049 }, collection)).toMatchObject({ code: "too_large" });
  });
});

test("uploads are added on top, change alone, and go when dismissed", () => {
  let rows = reduce([], { kind: "add", rows: [row(1)] });
  rows = reduce(rows, { kind: "add", rows: [row(3), row(2)] });
  rows = reduce(rows, { kind: "stage", key: 2, stage: { kind: "done" } });
  expect(rows.map(({ key, stage }) => [key, stage.kind])).toEqual([
    [3, "waiting"],
    [2, "done"],
    [1, "waiting"],
  ]);
  expect(rows.map(isActive)).toEqual([true, false, true]);
  expect(reduce(rows, { kind: "dismiss", keys: [2] }).map(({ key }) => key)).toEqual([3, 1]);
});

test("the bytes are kept for a second try only where nobody refused them", () => {
  expect(mayPass({ title: "silence" })).toBe(true);
  expect(mayPass({ title: "the store is down", status: 502 })).toBe(true);
  expect(mayPass({ title: "another size", status: 422 })).toBe(false);
});

test("what is wrong with the file itself is not tried again", () => {
  expect(isVerdict({ title: "too large", code: "too_large" })).toBe(true);
  expect(isVerdict({ title: "expired", code: "AccessDenied" })).toBe(false);
  expect(isVerdict({ title: "silence" })).toBe(false);
});

test("a file that comes twice is listed once", () => {
  const file = (id: string) => ({ id }) as StoredFile;
  expect(append([file("a"), file("b")], [file("b"), file("c")]).map(({ id }) => id)).toEqual(["a", "b", "c"]);
});
