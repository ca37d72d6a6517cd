//! Data services (*gegevensdiensten*), their system roles and FHIR versions. Ids are data, never an enumeration in code.

use std::fmt;

use smol_str::SmolStr;

/// `GegevensdienstId`: 1 to 30 characters; in practice a number such as `49`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(SmolStr);

/// The text is not a service id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a service id has 1 to 30 letters, digits, dots or hyphens")]
pub struct ServiceIdError;

impl ServiceId {
    /// Parses an id.
    ///
    /// # Errors
    /// When it is empty, over 30 characters, or has a character that could mean something in a scope or path.
    pub fn parse(text: &str) -> Result<Self, ServiceIdError> {
        let fits = (1..=30).contains(&text.len());
        let plain = text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b'-');
        if fits && plain { Ok(Self(text.into())) } else { Err(ServiceIdError) }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for ServiceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// `Systeemrolcode`, such as `MM-2.0-HGB-FHIR`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SystemRole(SmolStr);

/// The text is not a system role code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a system role code has 1 to 30 letters, digits, dots or hyphens")]
pub struct SystemRoleError;

impl SystemRole {
    /// Parses a code.
    ///
    /// # Errors
    /// When it is empty, over 30 characters or has other characters.
    pub fn parse(text: &str) -> Result<Self, SystemRoleError> {
        ServiceId::parse(text).map(|id| Self(id.0)).map_err(|_| SystemRoleError)
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The FHIR version of an endpoint; it is part of the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FhirVersion {
    /// FHIR STU3, 3.0.2.
    Stu3,
    /// FHIR R4, 4.0.1.
    R4,
}

/// The text is not a FHIR version that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("FHIR versions are stu3 and r4")]
pub struct FhirVersionError;

impl FhirVersion {
    /// Parses the form used in paths and configuration.
    ///
    /// # Errors
    /// When it is neither `stu3` nor `r4`.
    pub fn parse(text: &str) -> Result<Self, FhirVersionError> {
        match text {
            "stu3" => Ok(Self::Stu3),
            "r4" => Ok(Self::R4),
            _ => Err(FhirVersionError),
        }
    }

    /// The form used in paths and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stu3 => "stu3",
            Self::R4 => "r4",
        }
    }
}
