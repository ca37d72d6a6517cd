//! PROXY protocol, versions 1 and 2: a load balancer says before anything else for whom it opened a connection
//! (haproxy.org/download/2.9/doc/proxy-protocol.txt). Only listed addresses are asked, and of those it is required: whoever else
//! could choose its address in the audit log.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use ppp::{HeaderResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Where balancers connect from, and who else may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balancers {
    from: Vec<IpNet>,
    others: Others,
}

/// What becomes of a connection from an address that is not listed. It is never asked for a header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Others {
    /// It is served under its own address.
    #[default]
    Serve,
    /// It is closed.
    Refuse,
}

/// Why a connection is closed before TLS begins.
#[derive(Debug, thiserror::Error)]
pub enum HeaderFault {
    /// Its address is not listed, and others are refused.
    #[error("the address is not that of a load balancer")]
    NotListed,
    /// The connection ended within the header, or cannot be read.
    #[error("the connection ended before its header did")]
    Torn(#[source] io::Error),
    /// What came is no header.
    #[error("no header of the PROXY protocol came first")]
    NoHeader,
    /// It is longer than [`LONGEST`].
    #[error("the header is too long")]
    TooLong,
    /// It breaks the rules of the protocol.
    #[error("the header is malformed")]
    Malformed,
    /// It speaks of something else than TCP over IP, which no client of ours uses.
    #[error("the header names no address of TCP over IP")]
    NoAddress,
}

/// Most bytes of a header that are read: addresses of IPv6 and some 1,900 of additions (TLVs), such as the certificate of an
/// earlier TLS connection. The protocol allows 65,551.
pub const LONGEST: usize = 2_048;

/// Of version 1, its line end included (section 2.1).
const LONGEST_LINE: usize = 107;
/// With which a header of version 1 begins.
const LINE_START: &[u8] = b"PROXY ";
/// With which it ends.
const LINE_END: &[u8] = b"\r\n";
/// What of a header tells its version: the signature of version 2. No line of version 1 is shorter.
const SIGNATURE: usize = 12;
/// The same with what tells its length: of version 2 the part that is always there.
const BINARY_START: usize = 16;

impl Balancers {
    /// Those of these networks.
    #[must_use]
    pub const fn new(from: Vec<IpNet>, others: Others) -> Self {
        Self { from, others }
    }

    /// The client of a connection from `remote`, after its header was read to the last byte when it must have one.
    ///
    /// # Errors
    /// See [`HeaderFault`]. There is no deadline in it.
    pub async fn client(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        remote: SocketAddr,
    ) -> Result<SocketAddr, HeaderFault> {
        if self.lists(remote.ip()) {
            let client = parse(&read(stream).await?)?;
            return Ok(client.unwrap_or(remote));
        }
        match self.others {
            Others::Serve => Ok(remote),
            Others::Refuse => Err(HeaderFault::NotListed),
        }
    }

    /// A socket of IPv6 also shows the addresses of IPv4, in a form of its own.
    fn lists(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.from.iter().any(|network| network.contains(&address))
    }
}

/// A whole header and nothing behind it.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, HeaderFault> {
    let mut header = Vec::with_capacity(LONGEST_LINE);
    loop {
        let surely = missing(&header)?;
        if surely == 0 {
            return Ok(header);
        }
        let mut part = (&mut *stream).take(u64::try_from(surely).unwrap_or(u64::MAX));
        match part.read_buf(&mut header).await {
            Ok(0) => return Err(HeaderFault::Torn(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) => return Err(HeaderFault::Torn(error)),
        }
    }
}

/// How many more bytes belong to a header that begins so, whatever they are; 0 when it is whole.
fn missing(begun: &[u8]) -> Result<usize, HeaderFault> {
    let Some((signature, rest)) = begun.split_at_checked(SIGNATURE) else {
        let alike = |known: &[u8]| begun.iter().zip(known).all(|(found, known)| found == known);
        let possible = alike(v2::PROTOCOL_PREFIX) || alike(LINE_START);
        return if possible { Ok(SIGNATURE - begun.len()) } else { Err(HeaderFault::NoHeader) };
    };
    if signature == v2::PROTOCOL_PREFIX {
        return missing_of_binary(begun.len(), rest);
    }
    if !signature.starts_with(LINE_START) {
        return Err(HeaderFault::NoHeader);
    }
    match begun {
        whole if whole.ends_with(LINE_END) => Ok(0),
        long if long.len() >= LONGEST_LINE => Err(HeaderFault::TooLong),
        // The line end is all that is sure.
        begun if begun.ends_with(b"\r") => Ok(1),
        begun => Ok(LINE_END.len().min(LONGEST_LINE - begun.len())),
    }
}

/// Version and command, family and protocol, and two bytes that say how long the rest is (section 2.2).
fn missing_of_binary(read: usize, after_signature: &[u8]) -> Result<usize, HeaderFault> {
    let Some([_, _, high, low]) = after_signature.first_chunk() else { return Ok(BINARY_START - read) };
    let whole = BINARY_START + usize::from(u16::from_be_bytes([*high, *low]));
    if whole > LONGEST { Err(HeaderFault::TooLong) } else { Ok(whole.saturating_sub(read)) }
}

/// Whom a whole header names; nobody when the balancer speaks for itself, as in its health checks, or does not know.
///
/// # Errors
/// See [`HeaderFault`].
pub fn parse(header: &[u8]) -> Result<Option<SocketAddr>, HeaderFault> {
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(line)) => Ok(of_line(&line)),
        HeaderResult::V2(Ok(binary)) => of_binary(&binary),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(HeaderFault::Malformed),
    }
}

fn of_line(line: &v1::Header<'_>) -> Option<SocketAddr> {
    match line.addresses {
        v1::Addresses::Unknown => None,
        v1::Addresses::Tcp4(of) => Some(client(of.source_address, of.source_port)),
        v1::Addresses::Tcp6(of) => Some(client(of.source_address, of.source_port)),
    }
}

fn of_binary(header: &v2::Header<'_>) -> Result<Option<SocketAddr>, HeaderFault> {
    // Its addresses are to be passed over, whatever they are.
    if header.command == v2::Command::Local {
        return Ok(None);
    }
    if header.tlvs().any(|addition| addition.is_err()) {
        return Err(HeaderFault::Malformed);
    }
    match (header.addresses, header.protocol) {
        (v2::Addresses::Unspecified, _) => Ok(None),
        (v2::Addresses::IPv4(of), v2::Protocol::Stream) => Ok(Some(client(of.source_address, of.source_port))),
        (v2::Addresses::IPv6(of), v2::Protocol::Stream) => Ok(Some(client(of.source_address, of.source_port))),
        (v2::Addresses::IPv4(_) | v2::Addresses::IPv6(_) | v2::Addresses::Unix(_), _) => Err(HeaderFault::NoAddress),
    }
}

fn client(address: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(address.into().to_canonical(), port)
}

#[cfg(test)]
mod tests;
