"""boto3 on what configures a bucket: policies, access blocks, tags, lifecycle rules, and what S3 answers where nothing is
set."""

import json
import unittest

from botocore.exceptions import ClientError

from clients import new_bucket, s3


class Settings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = s3()

    def setUp(self):
        self.bucket = new_bucket(self.client)

    def refusal(self, call, **arguments):
        """The code and status with which the store refuses."""
        with self.assertRaises(ClientError) as caught:
            call(Bucket=self.bucket, **arguments)
        answer = caught.exception.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    def test_a_policy_is_told_as_it_was_sent(self):
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self.bucket}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1)
        get, put = self.client.get_bucket_policy, self.client.put_bucket_policy
        self.assertEqual(self.refusal(get), ("NoSuchBucketPolicy", 404))
        self.assertEqual(self.refusal(put, Policy=policy), ("AccessDenied", 403))
        block = self.client.get_public_access_block(Bucket=self.bucket)["PublicAccessBlockConfiguration"]
        self.assertEqual(set(block.values()), {True})
        self.client.delete_public_access_block(Bucket=self.bucket)
        get_block = self.client.get_public_access_block
        self.assertEqual(self.refusal(get_block), ("NoSuchPublicAccessBlockConfiguration", 404))
        put(Bucket=self.bucket, Policy=policy)
        self.assertEqual(get(Bucket=self.bucket)["Policy"], policy)
        self.assertTrue(self.client.get_bucket_policy_status(Bucket=self.bucket)["PolicyStatus"]["IsPublic"])
        self.assertEqual(self.refusal(put, Policy=policy.replace("Principal", "Principle")), ("MalformedPolicy", 400))
        self.client.delete_bucket_policy(Bucket=self.bucket)
        self.assertEqual(self.refusal(get), ("NoSuchBucketPolicy", 404))

    def test_an_access_block_is_four_switches(self):
        block = {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": False,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": False,
        }
        self.client.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=block)
        told = self.client.get_public_access_block(Bucket=self.bucket)["PublicAccessBlockConfiguration"]
        self.assertEqual(told, block)

    def test_the_owner_owns_everything(self):
        told = self.client.get_bucket_ownership_controls(Bucket=self.bucket)["OwnershipControls"]
        self.assertEqual(told, {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        self.client.put_object(Bucket=self.bucket, Key="key", Body=b"body")
        for acl in [
            self.client.get_bucket_acl(Bucket=self.bucket),
            self.client.get_object_acl(Bucket=self.bucket, Key="key"),
        ]:
            [grant] = acl["Grants"]
            self.assertEqual((grant["Permission"], grant["Grantee"]["Type"]), ("FULL_CONTROL", "CanonicalUser"))
            self.assertEqual(grant["Grantee"]["ID"], acl["Owner"]["ID"])
            same = {"Owner": acl["Owner"], "Grants": acl["Grants"]}
            self.client.put_bucket_acl(Bucket=self.bucket, AccessControlPolicy=same)
        self.client.put_object_acl(Bucket=self.bucket, Key="key", ACL="bucket-owner-full-control")
        put = self.client.put_bucket_acl
        self.assertEqual(self.refusal(put, ACL="public-read"), ("AccessControlListNotSupported", 400))

    def test_tags(self):
        tags = [{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": "é"}]
        self.assertEqual(self.refusal(self.client.get_bucket_tagging), ("NoSuchTagSet", 404))
        self.client.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": tags})
        self.assertEqual(self.client.get_bucket_tagging(Bucket=self.bucket)["TagSet"], tags)
        self.client.delete_bucket_tagging(Bucket=self.bucket)
        self.assertEqual(self.refusal(self.client.get_bucket_tagging), ("NoSuchTagSet", 404))

        self.client.put_object(Bucket=self.bucket, Key="key", Body=b"body", Tagging="a=1&b%20c=%C3%A9")
        of = {"Bucket": self.bucket, "Key": "key"}
        self.assertEqual(self.client.get_object_tagging(**of)["TagSet"], tags)
        self.assertEqual(self.client.get_object(**of)["TagCount"], 2)
        copy = {"Bucket": self.bucket, "Key": "copy"}
        self.client.copy_object(**copy, CopySource=of)
        self.assertEqual(self.client.get_object_tagging(**copy)["TagSet"], tags)
        self.client.copy_object(**copy, CopySource=of, TaggingDirective="REPLACE", Tagging="own=1")
        self.assertEqual(self.client.get_object_tagging(**copy)["TagSet"], [{"Key": "own", "Value": "1"}])
        self.client.put_object_tagging(**of, Tagging={"TagSet": tags[:1]})
        self.assertEqual(self.client.get_object_tagging(**of)["TagSet"], tags[:1])
        self.client.delete_object_tagging(**of)
        self.assertEqual(self.client.get_object_tagging(**of)["TagSet"], [])
        many = [{"Key": str(number), "Value": ""} for number in range(11)]
        put = self.client.put_object_tagging
        self.assertEqual(self.refusal(put, Key="key", Tagging={"TagSet": many}), ("BadRequest", 400))

    def test_lifecycle_rules(self):
        get, put = self.client.get_bucket_lifecycle_configuration, self.client.put_bucket_lifecycle_configuration
        self.assertEqual(self.refusal(get), ("NoSuchLifecycleConfiguration", 404))
        rules = [
            {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7}},
            {
                "ID": "b",
                "Status": "Disabled",
                "Filter": {"And": {"Prefix": "x", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 1}},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
            },
            {
                "ID": "c",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
            },
        ]
        put(Bucket=self.bucket, LifecycleConfiguration={"Rules": rules})
        self.assertEqual(get(Bucket=self.bucket)["Rules"], rules)
        written = self.client.put_object(Bucket=self.bucket, Key="tmp/a", Body=b"body")
        self.assertIn('rule-id="a"', written["Expiration"])
        begun = self.client.create_multipart_upload(Bucket=self.bucket, Key="b")
        self.assertEqual(begun["AbortRuleId"], "c")
        wrong = {"Rules": [{**rules[0], "Expiration": {"Days": 0}}]}
        self.assertEqual(self.refusal(put, LifecycleConfiguration=wrong), ("InvalidArgument", 400))
        self.client.delete_bucket_lifecycle(Bucket=self.bucket)
        self.assertEqual(self.refusal(get), ("NoSuchLifecycleConfiguration", 404))

    def test_what_is_not_set(self):
        client, of = self.client, {"Bucket": self.bucket}
        self.assertEqual(client.get_bucket_request_payment(**of)["Payer"], "BucketOwner")
        client.put_bucket_request_payment(**of, RequestPaymentConfiguration={"Payer": "BucketOwner"})
        self.assertNotIn("Status", client.get_bucket_accelerate_configuration(**of))
        self.assertNotIn("LoggingEnabled", client.get_bucket_logging(**of))
        self.assertNotIn("QueueConfigurations", client.get_bucket_notification_configuration(**of))
        client.put_bucket_notification_configuration(**of, NotificationConfiguration={})
        for listed in [
            client.list_bucket_analytics_configurations(**of),
            client.list_bucket_intelligent_tiering_configurations(**of),
            client.list_bucket_inventory_configurations(**of),
            client.list_bucket_metrics_configurations(**of),
        ]:
            self.assertFalse(listed["IsTruncated"])
        for call, code in [
            (client.get_bucket_website, "NoSuchWebsiteConfiguration"),
            (client.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
            (client.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError"),
            (client.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        ]:
            self.assertEqual(self.refusal(call), (code, 404))
        website = {"IndexDocument": {"Suffix": "index.html"}}
        self.assertEqual(self.refusal(client.put_bucket_website, WebsiteConfiguration=website), ("NotImplemented", 501))


if __name__ == "__main__":
    unittest.main()
