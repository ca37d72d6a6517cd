//! The attack cases of the test plan, each under its number, with the exact answer that is expected; the faults of others (F08 to
//! F24) likewise. Where each stands that is not in this folder:
//!
//! | number | what | where |
//! |---|---|---|
//! | 24 | certificates that do not hold | `edge::tests::handshakes` |
//! | 42 | nothing secret is left | `secrets`, and `tests/process/canary` |
//! | 60 | another patient in a stream | `large` |
//! | 66, 67, 70, 82 | requests that are read in two ways, or are for others | `hostile::requests` |
//! | 68, 69, 79, 92 | headers that claim an identity, or are too many | `hostile::headers` |
//! | 71 to 75 | floods of HTTP/2, a window that stays shut | `hostile::floods`; what they cost in `tests/process/crowd` |
//! | 76, 77 | slow clients, stalled handshakes | `hostile::slow`; 5,000 and 2,000 of them in `tests/process/crowd`; more of both in `edge::tests::deadlines` |
//! | 78 | old TLS | `tls`, `edge::tests::handshakes`, sslyze in `tests/hostile/run` |
//! | 80, 81 | bodies too large, bodies that never come | `hostile::bodies` |
//! | 83 | addresses inside | `attacks::lists`, `outgoing` |
//! | 85, 86 | XML | `lists::tests::attacks` |
//! | 87 | the certificate of a HIS | `his::pool::tests` |
//! | 91, 98 | lines of the log, copies of memory | `tests/process/leaks` |
//! | 93 | what is for operators | `tls` |
//! | 94 | reading the log | `auditors` |
//! | 95 | changing the log | `store::postgres::index::tests` |
//! | 96 | forged proofs | `audit::proof`, `audit::tree::proof` |
//! | 97 | keys that others can read | `tests/process/config` |
//! | F08, F11 | a HIS that is dead, or closes a connection | `his_transport`, `his::pool::tests` |
//! | F09 | a HIS that drips or stops | `large` |
//! | F10 | a HIS that answers rubbish | `his_faults` |
//! | F12 to F14 | lists | `lists` |
//! | F15 to F17 | PostgreSQL | `tests/process/nodes`, `tests/process/database` |
//! | F18 | clocks | `clock` |
//! | F21 | the end of a node | `shutdown`, `tests/process/serve` |
//! | F23 | a panic anywhere in a request | `hostile::panics` |
//! | F24 | names that turn inside | `outgoing` |

mod authorize;
mod fhir_request;
mod his_answer;
mod his_transport;
mod lists;
mod resource;
mod token;
