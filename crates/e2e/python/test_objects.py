"""boto3 as an application uses it: buckets, objects, ranges, conditions, copies, lists, multipart uploads, CORS."""

import hashlib
import io
import unittest

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from clients import new_bucket, s3

MIB = 1024 * 1024


class Objects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = s3()

    def setUp(self):
        self.bucket = new_bucket(self.client)

    def refusal(self, call, **arguments):
        """The code and status with which the store refuses."""
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        answer = caught.exception.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    def put(self, key, body=b"body", **arguments):
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **arguments)

    def test_a_bucket_lives_and_dies(self):
        self.client.head_bucket(Bucket=self.bucket)
        self.assertIn(self.bucket, [bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]])
        self.assertIsNone(self.client.get_bucket_location(Bucket=self.bucket)["LocationConstraint"])
        self.put("keeps it alive")
        self.assertEqual(self.refusal(self.client.delete_bucket, Bucket=self.bucket), ("BucketNotEmpty", 409))
        self.client.delete_object(Bucket=self.bucket, Key="keeps it alive")
        self.client.delete_bucket(Bucket=self.bucket)
        self.assertEqual(self.refusal(self.client.head_bucket, Bucket=self.bucket), ("404", 404))
        self.assertEqual(self.refusal(self.client.list_objects_v2, Bucket=self.bucket), ("NoSuchBucket", 404))

    def test_an_object_comes_back_as_it_went(self):
        body = bytes(range(256)) * 1000
        put = self.put("a/b.bin", body, ContentType="application/x-thing", Metadata={"colour": "blue"})
        self.assertEqual(put["ETag"], f'"{hashlib.md5(body).hexdigest()}"')
        got = self.client.get_object(Bucket=self.bucket, Key="a/b.bin")
        self.assertEqual(got["Body"].read(), body)
        self.assertEqual(got["ContentType"], "application/x-thing")
        self.assertEqual(got["Metadata"], {"colour": "blue"})
        head = self.client.head_object(Bucket=self.bucket, Key="a/b.bin")
        self.assertEqual(head["ContentLength"], len(body))
        self.assertEqual(self.refusal(self.client.get_object, Bucket=self.bucket, Key="none"), ("NoSuchKey", 404))

    def test_ranges(self):
        self.put("digits", b"0123456789")

        def part(wanted):
            return self.client.get_object(Bucket=self.bucket, Key="digits", Range=wanted)

        self.assertEqual(part("bytes=2-4")["Body"].read(), b"234")
        self.assertEqual(part("bytes=7-")["Body"].read(), b"789")
        self.assertEqual(part("bytes=-3")["Body"].read(), b"789")
        self.assertEqual(part("bytes=0-0")["ContentRange"], "bytes 0-0/10")
        self.assertEqual(self.refusal(part, wanted="bytes=10-"), ("InvalidRange", 416))

    def test_conditions(self):
        etag = self.put("guarded")["ETag"]
        get = {"Bucket": self.bucket, "Key": "guarded"}
        self.client.get_object(**get, IfMatch=etag)
        self.assertEqual(self.refusal(self.client.get_object, **get, IfMatch='"other"'), ("PreconditionFailed", 412))
        self.assertEqual(self.refusal(self.client.get_object, **get, IfNoneMatch=etag), ("304", 304))
        again = {**get, "Body": b"again"}
        self.assertEqual(self.refusal(self.client.put_object, **again, IfNoneMatch="*"), ("PreconditionFailed", 412))
        self.client.put_object(**again, IfMatch=etag)

    def test_a_copy_keeps_or_replaces_metadata(self):
        self.put("from here", b"copied", Metadata={"kind": "first"})
        source = {"Bucket": self.bucket, "Key": "from here"}
        self.client.copy_object(Bucket=self.bucket, Key="kept", CopySource=source)
        kept = self.client.get_object(Bucket=self.bucket, Key="kept")
        self.assertEqual((kept["Body"].read(), kept["Metadata"]), (b"copied", {"kind": "first"}))
        self.client.copy_object(
            Bucket=self.bucket, Key="new", CopySource=source, MetadataDirective="REPLACE", Metadata={"kind": "second"}
        )
        self.assertEqual(self.client.head_object(Bucket=self.bucket, Key="new")["Metadata"], {"kind": "second"})

    def test_lists_go_page_by_page_and_fold_at_the_delimiter(self):
        keys = [f"photos/{year}/{number}.jpg" for year in (2024, 2025) for number in range(3)] + ["readme"]
        for key in keys:
            self.put(key)
        for method in ("list_objects", "list_objects_v2"):
            pages = self.client.get_paginator(method).paginate(Bucket=self.bucket, PaginationConfig={"PageSize": 2})
            listed = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
            self.assertEqual(listed, sorted(keys), method)
        folded = self.client.list_objects_v2(Bucket=self.bucket, Prefix="photos/", Delimiter="/")
        self.assertEqual([p["Prefix"] for p in folded["CommonPrefixes"]], ["photos/2024/", "photos/2025/"])
        self.assertNotIn("Contents", folded)

    def test_many_are_deleted_at_once(self):
        for number in range(5):
            self.put(f"{number}")
        wanted = [{"Key": f"{number}"} for number in range(4)] + [{"Key": "never was"}]
        answer = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": wanted})
        self.assertEqual(len(answer["Deleted"]), 5)
        left = self.client.list_objects_v2(Bucket=self.bucket)["Contents"]
        self.assertEqual([entry["Key"] for entry in left], ["4"])

    def test_a_large_file_goes_in_parts(self):
        body = hashlib.shake_256(b"large").digest(20 * MIB)
        parts = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
        self.client.upload_fileobj(io.BytesIO(body), self.bucket, "large", Config=parts)
        head = self.client.head_object(Bucket=self.bucket, Key="large")
        self.assertTrue(head["ETag"].endswith('-3"'), head["ETag"])
        back = io.BytesIO()
        self.client.download_fileobj(self.bucket, "large", back, Config=parts)
        self.assertEqual(back.getvalue(), body)

    def test_an_upload_is_listed_until_it_is_aborted(self):
        upload = self.client.create_multipart_upload(Bucket=self.bucket, Key="halfway")["UploadId"]
        named = {"Bucket": self.bucket, "Key": "halfway", "UploadId": upload}
        etag = self.client.upload_part(**named, PartNumber=7, Body=b"seventh")["ETag"]
        listed = self.client.list_parts(**named)["Parts"]
        self.assertEqual([(part["PartNumber"], part["ETag"]) for part in listed], [(7, etag)])
        uploads = self.client.list_multipart_uploads(Bucket=self.bucket)["Uploads"]
        self.assertEqual([entry["UploadId"] for entry in uploads], [upload])
        self.client.abort_multipart_upload(**named)
        self.assertNotIn("Uploads", self.client.list_multipart_uploads(Bucket=self.bucket))
        self.assertEqual(self.refusal(self.client.list_parts, **named), ("NoSuchUpload", 404))
        self.assertEqual(self.refusal(self.client.get_object, Bucket=self.bucket, Key="halfway"), ("NoSuchKey", 404))

    def test_every_checksum_that_the_client_offers_is_verified(self):
        for algorithm in ("CRC32", "SHA1", "SHA256"):
            put = self.put(f"sum-{algorithm}", b"summed", ChecksumAlgorithm=algorithm)
            self.assertIn(f"Checksum{algorithm}", put)
        wrong = {"Bucket": self.bucket, "Key": "wrong", "Body": b"summed", "ChecksumSHA256": "A" * 43 + "="}
        self.assertEqual(self.refusal(self.client.put_object, **wrong), ("BadDigest", 400))
        self.assertEqual(self.refusal(self.client.head_object, Bucket=self.bucket, Key="wrong"), ("404", 404))

    def test_cors_rules_are_kept_and_removed(self):
        rules = [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["http://localhost:8080"], "MaxAgeSeconds": 60}]
        self.assertEqual(
            self.refusal(self.client.get_bucket_cors, Bucket=self.bucket), ("NoSuchCORSConfiguration", 404)
        )
        self.client.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": rules})
        self.assertEqual(self.client.get_bucket_cors(Bucket=self.bucket)["CORSRules"], rules)
        self.client.delete_bucket_cors(Bucket=self.bucket)
        self.assertEqual(
            self.refusal(self.client.get_bucket_cors, Bucket=self.bucket), ("NoSuchCORSConfiguration", 404)
        )


if __name__ == "__main__":
    unittest.main()
