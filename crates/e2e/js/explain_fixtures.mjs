// URLs that the AWS SDK for JavaScript presigns, offline, with nobody's credentials and a fixed clock, as one JSON document.
// `explain_fixtures.py` calls it.

import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [accessKeyId, secretAccessKey, region, now] = process.argv.slice(2);
const client = (more = {}) => new S3Client({ region, credentials: { accessKeyId, secretAccessKey }, ...more });
const options = { expiresIn: 900, signingDate: new Date(now) };
const quiet = client({ requestChecksumCalculation: "WHEN_REQUIRED" });
const object = (key, more = {}) => ({ Bucket: "photos", Key: key, ...more });

const urls = {
  get: await getSignedUrl(quiet, new GetObjectCommand(object("cat.jpg")), options),
  put: await getSignedUrl(quiet, new PutObjectCommand(object("cat.jpg")), options),
  tagged: await getSignedUrl(quiet, new PutObjectCommand(object("cat.jpg", { Tagging: "who=me" })), options),
  checksummed: await getSignedUrl(client(), new PutObjectCommand(object("cat.jpg")), options),
};
process.stdout.write(JSON.stringify(urls));
