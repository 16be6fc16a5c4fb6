//! The two ids under which a request can be found in the log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_signing::encode::hex;

#[derive(Debug, Clone)]
pub(crate) struct RequestId {
    request_id: String,
    host_id: String,
}

impl RequestId {
    /// New random ids, in the shape of AWS's. Without randomness they are zero; they protect nothing.
    pub(crate) fn random() -> Self {
        let mut random = [0_u8; 44];
        let _ = getrandom::fill(&mut random);
        let (request, host) = random.split_at(8);
        Self { request_id: hex(request).to_ascii_uppercase(), host_id: STANDARD.encode(host) }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(crate) fn host_id(&self) -> &str {
        &self.host_id
    }
}
