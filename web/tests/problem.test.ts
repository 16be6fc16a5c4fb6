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
    expect(problemFromJson(400, body).detail).toBe("Two fields are wrong. Size: is negative. Filename is missing.");
  });

  test.each(["", "<html>502</html>", "null", "[]", '"text"', '{"title": 7}'])("may be no such document: %j", (body) => {
    expect(problemFromJson(502, body)).toEqual({ title: "The server answered 502", status: 502 });
  });
});

describe("an error of the store", () => {
  const document = (code: string, message: string) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>` +
    "<RequestId>R1</RequestId><HostId>H1</HostId></Error>";

  test("is told in its own words", () => {
    expect(problemFromStore(403, document("SignatureDoesNotMatch", "It does not match"))).toEqual({
      title: "The store refused the file",
      status: 403,
      detail: "It does not match.",
      code: "SignatureDoesNotMatch",
      requestId: "R1",
    });
  });

  test("is read as XML writes it", () => {
    const message = "a &lt;b&gt; &amp;amp; &#x2014; &#8220;c&#x201D; &unknown; &#x999999; end.";
    expect(problemFromStore(400, document("X", message)).detail).toBe("A <b> &amp; — “c” &unknown; &#x999999; end.");
  });

  test("that may be an expired permission says what helps", () => {
    expect(problemFromStore(403, document("AccessDenied", "Request has expired")).hint).toContain("Try again");
  });

  test.each(["", "<html>502 Bad Gateway</html>", "<Error><Code></Code></Error>", "<Error><Message>cut o"])(
    "may be no such document: %j",
    (body) => {
      const detail = "It answered 502 without saying why.";
      expect(problemFromStore(502, body)).toEqual({ title: "The store refused the file", status: 502, detail });
    },
  );
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
