import { describe, expect, test } from "vitest";
import { count, formatSize, formatTime, percent, stateName } from "../src/format";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

describe("a size", () => {
  test.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [1023, "1,023 bytes"],
    [KIB, "1 KiB"],
    [1536, "1.5 KiB"],
    [9.94 * KIB, "9.9 KiB"],
    [9.96 * KIB, "10 KiB"],
    [MIB - 1, "1 MiB"],
    [20 * MIB, "20 MiB"],
    [5 * GIB, "5 GiB"],
    [3 * 1024 * GIB, "3 TiB"],
    [5000 * 1024 * GIB, "5,000 TiB"],
  ])("of %d is written %s", (bytes, words) => {
    expect(formatSize(bytes, "en")).toBe(words);
  });
});

test("a hundred percent means everything", () => {
  expect(percent(0, 0)).toBe(100);
  expect(percent(0, 3)).toBe(0);
  expect(percent(999_999, 1_000_000)).toBe(99);
  expect(percent(1_000_000, 1_000_000)).toBe(100);
});

test("a time is the reader's own", () => {
  expect(formatTime("2026-11-23T22:30:00Z", "en-GB", "Europe/Berlin")).toBe("23 Nov 2026, 23:30");
  expect(formatTime("not a time")).toBe("not a time");
});

test("words follow their number and their state", () => {
  expect(count(1, "file", "files")).toBe("1 file");
  expect(count(0, "file", "files")).toBe("0 files");
  expect(stateName("not_yet_valid")).toBe("Not yet valid");
});
