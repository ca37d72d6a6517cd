//! `inzage audit checkpoint`: the newest signed checkpoint, to be kept where nobody who can change the log can change it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::app::chain;
use crate::audit::signer::{Newest, read_newest};
use crate::cli::{say, say_error};

/// The newest signed checkpoint of a log.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// As a page for a safe, instead of the signed note itself
    #[arg(long)]
    print: bool,
}

pub(super) fn run(Arguments { dir, print }: &Arguments) -> ExitCode {
    match read_newest(dir) {
        Ok(newest) => {
            let text = if *print { page(dir, &newest) } else { newest.note.clone() };
            say(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            say_error(&chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn page(dir: &Path, Newest { checkpoint, key, note }: &Newest) -> String {
    let root: Vec<String> =
        checkpoint.root.chunks(2).map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    let rows: Vec<String> = root.chunks(8).map(|row| row.join(" ")).collect();
    format!(
        "CHECKPOINT OF AN AUDIT LOG\n\n\
         Log    {log}\n\
         Size   {size} records: those with index 0 to {last}\n\
         Root   {root}\n\
         Key    {key}\n\
         Date   ....-..-..   Signed by ....................   Seen by ....................\n\n\
         Whoever keeps this page can show later whether any of these records was changed, removed or added. Type the note\n\
         below into a file, or keep it as a file as well, and compare it with the log or a copy of it:\n\n\
         \x20   inzage audit verify {dir} --checkpoint FILE\n\n\
         The form is that of C2SP tlog-checkpoint; other programs than this one can check it too. The note:\n\n\
         {note}",
        log = checkpoint.origin,
        size = checkpoint.size,
        last = checkpoint.size.checked_sub(1).map_or_else(|| "nothing".to_owned(), |last| last.to_string()),
        root = rows.join("\n       "),
        dir = dir.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::checkpoint::Checkpoint;
    use crate::audit::note::{KeyName, SigningKey};
    use crate::secret::Secret;

    #[test]
    fn the_page_has_all_that_is_needed_to_compare() {
        let name = KeyName::parse("inzage-a-00000000000000ff").unwrap();
        let key = SigningKey::from_seed(&Secret::new([1; 32]), name.clone());
        let checkpoint = Checkpoint { origin: name, size: 1_234, root: std::array::from_fn(|at| at as u8) };
        let note = checkpoint.sign(&key).unwrap().to_string();
        let page = page(Path::new("/log"), &Newest { checkpoint, key: key.verifier(), note: note.clone() });
        for part in [
            "Log    inzage-a-00000000000000ff",
            "Size   1234 records: those with index 0 to 1233",
            "Root   0001 0203 0405 0607 0809 0a0b 0c0d 0e0f\n       1011 ",
            &key.verifier().to_string(),
            &note,
            "inzage audit verify /log --checkpoint FILE",
        ] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
    }
}
