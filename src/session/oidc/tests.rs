//! The login against an emulated provider over real TLS: what it asks, whom it believes, and the exact end of every answer
//! that is not as it should be.

mod answers;
mod emulator;
mod id_token;
mod life;
mod parsing;
mod request;
mod userinfo;
mod world;
