"""s3cmd as people type it: everything that it has a command for and S3 has an answer to."""

import hashlib
import json
import re
import tempfile
import unittest
import uuid
from pathlib import Path

from clients import S3cmd, s3, send

MIB = 1024 * 1024
KEYS = ["plain", "with space", "a+b&c=d", "percent %20", "café/naïve ❤", "one//two", "(paren)'quote;", "~tilde*"]
CORS = """<CORSConfiguration><CORSRule><AllowedOrigin>https://app.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod>
</CORSRule></CORSConfiguration>"""
LIFECYCLE = """<LifecycleConfiguration><Rule><ID>old</ID><Filter><Prefix>tmp/</Prefix></Filter><Status>Enabled</Status>
<Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>"""


class Commands(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.s3cmd = S3cmd(self.scratch)
        self.bucket = f"s3cmd-{uuid.uuid4()}"
        self.s3cmd("mb", self.uri())

    def uri(self, key=None):
        return f"s3://{self.bucket}" if key is None else f"s3://{self.bucket}/{key}"

    def file(self, name, body):
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return str(path)

    def read(self, key):
        back = self.scratch / "back"
        self.s3cmd("get", "--force", self.uri(key), str(back))
        return back.read_bytes()

    def kept(self, key):
        """What boto3 finds, which names keys in its own way."""
        return s3().get_object(Bucket=self.bucket, Key=key)

    def test_buckets_are_made_listed_and_removed(self):
        self.assertIn(self.uri(), self.s3cmd("ls"))
        self.assertIn("us-east-1", self.s3cmd("info", self.uri()))
        self.s3cmd("rb", self.uri())
        self.assertNotIn(self.uri(), self.s3cmd("ls"))

    def test_objects_are_put_listed_copied_moved_and_deleted(self):
        self.s3cmd("put", self.file("one", b"first"), self.uri("a/one"))
        self.assertEqual(self.read("a/one"), b"first")
        self.s3cmd("cp", self.uri("a/one"), self.uri("b/copy"))
        self.s3cmd("mv", self.uri("b/copy"), self.uri("b/moved"))
        listed = self.s3cmd("ls", "--recursive", self.uri())
        self.assertEqual(re.findall(r"s3://\S+", listed), [self.uri("a/one"), self.uri("b/moved")])
        self.assertRegex(self.s3cmd("ls", self.uri()), r"DIR .*/a/\n.*DIR .*/b/")
        self.assertRegex(self.s3cmd("du", self.uri()), r"^ *10 +2 objects")
        self.s3cmd("del", self.uri("a/one"))
        self.s3cmd("del", "--recursive", "--force", self.uri())
        self.assertEqual(self.s3cmd("ls", "--recursive", self.uri()), "")

    def test_every_key_comes_back_under_its_own_name(self):
        for key in KEYS:
            self.s3cmd("put", self.file("it", key.encode()), self.uri(key))
            self.assertEqual(self.kept(key)["Body"].read(), key.encode())
            self.assertEqual(self.read(key), key.encode())
            self.s3cmd("cp", self.uri(key), self.uri("copy of " + key))
            self.assertEqual(self.read("copy of " + key), key.encode())
        listed = self.s3cmd("ls", "--recursive", self.uri())
        names = {line.partition(self.uri() + "/")[2] for line in listed.splitlines()}
        self.assertEqual(names, {*KEYS, *("copy of " + key for key in KEYS)})
        self.s3cmd("del", *(self.uri(key) for key in KEYS))
        left = self.s3cmd("ls", "--recursive", self.uri())
        self.assertEqual(left.count("copy of "), len(left.splitlines()))
        self.s3cmd("del", "--recursive", "--force", self.uri())
        self.assertEqual(self.s3cmd("ls", "--recursive", self.uri()), "")

    def test_a_large_file_goes_up_in_parts_and_copies_in_parts(self):
        body = hashlib.shake_256(b"s3cmd").digest(12 * MIB)
        source = self.file("large", body)
        self.s3cmd("put", "--multipart-chunk-size-mb=5", source, self.uri("large"))
        self.assertRegex(self.kept("large")["ETag"], '-3"$')
        self.assertEqual(self.read("large"), body)
        self.s3cmd("cp", "--multipart-chunk-size-mb=5", self.uri("large"), self.uri("copy"))
        self.assertEqual(self.read("copy"), body)

    def test_an_upload_that_stopped_is_found_continued_and_given_up(self):
        body = hashlib.shake_256(b"parts").digest(11 * MIB)
        begun = {"Bucket": self.bucket, "Key": "parts"}
        upload = s3().create_multipart_upload(**begun)["UploadId"]
        s3().upload_part(**begun, UploadId=upload, PartNumber=1, Body=body[: 5 * MIB])
        self.assertIn(upload, self.s3cmd("multipart", self.uri()))
        self.assertIn(hashlib.md5(body[: 5 * MIB]).hexdigest(), self.s3cmd("listmp", self.uri("parts"), upload))
        self.s3cmd("put", "--continue-put", "--multipart-chunk-size-mb=5", self.file("parts", body), self.uri("parts"))
        self.assertEqual(self.read("parts"), body)
        self.assertNotIn(upload, self.s3cmd("multipart", self.uri()), "it went on where the other had stopped")
        other = s3().create_multipart_upload(Bucket=self.bucket, Key="other")["UploadId"]
        self.s3cmd("abortmp", self.uri("other"), other)
        self.assertNotIn(other, self.s3cmd("multipart", self.uri()))

    def test_metadata_is_kept_shown_and_changed(self):
        added = ["--add-header=x-amz-meta-colour:blue", "--add-header=Cache-Control:no-store", "--mime-type=text/x-own"]
        self.s3cmd("put", *added, self.file("it", b"body"), self.uri("it"))
        kept = self.kept("it")
        self.assertEqual((kept["Metadata"]["colour"], kept["CacheControl"]), ("blue", "no-store"))
        self.assertEqual(kept["ContentType"], "text/x-own")
        self.assertIn("text/x-own", self.s3cmd("info", self.uri("it")))
        self.s3cmd("modify", "--add-header=x-amz-meta-colour:red", "--remove-header=Cache-Control", self.uri("it"))
        kept = self.kept("it")
        self.assertEqual((kept["Metadata"]["colour"], kept.get("CacheControl")), ("red", None))
        self.assertEqual(self.read("it"), b"body")

    def test_a_tree_is_synchronised_there_and_back(self):
        tree = {"one.txt": b"1", "deep/two +%.txt": b"22", "deep/er/café": b"333"}
        for name, body in tree.items():
            self.file(f"tree/{name}", body)
        self.s3cmd("sync", f"{self.scratch}/tree/", self.uri("tree/"))
        again = self.s3cmd("sync", f"{self.scratch}/tree/", self.uri("tree/"))
        self.assertEqual(again, "", "an unchanged tree is not sent twice")
        self.file("tree/one.txt", b"changed")
        (self.scratch / "tree/deep/er/café").unlink()
        self.s3cmd("sync", "--delete-removed", f"{self.scratch}/tree/", self.uri("tree/"))
        self.s3cmd("sync", self.uri("tree/"), f"{self.scratch}/copy/")
        copy = self.scratch / "copy"
        found = {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
        self.assertEqual(found, {"one.txt": b"changed", "deep/two +%.txt": b"22"})

    def test_what_configures_a_bucket(self):
        resource = f"arn:aws:s3:::{self.bucket}/no/*"
        statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.s3cmd("setpolicy", self.file("policy", policy.encode()), self.uri())
        self.assertIn(resource, self.s3cmd("info", self.uri()))
        self.s3cmd("put", self.file("it", b"body"), self.uri("no/it"))
        self.assertIn("403", self.s3cmd.fails("get", self.uri("no/it"), f"{self.scratch}/no"))
        self.s3cmd("delpolicy", self.uri())
        self.assertEqual(self.read("no/it"), b"body")

        self.s3cmd("setcors", self.file("cors", CORS.encode()), self.uri())
        self.assertIn("https://app.example", self.s3cmd("info", self.uri()))
        self.s3cmd("delcors", self.uri())
        self.assertNotIn("https://app.example", self.s3cmd("info", self.uri()))

        self.s3cmd("setlifecycle", self.file("rules", LIFECYCLE.encode()), self.uri())
        self.assertIn("<ID>old</ID>", self.s3cmd("getlifecycle", self.uri()))
        self.s3cmd("dellifecycle", self.uri())
        self.assertIn("NoSuchLifecycleConfiguration", self.s3cmd.fails("getlifecycle", self.uri()))
        self.s3cmd("expire", "--expiry-days=3", "--expiry-prefix=tmp/", self.uri())
        [rule] = s3().get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
        self.assertEqual((rule["Expiration"], rule["Status"]), ({"Days": 3}, "Enabled"))

        self.s3cmd("setversioning", self.uri(), "enable")
        self.assertEqual(s3().get_bucket_versioning(Bucket=self.bucket)["Status"], "Enabled")
        self.s3cmd("put", self.file("it", b"second"), self.uri("no/it"))
        versions = s3().list_object_versions(Bucket=self.bucket, Prefix="no/it")["Versions"]
        self.assertEqual(len(versions), 2)
        self.s3cmd("setversioning", self.uri(), "disable")
        self.assertEqual(s3().get_bucket_versioning(Bucket=self.bucket)["Status"], "Suspended")

        self.s3cmd("setblockpublicaccess", self.uri(), "BlockPublicAcls,BlockPublicPolicy")
        block = s3().get_public_access_block(Bucket=self.bucket)["PublicAccessBlockConfiguration"]
        self.assertEqual([name for name, is_on in block.items() if is_on], ["BlockPublicAcls", "BlockPublicPolicy"])
        self.s3cmd("setownership", self.uri(), "BucketOwnerEnforced")

    def test_tags(self):
        self.s3cmd("put", self.file("it", b"body"), self.uri("it"))
        for uri in [self.uri(), self.uri("it")]:
            self.s3cmd("settagging", uri, "team=red&stage=test")
            self.assertRegex(self.s3cmd("gettagging", uri), r"team:\s+red")
            self.s3cmd("deltagging", uri)
        self.assertIn("NoSuchTagSet", self.s3cmd.fails("gettagging", self.uri()))
        self.assertNotIn("red", self.s3cmd("gettagging", self.uri("it")))

    def test_errors_are_told_in_s3s_words(self):
        self.assertIn("does not exist", self.s3cmd.fails("get", self.uri("absent"), f"{self.scratch}/absent"))
        self.assertIn("NoSuchBucket", self.s3cmd.fails("ls", "s3://no-such-bucket-here"))
        self.s3cmd("put", self.file("it", b"body"), self.uri("it"))
        self.assertIn("BucketNotEmpty", self.s3cmd.fails("rb", self.uri()))
        self.assertIn("InvalidBucketName", self.s3cmd.fails("mb", "s3://Upper"))
        for name, wrong, code in [
            ("AWS_SECRET_ACCESS_KEY", "wrong", "SignatureDoesNotMatch"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", "InvalidAccessKeyId"),
        ]:
            self.assertIn(code, S3cmd(self.scratch, **{name: wrong}).fails("ls", self.uri()))
        # What S3 has and the store does not is refused by name, and changes nothing.
        self.assertIn("NotImplemented", self.s3cmd.fails("ws-create", self.uri()))
        self.assertIn("AccessControlListNotSupported", self.s3cmd.fails("setacl", "--acl-public", self.uri("it")))
        self.assertEqual(self.read("it"), b"body")

    def test_a_url_of_s3cmd_has_the_old_signature_and_is_refused_with_the_setting_that_helps(self):
        self.s3cmd("put", self.file("it", b"body"), self.uri("it"))
        url = self.s3cmd("signurl", self.uri("it"), "+600").strip()
        self.assertIn("AWSAccessKeyId=", url)
        answer = send("GET", url)
        self.assertEqual((answer.status, answer.element("Code")), (400, "InvalidRequest"))
        self.assertIn("AWS4-HMAC-SHA256", answer.element("Message"))
        self.assertNotIn(b"body", answer.body)


if __name__ == "__main__":
    unittest.main()
