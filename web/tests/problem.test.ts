import { describe, expect, test } from "vitest";
import { Failure, problemFromJson, problemFromSilence, problemFromStore, problemOf } from "../src/problem";

describe("a problem document", () => {
  test("is shown with title, detail, hint, code and request", () => {
    const body = JSON.stringify({
      type: "urn:gatepass:problem:too_large",
      title: "The collection does not take files of this size",
      status: 413,
      detail: "at most 5 GiB",
      hint: "split the file",
      code: "too_large",
      request_id: "req_1",
    });
    expect(problemFromJson(413, body)).toEqual({
      title: "The collection does not take files of this size",
      status: 413,
      detail: "At most 5 GiB.",
      hint: "Split the file.",
      code: "too_large",
      requestId: "req_1",
    });
  });

  test("names the fields that are wrong", () => {
    const body = JSON.stringify({
      title: "The request is not valid",
      detail: "two fields are wrong",
      errors: [{ pointer: "/size", code: "range", detail: "is negative" }, { detail: "filename is missing" }, "noise"],
    });
    expect(problemFromJson(400, body).detail).toBe("Two fields are wrong. /size: is negative. Filename is missing.");
  });

  test.each(["", "<html>502</html>", "null", "[]", '"text"', '{"title": 7}'])("may be no such document: %j", (body) => {
    expect(problemFromJson(502, body)).toEqual({ title: "The server answered 502", status: 502 });
  });
});

describe("an error of the store", () => {
  test("is told in its own words", () => {
    const problem = problemFromStore(403, { code: "SignatureDoesNotMatch", message: "It does not match", requestId: "R1" });
    expect(problem).toEqual({
      title: "The store refused the file",
      status: 403,
      detail: "It does not match.",
      code: "SignatureDoesNotMatch",
      requestId: "R1",
    });
  });

  test("that may be an expired permission says what helps", () => {
    expect(problemFromStore(403, { code: "AccessDenied", message: "Request has expired" }).hint).toContain("Try again");
  });

  test("without a document still names the status", () => {
    expect(problemFromStore(500, {}).detail).toBe("It answered 500 without saying why.");
  });
});

describe("silence", () => {
  test("from another origin may be CORS, and both origins are named", () => {
    const problem = problemFromSilence("http://127.0.0.1:9000/files/staging/x?X-Amz-Signature=secret", "http://localhost:8080");
    expect(problem.detail).toContain("http://127.0.0.1:9000");
    expect(problem.hint).toContain("allow PUT from http://localhost:8080");
  });

  test("never shows the signed address", () => {
    const shown = JSON.stringify(problemFromSilence("http://127.0.0.1:9000/k?X-Amz-Signature=secret", "http://localhost:8080"));
    expect(shown).not.toContain("secret");
  });

  test("from our own server is no matter of CORS", () => {
    const problem = problemFromSilence("http://localhost:8080/v1/files", "http://localhost:8080");
    expect(JSON.stringify(problem)).not.toContain("CORS");
  });
});

test("whatever is thrown can be shown", () => {
  expect(problemOf(new Failure({ title: "No" }))).toEqual({ title: "No" });
  expect(problemOf(new Error("boom")).detail).toBe("boom");
  expect(problemOf("text").detail).toBe("text");
});
