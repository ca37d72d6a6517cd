//! HTTP/2 frame by frame (RFC 9113), for what a client library would not send.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::doors::Door;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const NONE: u8 = 0;
pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header block in which nothing is compressed (RFC 7541 section 6.2.2).
pub(super) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            // Longer ones need a second octet, and no test has them here.
            block.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// The four of every request.
pub(super) fn pseudo<'a>(method: &'a str, authority: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)]
}

/// A GET without a body.
pub(super) fn get(stream: u32, authority: &str, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&pseudo("GET", authority, path)))
}

/// What came.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Came {
    /// Whether it is the head of an answer with status 200: the eighth entry of the static table (RFC 7541 appendix A).
    pub(super) fn is_ok(&self) -> bool {
        self.kind == HEADERS && self.payload.first() == Some(&0x88)
    }
}

/// A connection.
pub(super) struct H2 {
    read: ReadHalf<TlsStream<TcpStream>>,
    write: WriteHalf<TlsStream<TcpStream>>,
}

impl H2 {
    /// Opens one with these settings of ours.
    pub(super) async fn open(door: &Door, settings: &[u8]) -> Self {
        let (read, write) = split(door.open().await);
        let mut own = Self { read, write };
        own.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        own.send(&frame(SETTINGS, NONE, 0, settings)).await.unwrap();
        own
    }

    /// Sends octets.
    pub(super) async fn send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.write.write_all(octets).await?;
        self.write.flush().await
    }

    /// The next frame; `None` when the other side has ended. Its pings are answered meanwhile.
    pub(super) async fn next(&mut self) -> Option<Came> {
        loop {
            let came = self.read_frame().await?;
            if came.kind != PING || came.flags == ACK {
                return Some(came);
            }
            self.send(&frame(PING, ACK, 0, &came.payload)).await.ok()?;
        }
    }

    async fn read_frame(&mut self) -> Option<Came> {
        let mut head = [0; 9];
        self.read.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap()];
        self.read.read_exact(&mut payload).await.ok()?;
        Some(Came { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// The next frame that fits.
    pub(super) async fn until(&mut self, fits: impl Fn(&Came) -> bool) -> Option<Came> {
        loop {
            let came = self.next().await?;
            if fits(&came) {
                return Some(came);
            }
        }
    }

    /// Returns when everything that was sent is read.
    pub(super) async fn heard(&mut self) -> Option<()> {
        self.send(&frame(PING, NONE, 0, &[7; 8])).await.ok()?;
        self.until(|came| came.kind == PING && came.flags == ACK).await.map(|_| ())
    }

    /// Sends `rounds` pieces, while everything that comes is thrown away. Whether the other side ended it, before or soon after the
    /// last: what was sent may still lie in the buffers of the system.
    pub(super) async fn ends_within(self, rounds: u32, mut piece: impl FnMut(u32) -> Vec<u8>) -> bool {
        let Self { mut read, mut write } = self;
        let hearing = async {
            let mut heard = [0; 4096];
            while let Ok(1..) = read.read(&mut heard).await {}
        };
        let talking = async {
            for round in 0..rounds {
                if write.write_all(&piece(round)).await.is_err() || write.flush().await.is_err() {
                    return;
                }
            }
        };
        // Well under the time that an idle connection has.
        let both = async { tokio::join!(hearing, talking) };
        tokio::time::timeout(Duration::from_secs(30), both).await.is_ok()
    }
}
