// minio-js as its users write it: callers of MinIO who point it somewhere else.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { before, test } from "node:test";
import * as Minio from "minio";

const MIB = 1024 * 1024;
const endpoint = new URL(process.env.AWS_ENDPOINT_URL);
const settings = {
  endPoint: endpoint.hostname,
  port: Number(endpoint.port),
  useSSL: false,
  accessKey: process.env.AWS_ACCESS_KEY_ID,
  secretKey: process.env.AWS_SECRET_ACCESS_KEY,
};
const client = new Minio.Client(settings);
const bucket = `minio-${randomUUID()}`;
const keys = ["plain", "with space", "a+b&c=d", "percent %20", "café/naïve ❤", "(paren)'quote;!*", "~tilde"];

before(() => client.makeBucket(bucket));

const put = (key, body, metadata) => client.putObject(bucket, key, body, body.length, metadata);
const read = async (key, ...more) => text(await client.getObject(bucket, key, ...more));
const collect = async (stream) => {
  const found = [];
  for await (const entry of stream) found.push(entry);
  return found;
};
const fails = (promise, code) => assert.rejects(promise, (error) => assert.equal(error.code, code) ?? true);

test("buckets are made, found, listed and removed", async () => {
  const other = `minio-${randomUUID()}`;
  assert.equal(await client.bucketExists(other), false);
  await client.makeBucket(other, "us-east-1");
  assert.equal(await client.bucketExists(other), true);
  assert.ok((await client.listBuckets()).some((found) => found.name === other));
  await client.removeBucket(other);
  assert.equal(await client.bucketExists(other), false);
});

test("an object comes back whole, in part, and with its metadata", async () => {
  await put("object", Buffer.from("0123456789"), { "Content-Type": "text/x-own", Colour: "blue" });
  assert.equal(await read("object"), "0123456789");
  assert.equal(await text(await client.getPartialObject(bucket, "object", 2, 3)), "234");
  const stat = await client.statObject(bucket, "object");
  assert.equal(stat.size, 10);
  assert.equal(stat.etag, createHash("md5").update("0123456789").digest("hex"));
  assert.equal(stat.metaData["content-type"], "text/x-own");
  assert.equal(stat.metaData.colour, "blue");
});

test("every key comes back under its own name, copies and goes", async () => {
  for (const key of keys) {
    await put(`keys/${key}`, Buffer.from(key));
    assert.equal(await read(`keys/${key}`), key);
    await client.copyObject(bucket, `keys/copy of ${key}`, `/${bucket}/keys/${key}`);
    assert.equal(await read(`keys/copy of ${key}`), key);
  }
  const names = keys.flatMap((key) => [`keys/${key}`, `keys/copy of ${key}`]).sort();
  for (const listed of [client.listObjectsV2(bucket, "keys/", true), client.listObjects(bucket, "keys/", true)]) {
    assert.deepEqual((await collect(listed)).map((entry) => entry.name).sort(), names);
  }
  const [first] = await collect(client.listObjectsV2(bucket, "keys"));
  assert.equal(first.prefix, "keys/");
  assert.deepEqual(await client.removeObjects(bucket, names.slice(1)), []);
  await client.removeObject(bucket, names[0]);
  assert.deepEqual(await collect(client.listObjectsV2(bucket, "keys/", true)), []);
});

test("a large object goes in parts, and is composed of others", async () => {
  const body = createHash("shake256", { outputLength: 12 * MIB }).update("minio").digest();
  const pieces = Array.from({ length: 12 }, (_, at) => body.subarray(at * MIB, (at + 1) * MIB));
  const inParts = new Minio.Client({ ...settings, partSize: 5 * MIB });
  await inParts.putObject(bucket, "large", Readable.from(pieces), body.length);
  assert.match((await client.statObject(bucket, "large")).etag, /-3$/);
  assert.ok(body.equals(await buffer(await client.getObject(bucket, "large"))));
  const source = () => new Minio.CopySourceOptions({ Bucket: bucket, Object: "large" });
  const target = new Minio.CopyDestinationOptions({ Bucket: bucket, Object: "twice" });
  await client.composeObject(target, [source(), source()]);
  assert.ok(Buffer.concat([body, body]).equals(await buffer(await client.getObject(bucket, "twice"))));
});

test("an upload that stopped is listed and given up", async () => {
  await client.initiateNewMultipartUpload(bucket, "stopped", {});
  const pending = async () => (await collect(client.listIncompleteUploads(bucket, "stopped", true))).length;
  assert.equal(await pending(), 1);
  await client.removeIncompleteUpload(bucket, "stopped");
  assert.equal(await pending(), 0);
});

test("tags, policy, lifecycle rules and versions of a bucket", async () => {
  await put("tagged", Buffer.from("x"));
  await client.setObjectTagging(bucket, "tagged", { team: "red" });
  assert.deepEqual(await client.getObjectTagging(bucket, "tagged"), [{ Key: "team", Value: "red" }]);
  await client.removeObjectTagging(bucket, "tagged");
  assert.deepEqual(await client.getObjectTagging(bucket, "tagged"), []);
  // S3 answers 204, as its reference says, and minio-js takes anything but 200 for an error. The tags are set.
  await assert.rejects(client.setBucketTagging(bucket, { stage: "test" }), { name: "S3Error", code: "" });
  assert.deepEqual(await client.getBucketTagging(bucket), [{ Key: "stage", Value: "test" }]);
  await client.removeBucketTagging(bucket);
  await fails(client.getBucketTagging(bucket), "NoSuchTagSet");

  const denied = `arn:aws:s3:::${bucket}/denied`;
  const statement = { Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: denied };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await put("denied", Buffer.from("x"));
  await client.setBucketPolicy(bucket, policy);
  assert.equal(await client.getBucketPolicy(bucket), policy);
  await fails(read("denied"), "AccessDenied");
  await client.setBucketPolicy(bucket, "");
  assert.equal(await read("denied"), "x");
  await fails(client.getBucketPolicy(bucket), "NoSuchBucketPolicy");

  const rule = { ID: "old", Status: "Enabled", Filter: { Prefix: "tmp/" }, Expiration: { Days: 7 } };
  await client.setBucketLifecycle(bucket, { Rule: [rule] });
  const { Rule: told } = await client.getBucketLifecycle(bucket);
  assert.equal(told.ID, "old");
  await client.removeBucketLifecycle(bucket);
  await fails(client.getBucketLifecycle(bucket), "NoSuchLifecycleConfiguration");

  await client.setBucketVersioning(bucket, { Status: "Enabled" });
  assert.equal((await client.getBucketVersioning(bucket)).Status, "Enabled");
  const { versionId: first } = await put("kept", Buffer.from("first"));
  await put("kept", Buffer.from("second"));
  assert.equal(await read("kept", { versionId: first }), "first");
  await client.removeObject(bucket, "kept");
  const versions = await collect(client.listObjects(bucket, "kept", true, { IncludeVersion: true }));
  assert.deepEqual(versions.map((entry) => entry.isDeleteMarker ?? false).sort(), [false, false, true]);
  await client.setBucketVersioning(bucket, { Status: "Suspended" });
});

test("errors arrive with their codes", async () => {
  await fails(read("absent"), "NoSuchKey");
  await fails(client.statObject(bucket, "absent"), "NotFound");
  await fails(collect(client.listObjectsV2("no-such-bucket-here", "", true)), "NoSuchBucket");
  await put("there", Buffer.from("x"));
  await fails(client.removeBucket(bucket), "BucketNotEmpty");
  await fails(new Minio.Client({ ...settings, secretKey: "wrong" }).listBuckets(), "SignatureDoesNotMatch");
  await fails(new Minio.Client({ ...settings, accessKey: "AKIAIOSFODNN7EXAMPLE" }).listBuckets(), "InvalidAccessKeyId");
  // What S3 has and the store does not is refused by name.
  await fails(client.getBucketEncryption(bucket), "ServerSideEncryptionConfigurationNotFoundError");
  await fails(client.setBucketEncryption(bucket), "NotImplemented");
  await fails(client.getObjectLockConfig(bucket), "ObjectLockConfigurationNotFoundError");
});

test("URLs that it presigned are honoured, for their method and their time alone", async () => {
  for (const key of keys) {
    const up = await client.presignedPutObject(bucket, `urls/${key}`, 60);
    assert.equal((await fetch(up, { method: "PUT", body: key })).status, 200, key);
    const down = await client.presignedGetObject(bucket, `urls/${key}`, 60);
    assert.equal(await (await fetch(down)).text(), key);
    assert.equal((await fetch(down, { method: "PUT", body: "other" })).status, 403);
    assert.equal((await fetch(down.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))).status, 403);
  }
  const overrides = {
    "response-content-type": "text/x-other",
    "response-content-disposition": 'attachment; filename="ä b.txt"',
  };
  const named = await fetch(await client.presignedGetObject(bucket, "urls/plain", 60, overrides));
  assert.equal(named.status, 200, await named.clone().text());
  assert.equal(named.headers.get("content-type"), "text/x-other");
  const past = new Date(Date.now() - 3600_000);
  const expired = await fetch(await client.presignedGetObject(bucket, "urls/plain", 60, {}, past));
  assert.equal(expired.status, 403);
  assert.match(await expired.text(), /Request has expired/);
  const head = await client.presignedUrl("HEAD", bucket, "urls/plain", 60);
  assert.equal((await fetch(head, { method: "HEAD" })).headers.get("content-length"), "5");
});

test("a form that it signed uploads a file, and nothing that its policy does not allow", async () => {
  const policy = client.newPostPolicy();
  policy.setBucket(bucket);
  policy.setKey("forms/täglich.txt");
  policy.setContentType("text/plain");
  policy.setContentLengthRange(1, 1000);
  policy.setContentDisposition("attachment");
  policy.setUserMetaData({ colour: "blue" });
  policy.setExpires(new Date(Date.now() + 60_000));
  const { postURL, formData } = await client.presignedPostPolicy(policy);
  const post = (content, changed) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...formData, ...changed })) form.append(name, value);
    form.append("file", new Blob([content]), "name.txt");
    return fetch(postURL, { method: "POST", body: form });
  };
  const answer = await post("by a form");
  assert.equal(answer.status, 204, await answer.clone().text());
  assert.equal(await read("forms/täglich.txt"), "by a form");
  const { metaData } = await client.statObject(bucket, "forms/täglich.txt");
  assert.equal(metaData.colour, "blue");
  assert.equal(metaData["content-type"], "text/plain");
  for (const [content, changed, status] of [
    ["x".repeat(1001), {}, 400],
    ["x", { key: "elsewhere" }, 403],
    ["x", { bucket: "elsewhere" }, 403],
    ["x", { "Content-Type": "text/html" }, 403],
    ["x", { "x-amz-meta-other": "1" }, 403],
    ["x", { "x-amz-signature": "0".repeat(64) }, 403],
  ]) {
    assert.equal((await post(content, changed)).status, status, JSON.stringify(changed));
  }
  assert.equal(await read("forms/täglich.txt"), "by a form");
});
