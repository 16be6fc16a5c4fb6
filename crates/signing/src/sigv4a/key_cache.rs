//! Key pairs already derived. They change with their secret only, so that a verifier derives each once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::key::KeyPair;
use crate::credentials::{AccessKeyId, SecretKey};

/// A bounded cache. A pair is reused only for the same secret, so a rotated secret takes effect at once.
#[derive(Default)]
pub(crate) struct KeyPairs {
    pairs: RwLock<HashMap<AccessKeyId, (SecretKey, KeyPair)>>,
}

impl KeyPairs {
    /// Access keys kept; at one more the cache starts anew.
    pub(crate) const MAX_ACCESS_KEYS: usize = 1024;

    pub(crate) fn pair(&self, access_key_id: &AccessKeyId, secret: &SecretKey) -> KeyPair {
        if let Some(pair) = self.cached(access_key_id, secret) {
            return pair;
        }
        let pair = KeyPair::derive(access_key_id, secret);
        let mut pairs = self.pairs.write().unwrap_or_else(PoisonError::into_inner);
        if pairs.len() >= Self::MAX_ACCESS_KEYS && !pairs.contains_key(access_key_id) {
            pairs.clear();
        }
        pairs.insert(access_key_id.clone(), (secret.clone(), pair.clone()));
        pair
    }

    fn cached(&self, access_key_id: &AccessKeyId, secret: &SecretKey) -> Option<KeyPair> {
        let pairs = self.pairs.read().unwrap_or_else(PoisonError::into_inner);
        let (cached, pair) = pairs.get(access_key_id)?;
        cached.same_as(secret).then(|| pair.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretKey {
        SecretKey::new(text).unwrap()
    }

    #[test]
    fn a_rotated_secret_takes_effect_at_once() {
        let cache = KeyPairs::default();
        let id = AccessKeyId::new("A").unwrap();
        let signature = cache.pair(&id, &secret("old")).sign(&[b"message"]);
        assert!(cache.pair(&id, &secret("old")).verifies(&[b"message"], &signature));
        assert!(!cache.pair(&id, &secret("new")).verifies(&[b"message"], &signature));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = KeyPairs::default();
        let secret = secret("s");
        let kept = |cache: &KeyPairs| cache.pairs.read().unwrap().len();
        for number in 0..KeyPairs::MAX_ACCESS_KEYS {
            cache.pair(&AccessKeyId::new(format!("A{number}")).unwrap(), &secret);
        }
        assert_eq!(kept(&cache), KeyPairs::MAX_ACCESS_KEYS);
        cache.pair(&AccessKeyId::new("A0").unwrap(), &secret);
        assert_eq!(kept(&cache), KeyPairs::MAX_ACCESS_KEYS, "one that is known");
        cache.pair(&AccessKeyId::new("one-more").unwrap(), &secret);
        assert_eq!(kept(&cache), 1);
    }
}
