//! Values that may not be seen: redacted in `Debug`, wiped on drop, never serialised. Randomness comes through here too.

use std::cell::RefCell;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroize;

/// A value that prints as `[redacted]` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself; each call is a place to review.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// SHA-256 of a handle: what the store keeps in its place.
pub type HandleHash = [u8; 32];

/// An opaque handle of 256 random bits, base64url without padding: authorization codes, access tokens, visit cookies.
pub struct Handle(Secret<String>);

impl Handle {
    /// Draws a new one.
    #[must_use]
    pub fn draw() -> Self {
        let mut bits = random::<32>();
        let text = URL_SAFE_NO_PAD.encode(bits);
        bits.zeroize();
        Self(Secret::new(text))
    }

    /// One that a peer presents.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }

    /// One that follows from another handle, and from which that one cannot be found: whoever holds the first can make it
    /// again, for this purpose only.
    #[must_use]
    pub fn derived(from: &str, purpose: &str) -> Self {
        let mut bits = sha256(format!("{purpose}\0{from}").as_bytes());
        let text = URL_SAFE_NO_PAD.encode(bits);
        bits.zeroize();
        Self(Secret::new(text))
    }

    /// The text to hand out, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What to store.
    #[must_use]
    pub fn hash(&self) -> HandleHash {
        hash_handle(self.reveal())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle([redacted])")
    }
}

/// The hash under which a handle that a peer presents is looked up. Any text hashes; only a drawn one is found.
#[must_use]
pub fn hash_handle(presented: &str) -> HandleHash {
    sha256(presented.as_bytes())
}

/// Whether the permission bits of a file keep its secret from others: nobody but its owner has access. A file of root may be read
/// by its group as well, as PostgreSQL has it for `ssl_key_file`: so a key comes to a service that is not root, from a Secret of
/// Kubernetes (`fsGroup`) and from systemd, where the access list of a credential shows as a right of the group.
#[must_use]
pub const fn is_private(mode: u32, owner: u32) -> bool {
    const ROOT: u32 = 0;
    let others = if owner == ROOT { 0o037 } else { 0o077 };
    mode & others == 0
}

/// SHA-256.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, data).as_ref());
    out
}

/// Random bytes from the operating system.
///
/// # Panics
/// When the operating system has no randomness to give; nothing may go on then.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one door for randomness")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Bytes that are fetched at once for ids.
const ID_POOL_BYTES: usize = 640;

thread_local! {
    /// What is left for ids, at its end.
    static ID_POOL: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Random bytes from the operating system for what nobody must guess or meet twice, but everybody may see: ids. Fetched for
/// many at once, as each request has an id and a system call for each would take longer than all else about it.
#[must_use]
pub fn random_id<const N: usize>() -> [u8; N] {
    ID_POOL.with_borrow_mut(|pool| {
        if pool.len() < N {
            *pool = random::<ID_POOL_BYTES>().to_vec();
        }
        let rest = pool.len().saturating_sub(N);
        let mut bytes = [0; N];
        bytes.iter_mut().zip(pool.drain(rest..)).for_each(|(byte, drawn)| *byte = drawn);
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_its_owner_and_one_of_root_for_its_group_to_read() {
        let (root, somebody) = (0, 65_532);
        assert!([0o600, 0o400, 0o500].into_iter().all(|mode| is_private(mode, root) && is_private(mode, somebody)));
        assert!([0o640, 0o440].into_iter().all(|mode| is_private(mode, root) && !is_private(mode, somebody)));
        let open = [0o660, 0o620, 0o650, 0o604, 0o644, 0o602, 0o601, 0o666, 0o777];
        assert!(open.into_iter().all(|mode| !is_private(mode, root) && !is_private(mode, somebody)));
    }

    #[test]
    fn ids_never_meet_over_many_pools_and_threads() {
        let draw = || (0..500).map(|_| random_id::<10>()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let drawn: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).chain(draw()).collect();
        let different: std::collections::HashSet<_> = drawn.iter().collect();
        assert_eq!(different.len(), drawn.len());
        assert!(drawn.iter().all(|id| *id != [0; 10]));
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("abc".to_owned())), "[redacted]");
        assert!(!format!("{:?}", Handle::draw()).contains(Handle::draw().reveal()));
    }

    #[test]
    fn a_handle_has_256_bits_and_is_found_by_its_text() {
        let handle = Handle::draw();
        assert_eq!(handle.reveal().len(), 43);
        assert_eq!(hash_handle(handle.reveal()), handle.hash());
        assert_ne!(Handle::draw().hash(), handle.hash());
        let derived = Handle::derived(handle.reveal(), "form");
        assert_eq!(derived.reveal(), Handle::derived(handle.reveal(), "form").reveal());
        assert_eq!(derived.reveal().len(), 43);
        assert_ne!(derived.reveal(), Handle::derived(handle.reveal(), "other").reveal());
    }
}
