//! The examples of AWS's documentation, asserted at every stage, so that a failure names the stage.
//!
//! "Authenticating Requests: Using Query Parameters", "Signature Calculations for the Authorization Header:
//! Transferring Payload in a Single Chunk", "… in Multiple Chunks" and "… Including Trailing Headers" (Amazon S3 API
//! Reference).

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::encode::hex;
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::ServiceName;
use gatepass_signing::sigv4::chunked::{ChunkSeed, Decoder, Encoder, Layout};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::Payload;
use gatepass_signing::time::Lifetime;
use sha2::{Digest, Sha256};

use crate::support::{Request, credentials, midnight, region};

const HOST: &str = "examplebucket.s3.amazonaws.com";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Stage by stage: the canonical request, its hash within the string to sign, the signature.
fn assert_stages(request: &Request, canonical_request: &str, canonical_hash: &str) {
    let stages = request.stages().unwrap();
    assert_eq!(std::str::from_utf8(stages.canonical_request()).unwrap(), canonical_request);
    assert_eq!(hex(&Sha256::digest(canonical_request)), canonical_hash);
    assert_eq!(
        stages.string_to_sign(),
        format!("AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n{canonical_hash}")
    );
    request.verify_at(midnight()).expect("the documented signature is right");
}

fn authorization(signed_headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed_headers},Signature={signature}"
    )
}

/// Our own signer, given the same request, makes the same signature.
fn assert_signer_agrees(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8], signature: &str) {
    let parts = RequestParts { method, host: HOST, target, headers };
    let signed =
        header::sign(&parts, Body::of(body), &credentials(), &region(), ServiceName::S3, &KeyCache::new(), midnight())
            .unwrap();
    let (_, authorization) = signed.iter().find(|(name, _)| *name == "authorization").unwrap();
    assert!(authorization.ends_with(&format!("Signature={signature}")), "{authorization}");
}

#[test]
fn get_object_signed_in_the_query() {
    let credentials = credentials();
    let endpoint = Endpoint::parse("https://s3.amazonaws.com").unwrap();
    let address = Address::object(&endpoint, AddressingStyle::VirtualHost, "examplebucket", "test.txt").unwrap();
    let url = Presign::new(&credentials, region(), address, Method::Get)
        .expires(Lifetime::from_secs(86_400).unwrap())
        .sign(&KeyCache::new(), midnight())
        .unwrap();
    assert_eq!(
        url.expose(),
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
         AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&\
         X-Amz-Expires=86400&X-Amz-SignedHeaders=host&\
         X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
    assert_stages(
        &Request::using(&url),
        "GET\n/test.txt\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F\
         us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\n\
         host:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD",
        "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04",
    );
}

#[test]
fn get_object_with_a_range() {
    let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let request = Request::new(
        "GET",
        "/test.txt",
        &[
            ("Host", HOST),
            ("Authorization", &authorization("host;range;x-amz-content-sha256;x-amz-date", signature)),
            ("Range", "bytes=0-9"),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
        ],
    );
    assert_stages(
        &request,
        &format!(
            "GET\n/test.txt\n\nhost:{HOST}\nrange:bytes=0-9\nx-amz-content-sha256:{EMPTY}\n\
             x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n{EMPTY}"
        ),
        "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
    );
    assert_signer_agrees("GET", "/test.txt", &[("Range", "bytes=0-9")], b"", signature);
}

#[test]
fn put_object_with_a_dollar_in_its_key() {
    let signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    let body = b"Welcome to Amazon S3.";
    let digest = hex(&Sha256::digest(body));
    let signed_headers = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class";
    let request = Request::new(
        "PUT",
        "/test$file.text",
        &[
            ("Host", HOST),
            ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("Authorization", &authorization(signed_headers, signature)),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", &digest),
        ],
    );
    assert_stages(
        &request,
        &format!(
            "PUT\n/test%24file.text\n\ndate:Fri, 24 May 2013 00:00:00 GMT\nhost:{HOST}\nx-amz-content-sha256:{digest}\n\
             x-amz-date:20130524T000000Z\nx-amz-storage-class:REDUCED_REDUNDANCY\n\n{signed_headers}\n{digest}"
        ),
        "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
    );
    let headers = [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
    assert_signer_agrees("PUT", "/test%24file.text", &headers, body, signature);
}

#[test]
fn get_bucket_lifecycle_whose_parameter_has_no_value() {
    let signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543";
    let request = Request::new(
        "GET",
        "/?lifecycle",
        &[
            ("Host", HOST),
            ("Authorization", &authorization("host;x-amz-content-sha256;x-amz-date", signature)),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-content-sha256", EMPTY),
        ],
    );
    assert_stages(
        &request,
        &format!(
            "GET\n/\nlifecycle=\nhost:{HOST}\nx-amz-content-sha256:{EMPTY}\nx-amz-date:20130524T000000Z\n\n\
             host;x-amz-content-sha256;x-amz-date\n{EMPTY}"
        ),
        "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
    );
    assert_signer_agrees("GET", "/?lifecycle", &[], b"", signature);
}

#[test]
fn list_objects() {
    let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    let request = Request::new(
        "GET",
        "/?max-keys=2&prefix=J",
        &[
            ("Host", HOST),
            ("Authorization", &authorization("host;x-amz-content-sha256;x-amz-date", signature)),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-content-sha256", EMPTY),
        ],
    );
    assert_stages(
        &request,
        &format!(
            "GET\n/\nmax-keys=2&prefix=J\nhost:{HOST}\nx-amz-content-sha256:{EMPTY}\nx-amz-date:20130524T000000Z\n\n\
             host;x-amz-content-sha256;x-amz-date\n{EMPTY}"
        ),
        "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
    );
    assert_signer_agrees("GET", "/?max-keys=2&prefix=J", &[], b"", signature);
}

fn decode_documented_upload(request: &Request, signatures: [&str; 3], ending: &str) -> Vec<(String, String)> {
    let verified = request.verify_at(midnight()).unwrap();
    let Payload::StreamingSigned(seed) = verified.payload() else { panic!("the payload is signed in chunks") };
    let mut encoded = format!("10000;chunk-signature={}\r\n", signatures[0]).into_bytes();
    encoded.extend(vec![b'a'; 65_536]);
    encoded.extend(format!("\r\n400;chunk-signature={}\r\n", signatures[1]).as_bytes());
    encoded.extend([b'a'; 1024]);
    encoded.extend(format!("\r\n0;chunk-signature={}\r\n{ending}", signatures[2]).as_bytes());
    let mut decoder = Decoder::signed((**seed).clone(), 66_560);
    let mut input = encoded.as_slice();
    let mut body = Vec::new();
    while let Some(data) = decoder.next(&mut input).unwrap() {
        body.extend_from_slice(data);
    }
    assert_eq!(body, vec![b'a'; 66_560]);
    decoder.finish().unwrap().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Our own encoder, given the same seed, makes the same body, of the length that it announced.
fn assert_encoder_agrees(request: &Request, signatures: &[&str], trailers: &[(&str, &str)], length: u64) {
    let verified = request.verify_at(midnight()).unwrap();
    let Payload::StreamingSigned(seed) = verified.payload() else { panic!("the payload is signed in chunks") };
    let mut encoder = Encoder::signed(ChunkSeed::clone(seed), Layout::of(66_560));
    let lengths: Vec<(&str, usize)> = trailers.iter().map(|(name, value)| (*name, value.len())).collect();
    assert_eq!(encoder.encoded_length(&lengths), length);
    let mut encoded = encoder.next(&vec![b'a'; 65_536]).unwrap();
    encoded.push_str(&"a".repeat(65_536));
    encoded.push_str(&encoder.next(&[b'a'; 1024]).unwrap());
    encoded.push_str(&"a".repeat(1024));
    encoded.push_str(&encoder.finish(trailers).unwrap());
    assert_eq!(encoded.len() as u64, length);
    for signature in signatures {
        assert_eq!(encoded.matches(signature).count(), 1, "{signature}");
    }
}

#[test]
fn put_object_in_signed_chunks() {
    let signed_headers = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
                          x-amz-decoded-content-length;x-amz-storage-class";
    let signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let request = Request::new(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("Host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("Authorization", &authorization(signed_headers, signature)),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("Content-Encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("Content-Length", "66824"),
        ],
    );
    assert_stages(
        &request,
        &format!(
            "PUT\n/examplebucket/chunkObject.txt\n\ncontent-encoding:aws-chunked\ncontent-length:66824\n\
             host:s3.amazonaws.com\nx-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n\
             x-amz-date:20130524T000000Z\nx-amz-decoded-content-length:66560\n\
             x-amz-storage-class:REDUCED_REDUNDANCY\n\n{signed_headers}\nSTREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        ),
        "cee3fed04b70f867d036f722359b0b1f2f0e5dc0efadbc082b76c4c60e316455",
    );
    let chunk_signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    assert!(decode_documented_upload(&request, chunk_signatures, "\r\n").is_empty());
    // The length that AWS's example signs.
    assert_encoder_agrees(&request, &chunk_signatures, &[], 66_824);
}

#[test]
fn put_object_in_signed_chunks_with_a_signed_trailer() {
    let signed_headers = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                          x-amz-storage-class;x-amz-trailer";
    let signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let request = Request::new(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("Host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("Authorization", &authorization(signed_headers, signature)),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            ("Content-Encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
    );
    assert_stages(
        &request,
        &format!(
            "PUT\n/examplebucket/chunkObject.txt\n\ncontent-encoding:aws-chunked\nhost:s3.amazonaws.com\n\
             x-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\nx-amz-date:20130524T000000Z\n\
             x-amz-decoded-content-length:66560\nx-amz-storage-class:REDUCED_REDUNDANCY\n\
             x-amz-trailer:x-amz-checksum-crc32c\n\n{signed_headers}\nSTREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
        ),
        "44d48b8c2f70eae815a0198cc73d7a546a73a93359c070abbaa5e6c7de112559",
    );
    let chunk_signatures = [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ];
    let trailer = "x-amz-checksum-crc32c:sOO8/Q==";
    let trailer_signature = "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    let expected = [("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned())];
    let usual = format!("{trailer}\r\n{trailer_signature}\r\n\r\n");
    assert_eq!(decode_documented_upload(&request, chunk_signatures, &usual), expected);
    let all = [&chunk_signatures[..], &[trailer_signature]].concat();
    let length = 66_824 + usual.len() as u64 - 2;
    assert_encoder_agrees(&request, &all, &[("x-amz-checksum-crc32c", "sOO8/Q==")], length);
    // minio-go ends the trailers with LF, and puts an empty line before their signature.
    let minio_go = format!("{trailer}\n\r\n{trailer_signature}\r\n\r\n");
    assert_eq!(decode_documented_upload(&request, chunk_signatures, &minio_go), expected);
}
