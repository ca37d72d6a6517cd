//! `deploy/backup/backup` and `restore` for real: backed up while the node serves, wiped, put back, and served from again. What
//! was spent or ended since the backup stays so; an older log is not gone on with (F26).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use inzage::sandbox::client::{PgoClient, TokenAnswer, new_id};
use inzage::sandbox::person::{Choices, End};
use inzage::sandbox::world::World;
use serde_json::{Value, json};

use crate::harness::{Home, Process, clock, text};
use crate::person::{Consented, code, consent, walk_choosing};
use crate::postgres::{Database, told};

/// Why somebody is stopped: with what SQL and a shell would trip over.
const REASON: &str = "'s ochtends: $(verkeerde) \\uitslagen; melding 12 -- \"spoed\"";

/// Where a store is, for the scripts and for `--store`.
enum Place {
    Server(Vec<Database>),
    File,
}

/// A node whose store is on a server or in a file.
struct Scene {
    home: Home,
    world: World,
    place: Place,
    client: PgoClient,
}

impl Scene {
    async fn open(place: Place) -> Option<Self> {
        let tools: &[&str] = match &place {
            Place::Server(_) => &["rsync", "jq"],
            Place::File => &["rsync", "jq", "sqlite3"],
        };
        if let Some(missing) = tools.iter().find(|tool| Command::new(tool).arg("--version").output().is_err()) {
            return skip(missing);
        }
        let home = Home::new();
        let world = home.world().await;
        let client = world.client("pgo", &clock()).unwrap();
        Some(Self { home, world, place, client })
    }

    fn audit(&self) -> PathBuf {
        self.home.audit()
    }

    fn store(&self) -> String {
        match &self.place {
            Place::Server(databases) => databases.last().unwrap().url.clone(),
            Place::File => text(&self.home.path("gateway/inzage.sqlite")).to_owned(),
        }
    }

    /// Another place for the store, with nothing in it.
    async fn lose_the_store(&mut self) {
        match &mut self.place {
            Place::Server(databases) => databases.push(Database::new().await.unwrap()),
            Place::File => {
                for name in ["inzage.sqlite", "inzage.sqlite-wal", "inzage.sqlite-shm", "audit-index.sqlite"] {
                    let _ = fs::remove_file(self.home.path("gateway").join(name));
                }
            }
        }
    }

    fn start(&self) -> Process {
        let config = self.home.path("gateway.toml");
        let store = self.store();
        let more: &[&str] = if matches!(self.place, Place::Server(_)) { &["--store", &store] } else { &[] };
        Process::start(&self.home, &[&["serve", "--config", text(&config)], more].concat())
    }

    async fn serve(&self) -> Process {
        self.start().ready(&self.world.layout.ops_url()).await
    }

    /// Runs one of the scripts, as the guide says.
    fn script(&self, name: &str, arguments: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/backup").join(name);
        let mut command = Command::new(script);
        if let Some(programs) = path_with_postgres() {
            command.env("PATH", programs);
        }
        command.env("INZAGE", env!("CARGO_BIN_EXE_inzage")).args(arguments).output().unwrap()
    }

    /// The folder of a new backup.
    fn back_up(&self) -> String {
        let (audit, store, to) = (self.audit(), self.store(), self.home.path("backups"));
        let said = done(self.script("backup", &["--audit", text(&audit), "--store", &store, "--to", text(&to)]));
        said.lines().last().unwrap().to_owned()
    }

    /// A consent for an indefinite period.
    async fn lasting(&self, patient: usize) -> (Consented, TokenAnswer) {
        let bsn = self.world.practices[0].patients[patient].bsn.reveal();
        let (mut consented, end) =
            walk_choosing(&self.world, Choices { indefinite: true, ..Choices::willing(bsn) }).await;
        let End::Client(answer) = end else { panic!("the walk ended on a page") };
        consented.code.clone_from(&answer["code"]);
        let token = consented.exchange().await.unwrap();
        (consented, token)
    }

    /// The PGO gives the consent back.
    async fn revoke(&self, (consented, token): &(Consented, TokenAnswer)) {
        let url = consented.endpoints.token.replace("/oauth/token", "/oauth/revoke");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = [pair("token", refresh_token(token)), pair("client_id", &self.client.client_id)];
        assert_eq!(self.client.token_request(&url, &form, &new_id()).await.unwrap().status, 200);
    }

    /// An operator throws the emergency switch.
    async fn operate(&self, method: &str, target: &str) {
        let operator = self.world.reader("wacht", &clock()).unwrap();
        let url = format!("{}/api/v1/stops/{target}", self.world.layout.admin_origin());
        let request = operator.http().request(method.parse().unwrap(), url).json(&json!({"reason": REASON}));
        let said: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(said["changed"], true, "{method} {target}: {said}");
    }

    /// What is stopped, and why.
    async fn stopped(&self) -> Vec<(String, String)> {
        let operator = self.world.reader("wacht", &clock()).unwrap();
        let url = format!("{}/api/v1/stops", self.world.layout.admin_origin());
        let stops: Vec<Value> = operator.http().get(url).send().await.unwrap().json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        stops.iter().map(|stop| (text(&stop["target"]), text(&stop["reason"]))).collect()
    }

    async fn refresh(&self, (consented, token): &(Consented, TokenAnswer)) -> u16 {
        self.client.refresh(&consented.endpoints, refresh_token(token)).await.unwrap().status.as_u16()
    }

    async fn verified(&self) {
        let ended = self.home.run(&["audit", "verify", text(&self.audit())]).await;
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    }

    async fn close(self) {
        self.world.stop().await.unwrap();
        if let Place::Server(databases) = self.place {
            for database in databases {
                database.remove().await;
            }
        }
    }
}

fn skip<T>(missing: &str) -> Option<T> {
    use std::io::Write as _;
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "skipped {test}: {missing} is not installed");
    None
}

/// The tools of the server, which need not be where the shell looks.
#[expect(clippy::disallowed_methods, reason = "a script is given the environment of the test, and one folder more")]
fn path_with_postgres() -> Option<String> {
    Some(format!("{}:{}", std::env::var("INZAGE_TEST_POSTGRES_BIN").ok()?, std::env::var("PATH").ok()?))
}

fn refresh_token(token: &TokenAnswer) -> &str {
    token.refresh_token.as_deref().unwrap()
}

/// What a script said that went well.
fn done(output: Output) -> String {
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{out}{err}");
    out
}

/// What a script said that refused.
fn refused(output: Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

async fn end(node: Process) {
    node.signal("TERM");
    let ended = node.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

/// The store is lost, the log is not: what the log says that ended since the backup is ended again.
async fn a_store_is_put_back(place: Place) {
    let Some(mut scene) = Scene::open(place).await else { return };
    let node = scene.serve().await;
    let (kept, ended) = (scene.lasting(0).await, scene.lasting(1).await);
    let (unspent, spent) = (code(&scene.world).await, code(&scene.world).await);
    let session = consent(&scene.world).await;
    scene.operate("PUT", "his:his-b").await;
    let backup = scene.back_up();
    scene.revoke(&ended).await;
    scene.operate("DELETE", "his:his-b").await;
    scene.operate("PUT", "his:his-c").await;
    scene.operate("PUT", "practice:huisarts.haven@medmij").await;
    scene.operate("DELETE", "practice:huisarts.haven@medmij").await;
    assert!(spent.exchange().await.is_ok());
    end(node).await;
    scene.lose_the_store().await;
    let (store, audit) = (scene.store(), scene.audit());
    let restore = ["--from", &backup, "--store", &store, "--ended-in", text(&audit)];
    let nowhere = scene.home.path("nowhere");
    let unread = [&restore[..], &["--ended-in", text(&nowhere)]].concat();
    assert!(
        refused(scene.script("restore", &unread)).contains("an audit log cannot be read"),
        "all of them, or nothing"
    );
    done(scene.script("restore", &restore));
    assert!(!refused(scene.script("restore", &restore)).is_empty(), "nothing is written over");

    let node = scene.serve().await;
    assert_eq!(scene.refresh(&ended).await, 400, "what ended since stays so");
    assert_eq!(scene.stopped().await, [("his:his-c", REASON)].map(|(target, why)| (target.to_owned(), why.to_owned())));
    assert!(spent.exchange().await.is_err() && unspent.exchange().await.is_err(), "no code is good any more");
    assert_eq!(session.ask(&scene.client).await.1.status, 401, "no access token is");
    assert_eq!(scene.refresh(&kept).await, 200, "a lasting consent is");
    assert_eq!(consent(&scene.world).await.ask(&scene.client).await.1.status, 200, "and it goes on");
    end(node).await;
    scene.verified().await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_put_back_from_its_backup() {
    if told("INZAGE_TEST_POSTGRES_BIN").is_none() {
        return;
    }
    let Some(database) = Database::new().await else { return };
    a_store_is_put_back(Place::Server(vec![database])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_a_file_is_put_back_from_its_backup() {
    a_store_is_put_back(Place::File).await;
}

/// F26: the machine is lost. The newest log there is, it goes on with; an older one it refuses, and begins another beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_put_back_from_its_last_backup_and_from_no_older_one() {
    let Some(mut scene) = Scene::open(Place::File).await else { return };
    let node = scene.serve().await;
    consent(&scene.world).await;
    let older = scene.back_up();
    let kept = scene.lasting(0).await;
    end(node).await;
    let newest = scene.back_up();
    for (backup, goes_on) in [(&older, false), (&newest, true)] {
        scene.lose_the_store().await;
        fs::remove_dir_all(scene.audit()).unwrap();
        let (store, audit) = (scene.store(), scene.audit());
        let said = done(scene.script("restore", &["--from", backup, "--store", &store, "--audit", text(&audit)]));
        assert!(said.trim_end().ends_with(", ok"), "{said}");
        if goes_on {
            let node = scene.serve().await;
            assert_eq!(scene.refresh(&kept).await, 200);
            end(node).await;
            scene.verified().await;
        } else {
            let ended = scene.start().ended().await;
            assert_eq!(ended.code, Some(69), "{}", ended.err);
            assert!(ended.err.contains(" records of it, and it has "), "{}", ended.err);
        }
    }
    // A backup that was changed is no backup.
    fs::write(Path::new(&newest).join("store.sqlite"), "changed").unwrap();
    let elsewhere = scene.home.path("elsewhere.sqlite");
    assert!(
        refused(scene.script("restore", &["--from", &newest, "--store", text(&elsewhere)]))
            .contains("is not what it was")
    );
    scene.close().await;
}
