//! The bytes of a segment, from a raw or a compressed file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use zstd::stream::read::Decoder;
use zstd::zstd_safe::get_frame_content_size;

use crate::audit::chain::Position;
use crate::audit::manifest::Digest;
use crate::audit::segment::HASH_BYTES;

/// Bytes of a raw file that one system call asks for.
const BUFFER_BYTES: usize = 128 * 1024;

/// Frames that need more memory than this are none of ours (2^23 bytes, 8 MiB; RFC 8878 section 3.1.1.1.2).
const WINDOW_LOG_MAX: u32 = 23;

/// No frame header is longer (RFC 8878 section 3.1.1.1).
const MAX_FRAME_HEADER_BYTES: u64 = 18;

/// Both forms, read in the same way.
pub(super) struct Stream(BufReader<Source>);

enum Source {
    Raw(File),
    Packed(Decoder<'static, BufReader<File>>),
}

impl Stream {
    /// The file as it is, and its length now.
    pub(super) fn raw(path: &Path) -> io::Result<(Self, u64)> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((Self(BufReader::with_capacity(BUFFER_BYTES, Source::Raw(file))), length))
    }

    /// The content of the one frame in the file, and the length that its header promises.
    pub(super) fn packed(path: &Path) -> io::Result<(Self, u64)> {
        let mut file = File::open(path)?;
        let mut start = Vec::new();
        file.by_ref().take(MAX_FRAME_HEADER_BYTES).read_to_end(&mut start)?;
        file.rewind()?;
        let length = get_frame_content_size(&start).ok().flatten().ok_or(io::ErrorKind::InvalidData)?;
        let mut decoder = Decoder::with_buffer(BufReader::with_capacity(BUFFER_BYTES, file))?.single_frame();
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Ok((Self(BufReader::with_capacity(BUFFER_BYTES, Source::Packed(decoder))), length))
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.0.get_ref(), Source::Packed(_))
    }

    /// Goes on from `at` as the file is now, and gives its length; `None`, and nothing done, for a compressed one.
    pub(super) fn refresh(&mut self, at: u64) -> io::Result<Option<u64>> {
        let buffered = self.0.buffer().len();
        let Source::Raw(file) = self.0.get_mut() else { return Ok(None) };
        file.seek(SeekFrom::Start(at))?;
        let length = file.metadata()?.len();
        self.0.consume(buffered);
        Ok(Some(length))
    }

    /// Called where the content must end: the frame is complete, its checksum right, and nothing follows it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if !self.is_packed() {
            return Ok(());
        }
        let more = !self.0.fill_buf()?.is_empty();
        let Source::Packed(decoder) = self.0.get_mut() else { return Ok(()) };
        if more || !decoder.get_mut().fill_buf()?.is_empty() { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
    }

    /// The last bytes of what is `left` after `at`, where the stream stands now; a raw one stands there afterwards too.
    pub(super) fn last_bytes(&mut self, at: u64, left: u64) -> io::Result<[u8; HASH_BYTES]> {
        let mut last = [0; HASH_BYTES];
        let skipped = left.checked_sub(HASH_BYTES as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        if self.refresh(at + skipped)?.is_none() {
            io::copy(&mut self.0.by_ref().take(skipped), &mut io::sink())?;
        }
        self.0.read_exact(&mut last)?;
        self.refresh(at)?;
        Ok(last)
    }
}

/// Adds up to what a file is: its length and hash.
pub(in crate::audit) struct Hashing {
    bytes: u64,
    context: Context,
}

impl Hashing {
    pub(in crate::audit) fn new() -> Self {
        Self { bytes: 0, context: Context::new(&SHA256) }
    }

    pub(in crate::audit) fn add(&mut self, part: &[u8]) {
        self.bytes += part.len() as u64;
        self.context.update(part);
    }

    /// A framed record.
    pub(in crate::audit) fn record(&mut self, payload: &[u8], after: &Position) {
        self.add(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.add(payload);
        self.add(&after.hash);
    }

    pub(in crate::audit) fn finish(self) -> Digest {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.context.finish().as_ref());
        Digest { bytes: self.bytes, sha256 }
    }
}

/// What a file is, as it lies there.
pub(in crate::audit) fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let mut found = Hashing::new();
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok(found.finish());
        }
        found.add(part);
        let length = part.len();
        file.consume(length);
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for Stream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Raw(file) => file.read(buffer),
            Self::Packed(decoder) => decoder.read(buffer),
        }
    }
}
