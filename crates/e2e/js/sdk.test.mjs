// The AWS SDK for JavaScript with its defaults: it sends aws-chunked bodies with trailing checksums, and presigns with
// parameters of its own.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { before, test } from "node:test";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { Readable } from "node:stream";

const MIB = 1024 * 1024;
const client = new S3Client({ forcePathStyle: true, maxAttempts: 1 });
// The SDK sends a chunk for each piece of a stream unless told to gather them, and S3 refuses small chunks.
const gathering = new S3Client({ forcePathStyle: true, maxAttempts: 1, requestStreamBufferSize: 64 * 1024 });
const Bucket = `js-${randomUUID()}`;

before(() => client.send(new CreateBucketCommand({ Bucket })));

async function read(Key) {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from(await answer.Body.transformToByteArray());
}

test("an object comes back with the checksum that the SDK sent by default", async () => {
  const put = await client.send(new PutObjectCommand({ Bucket, Key: "small", Body: "small body" }));
  assert.ok(put.ChecksumCRC32, "the store answers the checksum");
  assert.equal((await read("small")).toString(), "small body");
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: "small", ChecksumMode: "ENABLED" }));
  assert.equal(head.ChecksumCRC32, put.ChecksumCRC32);
});

test("a stream travels aws-chunked with a trailing checksum", async () => {
  const body = createHash("shake256", { outputLength: 300_000 }).update("stream").digest();
  const chunks = [body.subarray(0, 100_000), body.subarray(100_000, 100_001), body.subarray(100_001)];
  const put = (Key) =>
    new PutObjectCommand({ Bucket, Key, Body: Readable.from(chunks), ContentLength: body.length });
  await gathering.send(put("stream"));
  assert.ok(body.equals(await read("stream")));
  await assert.rejects(client.send(put("in small chunks")), { name: "InvalidChunkSizeError" });
});

for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"]) {
  test(`${ChecksumAlgorithm} is verified and kept`, async () => {
    const Key = `sum-${ChecksumAlgorithm}`;
    const put = await client.send(new PutObjectCommand({ Bucket, Key, Body: "summed", ChecksumAlgorithm }));
    assert.ok(put[`Checksum${ChecksumAlgorithm}`]);
  });
}

test("a managed upload goes in parts", async () => {
  const body = createHash("shake256", { outputLength: 12 * MIB }).update("parts").digest();
  await new Upload({ client, params: { Bucket, Key: "parts", Body: body }, partSize: 5 * MIB }).done();
  assert.ok(body.equals(await read("parts")));
});

test("strangers use the URLs that the SDK signed", async () => {
  const Key = "a folder/é + ~.txt";
  const put = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 });
  assert.equal((await fetch(put, { method: "PUT", body: "by URL" })).status, 200);
  const get = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
  assert.equal(await (await fetch(get)).text(), "by URL");
  const changed = await fetch(get.replace("x-id=GetObject", "x-id=PutObject"));
  assert.equal(changed.status, 403);
  assert.match(await changed.text(), /<Code>SignatureDoesNotMatch<\/Code>/);
});

test("metadata that presigning moved into the query is honoured", async () => {
  const command = new PutObjectCommand({ Bucket, Key: "hoisted", Metadata: { colour: "blue" } });
  const url = await getSignedUrl(client, command, { expiresIn: 60 });
  assert.match(url, /x-amz-meta-colour=blue/);
  assert.equal((await fetch(url, { method: "PUT", body: "x" })).status, 200);
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: "hoisted" }));
  assert.deepEqual(head.Metadata, { colour: "blue" });
});

test("lists and deletions", async () => {
  for (const Key of ["list/1", "list/2"]) await client.send(new PutObjectCommand({ Bucket, Key, Body: "" }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: "list/1" }));
  const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "list/" }));
  assert.deepEqual(listed.Contents.map((entry) => entry.Key), ["list/2"]);
});

test("a form that the SDK signed uploads a file, and nothing larger", async () => {
  const { url, fields } = await createPresignedPost(client, {
    Bucket,
    Key: "forms/${filename}",
    Conditions: [["content-length-range", 1, 1000]],
    Fields: { success_action_status: "201", "Content-Type": "text/plain" },
  });
  const post = (content) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([content]), "täglich.txt");
    return fetch(url, { method: "POST", body: form });
  };
  const created = await post("by a form");
  assert.equal(created.status, 201, await created.clone().text());
  assert.match(await created.text(), /<Key>forms\/täglich.txt<\/Key>/);
  assert.equal((await read("forms/täglich.txt")).toString(), "by a form");
  assert.equal((await post("x".repeat(1001))).status, 400);
});
