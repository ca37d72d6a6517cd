//! The words of MedMij: values only, no input or output. Each is checked when it is made and cannot be made otherwise.
//!
//! Dutch terms that have no exact English word stay: *gegevensdienst* (data service) is [`ServiceId`], *systeemrol* is
//! [`SystemRole`], *zorgaanbieder* (care provider) is [`ProviderName`], *BSN* (citizen service number) is [`Bsn`].

mod authority;
mod bsn;
mod hostname;
mod ids;
mod provider;
mod scope;
mod service;

pub use authority::{PortError, split_authority};
pub use bsn::{Bsn, BsnError, holds_bsn};
pub use hostname::{Hostname, HostnameError};
pub use ids::{CorrelationId, LocalId, RequestId};
pub use provider::{ProviderName, ProviderNameError};
pub use scope::{Scope, ScopeError, ScopeRelease};
pub use service::{FhirVersion, FhirVersionError, ServiceId, ServiceIdError, SystemRole, SystemRoleError};
