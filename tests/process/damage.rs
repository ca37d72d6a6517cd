//! What a start makes of damage: it goes on where nothing can be lost, and otherwise ends with a code and a reason.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use inzage::audit::key_year;
use inzage::clock::{Clock as _, SystemClock};
use inzage::sandbox::client::PgoClient;
use inzage::sandbox::world::World;

use crate::faults::{Device, segment};
use crate::harness::{Home, clock, text};
use crate::person::{Session, consent};

/// What a gateway left behind that ended in order, beside its world.
struct Left<'a> {
    home: &'a Home,
    world: World,
    client: PgoClient,
    session: Session,
}

impl<'a> Left<'a> {
    async fn by(home: &'a Home) -> Self {
        let world = home.world().await;
        let gateway = home.serve().ready(&world.layout.ops_url()).await;
        let (client, session) = (world.client("pgo", &clock()).unwrap(), consent(&world).await);
        gateway.signal("TERM");
        assert_eq!(gateway.ended().await.code, Some(0));
        Self { home, world, client, session }
    }

    /// Starts the gateway, which must refuse with this code and these words.
    async fn assert_refused(&self, code: i32, words: &[&str]) {
        let ended = self.home.serve().ended().await;
        assert_eq!(ended.code, Some(code), "{}", ended.err);
        for word in words {
            assert!(ended.err.contains(word), "no {word:?} in {}", ended.err);
        }
    }

    /// Starts the gateway, asks it for data and ends it: the status of the answer, and what it logged.
    async fn runs(&self) -> (u16, String) {
        let gateway = self.home.serve().ready(&self.world.layout.ops_url()).await;
        let (_, reply) = self.session.ask(&self.client).await;
        gateway.signal("TERM");
        let ended = gateway.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        (reply.status.as_u16(), ended.out)
    }
}

/// Puts other content in the place of a file, for as long as it lives.
struct Replaced {
    path: PathBuf,
    kept: Vec<u8>,
}

impl Replaced {
    fn with(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let kept = fs::read(&path).unwrap();
        let mut content = kept.clone();
        change(&mut content);
        fs::write(&path, content).unwrap();
        Self { path, kept }
    }

    fn removed(path: PathBuf) -> Self {
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        Self { path, kept }
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&self.path);
        std::io::Write::write_all(&mut file.unwrap(), &self.kept).unwrap();
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_end_of_the_log_is_cut_off_and_told() {
    let home = Home::new();
    let left = Left::by(&home).await;
    let count = home.records().await.len();
    let sound = fs::read(segment(&home.audit())).unwrap();
    fs::write(segment(&home.audit()), [sound.as_slice(), &[200, 0, 0, 0, b'x', b'y']].concat()).unwrap();
    let (status, log) = left.runs().await;
    assert_eq!(status, 200);
    let told = log.lines().find(|line| line.contains("an unfinished last audit record was cut off")).unwrap();
    assert!(told.contains("\"bytes\":6") && told.contains(&format!("\"records\":{count}")), "{told}");
    assert!(fs::read(segment(&home.audit())).unwrap().starts_with(&sound));
    let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    left.world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_is_refused_and_left_as_it_is() {
    let home = Home::new();
    let left = Left::by(&home).await;
    let path = segment(&home.audit());
    {
        let _damage = Replaced::with(path.clone(), |log| {
            let middle = log.len() / 2;
            log[middle] ^= 1;
        });
        let damaged = fs::read(&path).unwrap();
        left.assert_refused(69, &["the audit log is damaged: record ", "segment-00000000000000000000.log"]).await;
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    fs::write(home.audit().join("notes"), "").unwrap();
    left.assert_refused(69, &["notes", "does not belong in a log folder"]).await;
    fs::remove_file(home.audit().join("notes")).unwrap();
    assert_eq!(left.runs().await.0, 200);
    left.world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_of_the_lists_is_told_and_replaced() {
    let home = Home::new();
    let left = Left::by(&home).await;
    let copy = files(&home.path("gateway/lists"));
    assert_eq!(copy.len(), 5, "{copy:?}");
    for file in copy {
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        let (status, log) = left.runs().await;
        assert_eq!(status, 200);
        assert!(log.contains("the last good copy of the lists cannot be used"), "{}: {log}", file.display());
    }
    let (_, log) = left.runs().await;
    assert!(!log.contains("cannot be used"), "{log}");
    left.world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_refused() {
    const PAGE: usize = 4096;
    let home = Home::new();
    let left = Left::by(&home).await;
    let path = home.path("gateway/inzage.sqlite");
    let pages = fs::read(&path).unwrap().len() / PAGE;
    assert!(pages > 8, "{pages}");
    for page in 0..pages {
        let _damage = Replaced::with(path.clone(), |file| file[page * PAGE..(page + 1) * PAGE].fill(0xA5));
        left.assert_refused(69, &["the store cannot be opened"]).await;
    }
    {
        let _damage = Replaced::with(path.clone(), |file| file.truncate(file.len() / 2));
        left.assert_refused(69, &["the store cannot be opened"]).await;
    }
    assert_eq!(left.runs().await.0, 200);
    left.world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_there_or_are_others() {
    let home = Home::new();
    let left = Left::by(&home).await;
    for (file, key) in [("sealing.key", "keys.sealing"), ("checkpoint.key", "audit.checkpoint_key")] {
        let _gone = Replaced::removed(home.path(file));
        left.assert_refused(78, &[key, file]).await;
    }
    let year = key_year(SystemClock.now());
    for key in ["pseudonym", "sealing"] {
        let path = home.path(&format!("audit-keys/{year}.{key}"));
        {
            let _gone = Replaced::removed(path.clone());
            let way_out = format!("inzage audit keys create --from {year} --to {year}");
            left.assert_refused(78, &[&format!("the audit keys of {year} are missing"), &way_out]).await;
        }
        let _damage = Replaced::with(path, |key| key.truncate(20));
        left.assert_refused(78, &["keys.audit", &format!("{year}.{key}")]).await;
    }
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = home.path(&format!("audit-keys/{year}.sealing"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        left.assert_refused(78, &["keys.audit", "found mode 644"]).await;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    {
        let _other = Replaced::with(home.path("sealing.key"), |key| key[..8].reverse());
        let (status, log) = left.runs().await;
        assert_eq!(status, 503, "what was sealed with the other key is not guessed at");
        assert!(log.contains("sealed with another key"), "{log}");
    }
    {
        // F25: the log does not go on under another key.
        let _other = Replaced::with(home.path("checkpoint.key"), |key| key[..8].reverse());
        left.assert_refused(78, &["the log was signed with another key"]).await;
    }
    assert_eq!(left.runs().await.0, 200);
    left.world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_cannot_be_written_are_named() {
    let home = Home::new();
    let Some(device) = Device::mount(home.path("gateway")) else { return };
    let left = Left::by(&home).await;
    fs::remove_dir_all(home.audit()).unwrap();
    fs::remove_dir_all(home.path("witness")).unwrap();
    fs::create_dir(home.path("witness")).unwrap();
    device.fill();
    left.assert_refused(69, &["the audit folder", text(&home.audit()), "No space left"]).await;
    device.free();
    device.make_read_only();
    left.assert_refused(69, &["the audit folder", text(&home.audit()), "Read-only file system"]).await;
    left.world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_a_folder_that_cannot_be_written_is_refused() {
    let home = Home::new();
    let Some(device) = Device::mount(home.path("gateway")) else { return };
    let Some(_audit) = Device::mount(home.audit()) else { return };
    let left = Left::by(&home).await;
    device.make_read_only();
    left.assert_refused(69, &["the store cannot be", "Read-only file system"]).await;
    left.world.stop().await.unwrap();
}
