"""Forms that botocore signed, and those that `gatepass sign post` printed: taken as they are, and refused when changed."""

import hashlib
import os
import subprocess
import tempfile
import unittest

from urllib3.filepost import encode_multipart_formdata

from clients import new_bucket, s3, send

CONTENT = b"\r\n--not a boundary\r\n" + bytes(range(256)) * 200


def post(form, content=CONTENT, name="C:\\pictures\\cat é.png", **changed):
    """Sends a form as clients do: its fields in order, the file last."""
    fields = list({**form["fields"], **changed}.items()) + [("file", (name, content))]
    body, content_type = encode_multipart_formdata(fields)
    return send("POST", form["url"], [("Content-Type", content_type)], body)


class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = s3()
        cls.bucket = new_bucket(cls.client)

    def form(self, key="up/${filename}", **options):
        return self.client.generate_presigned_post(self.bucket, key, **options)

    def kept(self, key="up/cat é.png"):
        return self.client.get_object(Bucket=self.bucket, Key=key)

    def test_a_form_uploads_a_file_under_its_own_name(self):
        answer = post(self.form())
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["etag"], f'"{hashlib.md5(CONTENT).hexdigest()}"')
        self.assertEqual(self.kept()["Body"].read(), CONTENT)

    def test_fields_and_conditions_are_held_to(self):
        fields = {"Content-Type": "image/png", "success_action_status": "201", "x-amz-meta-a": "b"}
        conditions = [["content-length-range", 1, len(CONTENT)], *({name: value} for name, value in fields.items())]
        form = self.form(Fields=fields, Conditions=conditions)
        created = post(form)
        self.assertEqual((created.status, created.element("Key")), (201, "up/cat é.png"))
        kept = self.kept()
        self.assertEqual((kept["ContentType"], kept["Metadata"]), ("image/png", {"a": "b"}))
        for answer, status, code in [
            (post(form, content=CONTENT + b"!"), 400, "EntityTooLarge"),
            (post(form, content=b""), 400, "EntityTooSmall"),
            (post(form, **{"Content-Type": "text/html"}), 403, "AccessDenied"),
            (post(form, **{"x-amz-meta-b": "c"}), 403, "AccessDenied"),
            (post(form, key="elsewhere"), 403, "AccessDenied"),
            (post(form, **{"x-amz-signature": "0" * 64}), 403, "SignatureDoesNotMatch"),
        ]:
            self.assertEqual((answer.status, answer.element("Code")), (status, code), answer.body)
        self.assertEqual(self.kept()["Body"].read(), CONTENT, "a refused form changed the object")

    def test_the_command_that_gatepass_prints_uploads(self):
        sign = [os.environ["GATEPASS_PROGRAM"], "sign", "post", f"s3://{self.bucket}/cli/", "--max-size", "1MiB", "--curl"]
        command = subprocess.run(sign, check=True, capture_output=True, text=True).stdout
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            file.write(CONTENT)
            file.flush()
            upload = command.strip().replace("@FILE", f"@{file.name}").replace("curl ", "curl -sS -w %{http_code} ", 1)
            status = subprocess.run(upload, shell=True, check=True, capture_output=True, text=True).stdout
            self.assertEqual(status, "204")
            self.assertEqual(self.kept(f"cli/{os.path.basename(file.name)}")["Body"].read(), CONTENT)


if __name__ == "__main__":
    unittest.main()
