//! What we accept and offer in TLS, in one readable place.
