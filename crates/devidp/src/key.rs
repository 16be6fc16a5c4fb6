//! The signing key: made once, kept beside the data, and published as a JWK.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

const FILE_NAME: &str = "signing-key.pem";
const PEM_LABEL: &str = "PRIVATE KEY";

/// Why the signing key is not usable.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The directory or the file could not be read or written.
    #[error("cannot read or write {}", path.display())]
    File {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not a P-256 private key in PKCS#8 and PEM.
    #[error("{} holds no P-256 private key", .0.display())]
    Malformed(PathBuf),
    /// The cryptographic library made no key.
    #[error("no key could be generated")]
    Generate,
}

/// An ES256 key pair with its key id.
pub(crate) struct SigningKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
    jwk: PublicJwk,
}

/// The public half as RFC 7517 writes it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PublicJwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
}

impl SigningKey {
    /// Reads the key of `directory`; makes it where there is none.
    pub(crate) fn load_or_create(directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join(FILE_NAME);
        let file_error = |source| KeyError::File { path: path.clone(), source };
        let pem = match fs::read_to_string(&path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(directory, &path)?,
            Err(error) => return Err(file_error(error)),
        };
        Self::from_pem(&pem).ok_or(KeyError::Malformed(path))
    }

    fn from_pem(pem: &str) -> Option<Self> {
        let der = STANDARD
            .decode(
                pem.trim()
                    .strip_prefix(&format!("-----BEGIN {PEM_LABEL}-----"))?
                    .strip_suffix(&format!("-----END {PEM_LABEL}-----"))?
                    .split_whitespace()
                    .collect::<String>(),
            )
            .ok()?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()?;
        // SEC 1 §2.3.3: 04, then both coordinates of 32 bytes.
        let point = pair.public_key().as_ref();
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let decoding = DecodingKey::from_ec_components(&x, &y).ok()?;
        let kid = thumbprint(&x, &y);
        Some(Self {
            encoding: EncodingKey::from_ec_der(&der),
            decoding,
            jwk: PublicJwk { kty: "EC", crv: "P-256", x, y, kid, purpose: "sig", alg: "ES256" },
        })
    }

    pub(crate) fn jwk(&self) -> &PublicJwk {
        &self.jwk
    }

    /// Signs claims as a JWT of the media type `typ`.
    pub(crate) fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.jwk.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding)
    }

    /// The claims of a JWT that this key signed for `audience`. Times are left to the caller, who knows what time it is.
    pub(crate) fn verify<T: DeserializeOwned + Clone>(&self, token: &str, typ: &str, audience: &str) -> Option<T> {
        let mut validation = jsonwebtoken::Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_audience(&[audience]);
        let data = jsonwebtoken::decode::<T>(token, &self.decoding, &validation).ok()?;
        (data.header.typ.as_deref() == Some(typ)).then_some(data.claims)
    }
}

/// The key id: RFC 7638's thumbprint, whose members are in this order and without spaces.
fn thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

/// Makes a key and writes it so that a crash leaves either no file or the whole one. Where two starts race, the first wins
/// and both use its key.
fn create(directory: &Path, path: &Path) -> Result<String, KeyError> {
    let file_error = |source| KeyError::File { path: path.to_owned(), source };
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Generate)?;
    let der = pair.to_pkcs8v1().map_err(|_| KeyError::Generate)?;
    let encoded = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let pem = format!("-----BEGIN {PEM_LABEL}-----\n{}\n-----END {PEM_LABEL}-----\n", lines.join("\n"));

    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(file_error)?;
    // `tempfile` makes the file with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(file_error)?;
    file.write_all(pem.as_bytes()).map_err(file_error)?;
    file.as_file().sync_all().map_err(file_error)?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(file_error)?;
            Ok(pem)
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(path).map_err(file_error)
        }
        Err(error) => Err(file_error(error.error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path().join("made/with-its-parents");
        let first = SigningKey::load_or_create(&directory).expect("a new key");
        let second = SigningKey::load_or_create(&directory).expect("the same key");
        assert_eq!(first.jwk().kid, second.jwk().kid);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&directory.join(FILE_NAME)), 0o600);
        assert_eq!(mode(&directory), 0o700);
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").expect("a file");
        assert!(matches!(SigningKey::load_or_create(directory.path()), Err(KeyError::Malformed(_))));
        assert!(fs::read_to_string(&path).expect("the file").contains("AAAA"));
    }

    #[test]
    fn the_thumbprint_is_that_of_the_canonical_json() {
        // RFC 7638 §3.2: only required members, in lexicographic order, no white space.
        let digest = Sha256::digest(br#"{"crv":"P-256","kty":"EC","x":"a","y":"b"}"#);
        assert_eq!(thumbprint("a", "b"), URL_SAFE_NO_PAD.encode(digest));
    }
}
