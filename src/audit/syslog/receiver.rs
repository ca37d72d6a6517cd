//! A connection to an audit record repository: TLS, frames, and an end that both sides agree on.

use std::io;
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
use crate::outgoing::Outgoing;

/// Where records go.
pub struct SyslogReceiver {
    /// The host; its certificate must name it.
    pub host: Hostname,
    /// The port.
    pub port: u16,
    /// Where connections may go.
    pub outgoing: Outgoing,
    /// Whom it is believed by, and who we are.
    pub tls: Arc<ClientConfig>,
    /// How long TCP and TLS may take together to connect.
    pub connect: Duration,
    /// How long a batch may take to be sent, and the end of the connection.
    pub batch: Duration,
    /// How long the connection must stay after the last frame before we end it: longer than a message and its answer are under
    /// way, so that a receiver that went away by itself is not taken for one that heard us out.
    pub settle: Duration,
}

impl SyslogReceiver {
    /// Connects.
    pub(super) async fn open(&self) -> Result<Delivery<'_>, SyslogError> {
        let connected = timeout(self.connect, self.connect()).await.map_err(|_| SyslogError::Late)?;
        Ok(Delivery { receiver: self, stream: connected.map_err(SyslogError::Connection)? })
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = self.outgoing.connect(&self.host, self.port).await?;
        let name = ServerName::try_from(self.host.to_string()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await
    }
}

/// A connection on which frames go. What was sent counts once it ended in order.
pub(super) struct Delivery<'a> {
    receiver: &'a SyslogReceiver,
    stream: TlsStream<TcpStream>,
}

impl Delivery<'_> {
    /// Sends frames.
    pub(super) async fn send(&mut self, frames: &[u8]) -> Result<(), SyslogError> {
        let sending = async {
            self.stream.write_all(frames).await?;
            self.stream.flush().await
        };
        let sent = timeout(self.receiver.batch, sending).await.map_err(|_| SyslogError::Late)?;
        sent.map_err(SyslogError::Connection)
    }

    /// Says that this was all, and waits until the receiver ended it after us: in order means with close_notify (RFC 5425 section
    /// 4.4), or by TCP alone, as rsyslog with GnuTLS does.
    pub(super) async fn end(mut self) -> Result<(), SyslogError> {
        let limit = self.receiver.batch;
        timeout(limit, self.settle()).await.map_err(|_| SyslogError::Late)?
    }

    async fn settle(&mut self) -> Result<(), SyslogError> {
        // Nothing comes from a receiver that is well, and whoever ends before we do has not read everything.
        if let Ok(ended) = timeout(self.receiver.settle, end(&mut self.stream)).await {
            return ended.and(Err(SyslogError::Ended));
        }
        self.stream.shutdown().await.map_err(SyslogError::Connection)?;
        end(&mut self.stream).await
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
