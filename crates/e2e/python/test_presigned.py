"""URLs that botocore signed: honoured as they are, refused as soon as anything that was signed is different."""

import unittest
from datetime import datetime, timedelta, timezone
from unittest import mock

import boto3
import botocore.auth
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from clients import credentials, new_bucket, s3, send

BODY = b"worth protecting"


class Presigned(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = s3()
        cls.bucket = new_bucket(cls.client)
        cls.named = {"Bucket": cls.bucket, "Key": "folder/a file.txt"}

    def setUp(self):
        self.client.put_object(**self.named, Body=BODY)

    def url(self, operation="get_object", expires=300, **parameters):
        return self.client.generate_presigned_url(operation, {**self.named, **parameters}, ExpiresIn=expires)

    def sign_at(self, moment, expires=300, region=None, method="GET"):
        """The URL that botocore would have signed at another moment, or for another region."""
        unsigned = f"{self.client.meta.endpoint_url}/{self.bucket}/folder/a%20file.txt"
        request = AWSRequest(method=method, url=unsigned)
        signer = S3SigV4QueryAuth(Credentials(*credentials()), "s3", region or "us-east-1", expires=expires)
        with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: moment):
            signer.add_auth(request)
        return request.url

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.element("Code")), (status, code), answer.body)
        self.assertNotIn(BODY, answer.body)
        kept = self.client.get_object(**self.named)["Body"].read()
        self.assertEqual(kept, BODY, "a refused request changed the object")
        return answer

    def test_each_method_has_its_own_url(self):
        self.assertEqual(send("GET", self.url()).body, BODY)
        head = send("HEAD", self.url("head_object"))
        self.assertEqual((head.status, head.headers["content-length"]), (200, str(len(BODY))))
        self.assertEqual(send("PUT", self.url("put_object"), body=b"new").status, 200)
        self.assertEqual(send("GET", self.url()).body, b"new")
        self.assertEqual(send("DELETE", self.url("delete_object")).status, 204)
        self.assertEqual(send("GET", self.url()).status, 404)

    def test_a_response_override_is_part_of_what_was_signed(self):
        url = self.url(ResponseContentDisposition='attachment; filename="b.txt"', ResponseContentType="text/x-other")
        got = send("GET", url)
        self.assertEqual(got.headers["content-disposition"], 'attachment; filename="b.txt"')
        self.assertEqual(got.headers["content-type"], "text/x-other")
        self.refused(send("GET", url.replace("b.txt", "c.txt")), 403, "SignatureDoesNotMatch")

    def test_another_method_is_refused(self):
        self.refused(send("PUT", self.url(), body=b"new"), 403, "SignatureDoesNotMatch")
        self.refused(send("DELETE", self.url()), 403, "SignatureDoesNotMatch")
        self.assertEqual(send("HEAD", self.url()).status, 403)

    def test_a_changed_byte_is_refused(self):
        path = self.url().replace("a%20file", "b%20file")
        answer = self.refused(send("GET", path), 403, "SignatureDoesNotMatch")
        for element in ("AWSAccessKeyId", "StringToSign", "SignatureProvided", "StringToSignBytes", "CanonicalRequest"):
            self.assertIsNotNone(answer.element(element), element)
        self.refused(send("GET", self.url() + "&extra=1"), 403, "SignatureDoesNotMatch")
        self.refused(send("GET", self.url().replace("Expires=300", "Expires=301")), 403, "SignatureDoesNotMatch")
        signed_type = self.url("put_object", ContentType="text/plain")
        other_type = [("Content-Type", "text/html")]
        self.refused(send("PUT", signed_type, other_type, b"new"), 403, "SignatureDoesNotMatch")

    def test_bytes_that_mean_the_same_are_no_change(self):
        url = self.url()
        lower_case_hex = url.replace("%2F", "%2f")
        self.assertNotEqual(url, lower_case_hex)
        self.assertEqual(send("GET", lower_case_hex).status, 200)
        encoded_needlessly = url.replace("file.txt", "%66ile.txt")
        self.assertEqual(send("GET", encoded_needlessly).status, 200)

    def test_an_unsigned_amz_header_is_refused(self):
        for name, value in [
            ("x-amz-acl", "public-read"),
            ("x-amz-copy-source", f"/{self.bucket}/folder/other"),
            ("x-amz-meta-owner", "mallory"),
            ("x-amz-storage-class", "GLACIER"),
            ("x-amz-anything-at-all", "1"),
        ]:
            answer = send("PUT", self.url("put_object"), [(name, value)], b"new")
            self.refused(answer, 403, "AccessDenied")
            self.assertEqual(answer.element("HeadersNotSigned"), name)
        tolerated = send("GET", self.url(), [("x-amz-content-sha256", "UNSIGNED-PAYLOAD")])
        self.assertEqual(tolerated.status, 200)

    def test_two_mechanisms_are_refused(self):
        both = send("GET", self.url(), [("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")])
        self.refused(both, 400, "InvalidArgument")
        self.assertEqual(both.element("ArgumentName"), "Authorization")

    def test_a_parameter_given_twice_is_refused(self):
        self.refused(send("GET", self.url() + "&X-Amz-Expires=300"), 400, "AuthorizationQueryParametersError")

    def test_time_is_enforced_on_both_sides(self):
        now = datetime.now(timezone.utc)
        expired = self.refused(send("GET", self.sign_at(now - timedelta(seconds=302))), 403, "AccessDenied")
        self.assertEqual(expired.element("Message"), "Request has expired")
        self.assertEqual(expired.element("X-Amz-Expires"), "300")
        self.assertIsNotNone(expired.element("ServerTime"))
        early = self.refused(send("GET", self.sign_at(now + timedelta(minutes=16))), 403, "AccessDenied")
        self.assertEqual(early.element("Message"), "Request is not yet valid")
        self.assertEqual(send("GET", self.sign_at(now + timedelta(minutes=14))).status, 200)

    def test_a_week_is_the_longest_life(self):
        self.assertEqual(send("GET", self.url(expires=604_800)).status, 200)
        self.refused(send("GET", self.url(expires=604_801)), 400, "AuthorizationQueryParametersError")

    def test_another_region_is_refused(self):
        wrong = self.sign_at(datetime.now(timezone.utc), region="eu-west-1")
        self.refused(send("GET", wrong), 400, "AuthorizationQueryParametersError")

    def test_an_unknown_key_and_a_wrong_secret_are_refused(self):
        access, secret = credentials()
        self.refused(send("GET", self.url().replace(access, "AKIAIOSFODNN7EXAMPLE")), 403, "InvalidAccessKeyId")
        wrong = {"aws_access_key_id": access, "aws_secret_access_key": secret[::-1]}
        stranger = boto3.client("s3", **wrong, config=self.client.meta.config)
        self.refused(send("GET", stranger.generate_presigned_url("get_object", self.named)), 403, "SignatureDoesNotMatch")

    def test_no_signature_at_all_is_refused(self):
        bare = self.url().partition("?")[0]
        self.refused(send("GET", bare), 403, "AccessDenied")

    def test_the_old_signature_is_refused_with_the_setting_that_helps(self):
        url = s3(signature_version="s3").generate_presigned_url("get_object", self.named)
        self.assertIn("AWSAccessKeyId=", url)
        answer = self.refused(send("GET", url), 400, "InvalidRequest")
        self.assertIn("AWS4-HMAC-SHA256", answer.element("Message"))
        self.assertIn("signature_version", answer.body.decode() + str(answer.headers))


if __name__ == "__main__":
    unittest.main()
