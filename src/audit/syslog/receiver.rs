//! One connection to an audit record repository: TLS, frames, and an end that both sides agree on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::SyslogError;
use crate::medmij::Hostname;

/// Where records go.
pub struct SyslogReceiver {
    /// The host; its certificate must name it.
    pub host: Hostname,
    /// The port.
    pub port: u16,
    /// Its address, when that is not asked of DNS.
    pub address: Option<SocketAddr>,
    /// Whom it is believed by, and who we are.
    pub tls: Arc<ClientConfig>,
    /// How long TCP and TLS may take together to connect.
    pub connect: Duration,
    /// How long a batch may take, from its first byte to the end of the connection.
    pub batch: Duration,
    /// How long the connection must stay after the last frame before we end it: longer than a message and its answer are under
    /// way, so that a receiver that went away by itself is not taken for one that heard us out.
    pub settle: Duration,
}

impl SyslogReceiver {
    /// Sends frames over a connection of their own. Done when the receiver ended it after us: in order means with close_notify
    /// (RFC 5425 section 4.4), or by TCP alone, as rsyslog with GnuTLS does.
    pub(super) async fn hand_over(&self, frames: &[u8]) -> Result<(), SyslogError> {
        let connected = timeout(self.connect, self.connect()).await.map_err(|_| SyslogError::Late)?;
        let stream = connected.map_err(SyslogError::Connection)?;
        timeout(self.batch, self.send(stream, frames)).await.map_err(|_| SyslogError::Late)?
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = match self.address {
            Some(address) => TcpStream::connect(address).await?,
            None => TcpStream::connect((self.host.as_str(), self.port)).await?,
        };
        let name = ServerName::try_from(self.host.to_string()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await
    }

    async fn send(&self, mut stream: TlsStream<TcpStream>, frames: &[u8]) -> Result<(), SyslogError> {
        stream.write_all(frames).await.map_err(SyslogError::Connection)?;
        stream.flush().await.map_err(SyslogError::Connection)?;
        if let Ok(ended) = timeout(self.settle, end(&mut stream)).await {
            return ended.and(Err(SyslogError::Ended));
        }
        stream.shutdown().await.map_err(SyslogError::Connection)?;
        end(&mut stream).await
    }
}

/// Waits until the other side ends the connection. A reset is no end: then it had not read everything.
async fn end(stream: &mut TlsStream<TcpStream>) -> Result<(), SyslogError> {
    match stream.read(&mut [0; 1]).await {
        Ok(0) => Ok(()),
        Ok(_) => Err(SyslogError::Answered),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) => Err(SyslogError::Connection(error)),
    }
}
