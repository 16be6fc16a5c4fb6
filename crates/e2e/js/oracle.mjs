// The signers of AWS's SDK for JavaScript as judges: one JSON case a line on stdin, one JSON answer a line on stdout.

import { createHash, createHmac, createPrivateKey } from "node:crypto";
import { createInterface } from "node:readline";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedCookies, getSignedUrl as signCloudFront } from "@aws-sdk/cloudfront-signer";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { SignatureV4 } from "@smithy/signature-v4";

const COMMANDS = { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand, UploadPartCommand };
const clients = new Map();
const keys = new Map();
let second = 0;
// The forms are signed at the time of the clock, which is that of the case.
Date.now = () => second * 1000;

function client(account) {
  const name = JSON.stringify(account);
  if (!clients.has(name)) {
    clients.set(
      name,
      new S3Client({
        endpoint: account.endpoint,
        region: account.region,
        forcePathStyle: account.style === "path",
        credentials: {
          accessKeyId: account.access_key_id,
          secretAccessKey: account.secret,
          ...(account.token ? { sessionToken: account.token } : {}),
        },
        // Otherwise it asks for checksums, and moves them into the query where S3 ignores them.
        requestChecksumCalculation: "WHEN_REQUIRED",
        responseChecksumValidation: "WHEN_REQUIRED",
      }),
    );
  }
  return clients.get(name);
}

// Reading a key takes longer than signing with it.
function withKey(options) {
  const pem = options.privateKey;
  if (!keys.has(pem)) {
    keys.set(pem, createPrivateKey(pem));
  }
  return { ...options, privateKey: keys.get(pem) };
}

class Sha256 {
  constructor(secret) {
    this.hash = secret ? createHmac("sha256", secret) : createHash("sha256");
  }
  update(data) {
    this.hash.update(data);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

const answers = {
  async presign({ account, command, input, expires, signed }) {
    return getSignedUrl(client(account), new COMMANDS[command](input), {
      expiresIn: expires,
      signingDate: new Date(second * 1000),
      unhoistableHeaders: new Set(signed),
      signableHeaders: new Set([...signed, "host"]),
    });
  },
  async header({ account, method, host, path, query, headers, body }) {
    const signer = new SignatureV4({
      service: "s3",
      region: account.region,
      sha256: Sha256,
      uriEscapePath: false,
      applyChecksum: true,
      credentials: {
        accessKeyId: account.access_key_id,
        secretAccessKey: account.secret,
        ...(account.token ? { sessionToken: account.token } : {}),
      },
    });
    const request = { method, protocol: "https:", hostname: host, path, query, headers: { ...headers, host }, body };
    const signed = await signer.sign(request, { signingDate: new Date(second * 1000) });
    return signed.headers;
  },
  async post({ account, bucket, key, fields, conditions, expires }) {
    const form = { Bucket: bucket, Key: key, Fields: fields, Conditions: conditions, Expires: expires };
    return createPresignedPost(client(account), form);
  },
  async cloudfront_url(options) {
    return signCloudFront(withKey(options));
  },
  async cloudfront_cookies(options) {
    return getSignedCookies(withKey(options));
  },
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const question = JSON.parse(line);
  second = question.second ?? 0;
  process.stdout.write(`${JSON.stringify(await answers[question.kind](question.with))}\n`);
}
