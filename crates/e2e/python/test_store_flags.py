"""What `gatepass store run` does with flags that are for tests and for old clients, as boto3 and s3cmd meet it. Each class
needs a store with flags of its own and is named on the command line.
"""

import re
import tempfile
import unittest
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from clients import S3cmd, new_bucket, s3, send


class Faults(unittest.TestCase):
    def test_retries_get_through_slow_down_and_lost_answers(self):
        patient = s3(retries={"max_attempts": 8, "mode": "standard"})
        bucket = new_bucket(patient)
        named = {"Bucket": bucket, "Key": "key"}
        answer = patient.put_object(**named, Body=b"content")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 200)
        self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 3, "two SlowDowns, one lost answer")
        self.assertEqual(patient.get_object(**named)["Body"].read(), b"content")

    def test_a_client_without_patience_sees_slow_down(self):
        client = s3()
        with self.assertRaises(ClientError) as refused:
            client.delete_bucket(Bucket=new_bucket(client))
        self.assertEqual(refused.exception.response["Error"]["Code"], "SlowDown")


class OldSignature(unittest.TestCase):
    def test_requests_and_urls_of_signature_version_2_are_honoured(self):
        client = s3(signature_version="s3")
        bucket = new_bucket(client)
        named = {"Bucket": bucket, "Key": "folder/a file+&.txt"}
        client.put_object(**named, Body=b"content", Metadata={"a": "b"}, ContentType="text/plain")
        self.assertEqual(client.get_object(**named)["Metadata"], {"a": "b"})
        self.assertEqual([found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]], [named["Key"]])
        url = client.generate_presigned_url("get_object", Params={**named, "ResponseContentType": "text/html"})
        self.assertIn("AWSAccessKeyId=", url)
        answer = send("GET", url)
        self.assertEqual((answer.status, answer.body, answer.headers["content-type"]), (200, b"content", "text/html"))
        self.assertEqual(send("GET", url.replace("text%2Fhtml", "text%2Fplain")).element("Code"), "SignatureDoesNotMatch")
        self.assertEqual(send("DELETE", url).status, 403)

    def test_urls_that_s3cmd_signed_are_honoured(self):
        with tempfile.TemporaryDirectory() as scratch:
            s3cmd = S3cmd(Path(scratch))
            bucket = new_bucket(s3())
            for key in ["plain", "a file+&.txt", "café/ü", "a//b"]:
                s3().put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/plain")
                url = s3cmd("signurl", f"s3://{bucket}/{key}", "+600").strip()
                answer = send("GET", url)
                self.assertEqual((answer.status, answer.body), (200, key.encode()), url)
                self.assertEqual(send("PUT", url, body=b"other").element("Code"), "SignatureDoesNotMatch")
                later = re.sub(r"Expires=\d+", "Expires=4000000000", url)
                self.assertEqual(send("GET", later).element("Code"), "SignatureDoesNotMatch")
            overrides = ["--content-type=text/x-other", "--content-disposition=attachment; filename=b.txt"]
            named = send("GET", s3cmd(*overrides, "signurl", f"s3://{bucket}/plain", "+600").strip())
            self.assertEqual(named.headers["content-type"], "text/x-other")
            self.assertEqual(named.headers["content-disposition"], "attachment; filename=b.txt")
            past = send("GET", s3cmd("signurl", f"s3://{bucket}/plain", "1700000000").strip())
            self.assertEqual((past.status, past.element("Message")), (403, "Request has expired"))

    def test_s3cmd_works_with_the_old_signature(self):
        with tempfile.TemporaryDirectory() as scratch:
            s3cmd, file = S3cmd(Path(scratch)), Path(scratch, "file")
            bucket = f"s3://{new_bucket(s3())}"
            file.write_bytes(b"12345" * 1_200_000)
            for key in ["plain", "a file+&.txt", "café/ü", "a//b"]:
                s3cmd("--signature-v2", "--multipart-chunk-size-mb=5", "put", str(file), f"{bucket}/{key}")
                s3cmd("--signature-v2", "--force", "get", f"{bucket}/{key}", f"{scratch}/back")
                self.assertEqual(Path(scratch, "back").read_bytes(), file.read_bytes(), key)
            self.assertEqual(s3cmd("--signature-v2", "ls", "--recursive", bucket).count("s3://"), 4)
            s3cmd("--signature-v2", "del", "--recursive", "--force", bucket)
            self.assertEqual(s3cmd("--signature-v2", "ls", bucket), "")

    def test_version_4_works_as_ever(self):
        client = s3()
        self.assertEqual(client.head_bucket(Bucket=new_bucket(client))["ResponseMetadata"]["HTTPStatusCode"], 200)


class Https(unittest.TestCase):
    def test_objects_go_through_https_with_the_defaults_of_boto3(self):
        client = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
        self.assertTrue(client.meta.endpoint_url.startswith("https://"))
        bucket = new_bucket(client)
        client.put_object(Bucket=bucket, Key="key", Body=b"content" * 10_000)
        self.assertEqual(client.get_object(Bucket=bucket, Key="key")["Body"].read(), b"content" * 10_000)


if __name__ == "__main__":
    unittest.main()
