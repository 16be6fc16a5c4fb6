//! TLS: a certificate and its key from two files, read again when somebody asks for it.
//!
//! What rustls offers is what is offered: TLS 1.2 and 1.3, forward secrecy always, no renegotiation, no compression, no
//! early data. ALPN decides between HTTP/2 and HTTP/1.1.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, ProtocolVersion, ServerConfig};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

use crate::peer::Transport;

/// How long a file of certificates, or of a key, is at most.
pub const MAX_PEM_BYTES: u64 = 1024 * 1024;
/// How many certificates a chain has at most.
pub const MAX_CHAIN: usize = 16;

/// What a client may choose, most wanted first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate chain and its key. Copies share them, also when they are read again.
#[derive(Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

/// Why a certificate or its key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not PEM of the right kind. Its contents are not repeated: it may be the key.
    #[error("{} holds no {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// The two do not belong together, or are of a kind that is not known.
    #[error("the certificate in {} and the key in {} do not go together", certificate.display(), key.display())]
    Pair {
        /// The file of the certificates.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads a chain in PEM, the server's own certificate first, and the key of that certificate (PKCS #8, PKCS #1 or
    /// SEC 1).
    pub fn load(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let config = read(&certificate, &key)?;
        Ok(Self { certificate, key, current: Arc::new(RwLock::new(Arc::new(config))) })
    }

    /// Reads both files again. New connections get what was read; when that fails, what was there before. Connections
    /// that are open stay as they are.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = Arc::new(read(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What takes the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let content = |path: &Path, expected| TlsError::Content { path: path.to_owned(), expected };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|_| content(certificate, "certificates in PEM"))?;
    if chain.is_empty() || chain.len() > MAX_CHAIN {
        return Err(content(certificate, "chain of 1 to 16 certificates in PEM"));
    }
    let secret = PrivateKeyDer::from_pem_slice(&bytes(key)?).map_err(|_| content(key, "private key in PEM"))?;
    let pair = |source| TlsError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), source };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_PEM_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    });
    read.map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

/// What was negotiated, in the names of S3's access logs, which are those of OpenSSL.
pub(crate) fn transport(connection: &rustls::ServerConnection) -> Transport {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let cipher_suite = match connection.negotiated_cipher_suite().map(|suite| suite.suite()) {
        Some(CipherSuite::TLS13_AES_128_GCM_SHA256) => "TLS_AES_128_GCM_SHA256",
        Some(CipherSuite::TLS13_AES_256_GCM_SHA384) => "TLS_AES_256_GCM_SHA384",
        Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256) => "TLS_CHACHA20_POLY1305_SHA256",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256) => "ECDHE-ECDSA-AES128-GCM-SHA256",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384) => "ECDHE-ECDSA-AES256-GCM-SHA384",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256) => "ECDHE-ECDSA-CHACHA20-POLY1305",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) => "ECDHE-RSA-AES128-GCM-SHA256",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) => "ECDHE-RSA-AES256-GCM-SHA384",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256) => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => "-",
    };
    Transport::Tls { version, cipher_suite }
}
