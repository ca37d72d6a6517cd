//! The algorithms there are. What is not named here can be neither asked for nor allowed.

/// How a token is signed (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PSS with SHA-256, and a salt of 32 bytes.
    Ps256,
    /// Ed25519; read under both its names, `EdDSA` and `Ed25519` (RFC 9864 section 2.2), and written as `EdDSA`.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256: verified only, for OpenID providers, which all can sign with it (OpenID Connect Core
    /// 1.0 section 15.1). It has no place in the list of a client that signs for us.
    Rs256,
}

impl SignatureAlgorithm {
    /// What clients that sign for us may use.
    pub const CLIENTS: [Self; 4] = [Self::Es256, Self::Es384, Self::Ps256, Self::EdDsa];

    /// Reads the value of `alg`. `none` and the HMAC family give `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "PS256" => Self::Ps256,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            "RS256" => Self::Rs256,
            _ => return None,
        })
    }

    /// The value of `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

/// How the key of an encrypted token is agreed (RFC 7518 section 4.1). The content is always encrypted with A256GCM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyManagement {
    /// ECDH-ES in direct mode, on P-256 or X25519.
    EcdhEs,
    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256.
    RsaOaep256,
}

impl KeyManagement {
    /// Reads the value of `alg`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ECDH-ES" => Some(Self::EcdhEs),
            "RSA-OAEP-256" => Some(Self::RsaOaep256),
            _ => None,
        }
    }

    /// The value of `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdhEs => "ECDH-ES",
            Self::RsaOaep256 => "RSA-OAEP-256",
        }
    }
}

/// The only value of `enc` (RFC 7518 section 5.3).
pub(super) const CONTENT_ENCRYPTION: &str = "A256GCM";
