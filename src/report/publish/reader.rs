//! Who may see what of the programme.

use crate::medmij::ProviderName;
use crate::practices::programme::{Day, Draft, Id};
use crate::report::Scope;

/// Somebody who looks at what is published. Whoever lets them in says which they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// Somebody of a practice.
    Practice(ProviderName),
    /// Somebody of the lead party of a coalition.
    Coalition(Id),
    /// Somebody of the programme.
    Programme,
    /// Somebody of an insurer.
    Insurer,
}

/// Something to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The figures of a scope.
    Figures(&'a Scope),
    /// Which practices may declare their fee.
    Declarations,
    /// The figures of all, for research and for MedMij.
    Everything,
}

impl Reader {
    /// Whether they may see it, by the register as it is on a day. A practice sees itself, a coalition itself and its practices, the
    /// programme everything, an insurer who may declare, and nothing else.
    #[must_use]
    pub fn may_see(&self, subject: Subject<'_>, register: &Draft, today: Day) -> bool {
        match (self, subject) {
            (Self::Programme, _) | (Self::Insurer, Subject::Declarations) => true,
            (Self::Practice(own), Subject::Figures(Scope::Practice(name))) => own == name,
            (Self::Coalition(own), Subject::Figures(Scope::Coalition(id) | Scope::Share { coalition: id, .. })) => {
                own == id
            }
            (Self::Coalition(own), Subject::Figures(Scope::Practice(name))) => {
                let practice = register.practices.get(name);
                practice.is_some_and(|one| one.memberships.iter().any(|one| one.coalition == *own && one.covers(today)))
            }
            (
                Self::Practice(_),
                Subject::Figures(Scope::Whole | Scope::Coalition(_) | Scope::Supplier(_) | Scope::Share { .. }),
            )
            | (Self::Coalition(_), Subject::Figures(Scope::Whole | Scope::Supplier(_)))
            | (Self::Insurer, Subject::Figures(_) | Subject::Everything)
            | (Self::Practice(_) | Self::Coalition(_), Subject::Declarations | Subject::Everything) => false,
        }
    }
}
