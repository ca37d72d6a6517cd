//! Attack 95: the role of a node at the database, as `deploy/postgresql/node-rights.sql` gives it, is enough to serve, and can neither
//! change nor delete what is in the index of the audit log.

use std::path::Path;
use std::process::Command;

use inzage::sandbox::client::new_id;
use inzage::sandbox::world::World;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use crate::harness::{Home, Process, clock, text, until};
use crate::person::consent;
use crate::postgres::{Database, client, told};

/// Two roles of the test's own, and a database of the first.
struct Roles {
    database: Database,
    owner: String,
    node: String,
}

impl Roles {
    async fn make() -> Option<Self> {
        let database = Database::new().await?;
        let [owner, node] = ["owner", "node"].map(|role| format!("{role}_{}", new_id().replace('-', "")));
        let name = database.url.rsplit_once('/').unwrap().1.split('?').next().unwrap().to_owned();
        let admin = client(&database.url.parse().unwrap()).await.unwrap();
        let roles =
            format!("CREATE ROLE {owner} LOGIN; CREATE ROLE {node} LOGIN; ALTER DATABASE {name} OWNER TO {owner};");
        admin.batch_execute(&roles).await.unwrap();
        Some(Self { database, owner, node })
    }

    /// The URL of the database for a role.
    fn url(&self, role: &str) -> String {
        let (scheme, rest) = self.database.url.split_once("://").unwrap();
        let (_, server) = rest.split_once('@').unwrap();
        format!("{scheme}://{role}@{server}")
    }

    /// Runs the script that the guide names.
    fn give_rights(&self, programs: &Path) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/postgresql/node-rights.sql");
        let psql = Command::new(programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--dbname", &self.url(&self.owner)])
            .args(["--set", &format!("node={}", self.node), "--file", text(&script)])
            .output()
            .unwrap();
        assert!(psql.status.success(), "{}", String::from_utf8_lossy(&psql.stderr));
    }

    async fn remove(self) {
        let (owner, node) = (self.owner.clone(), self.node.clone());
        let server: Config = told("INZAGE_TEST_POSTGRES_URL").unwrap().parse().unwrap();
        self.database.remove().await;
        client(&server).await.unwrap().batch_execute(&format!("DROP ROLE {owner}; DROP ROLE {node};")).await.unwrap();
    }
}

async fn serve(home: &Home, world: &World, store: &str) -> Process {
    let config = home.path("gateway.toml");
    Process::start(home, &["serve", "--config", text(&config), "--store", store]).ready(&world.layout.ops_url()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_95_the_role_of_a_node_serves_and_changes_no_record() {
    let Some(programs) = told("INZAGE_TEST_POSTGRES_BIN") else { return };
    let Some(roles) = Roles::make().await else { return };
    let home = Home::new();
    let world = home.world().await;
    let config = home.path("gateway.toml");
    let migrated = home.run(&["migrate", "--config", text(&config), "--store", &roles.url(&roles.owner)]).await;
    assert_eq!(migrated.code, Some(0), "{}", migrated.err);
    roles.give_rights(Path::new(&programs));

    let node = serve(&home, &world, &roles.url(&roles.node)).await;
    let pgo = world.client("pgo", &clock()).unwrap();
    assert_eq!(consent(&world).await.ask(&pgo).await.1.status, 200);
    let as_node = client(&roles.url(&roles.node).parse().unwrap()).await.unwrap();
    let indexed = async || {
        let rows = as_node.query_one("SELECT count(*) FROM audit_records", &[]).await.unwrap();
        (rows.get::<_, i64>(0) > 5).then_some(())
    };
    until("records in the index", indexed).await;

    for allowed in [
        "DELETE FROM stops WHERE false",
        "INSERT INTO go_live SELECT * FROM go_live WHERE false",
        "INSERT INTO go_live_places SELECT * FROM go_live_places WHERE false",
        "DELETE FROM go_live_places WHERE false",
        "INSERT INTO register_versions SELECT * FROM register_versions WHERE false",
        "UPDATE register_revision SET revision = revision",
        "DELETE FROM usage_marks WHERE false",
        "DELETE FROM usage_closed WHERE false",
        "UPDATE zal_listings SET ended = ended WHERE false",
        "UPDATE matrix_generation SET generation = generation",
        "DELETE FROM matrix_months WHERE false",
    ] {
        as_node.batch_execute(allowed).await.unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for refused in [
        "UPDATE audit_records SET subject = NULL",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
        "DELETE FROM audit_batches",
        "UPDATE audit_logs SET name = 'another'",
        "DROP TABLE audit_records",
        "SELECT audit_drop_before(30000)",
        "ALTER TABLE grants ADD COLUMN more text",
        "CREATE TABLE mine (id bigint)",
        "DELETE FROM refinery_schema_history",
        "UPDATE go_live SET stage = ''",
        "DELETE FROM go_live",
        "DELETE FROM register_versions",
        "UPDATE usage_closed SET document = ''",
        "DELETE FROM usage_state",
        "DELETE FROM zal_listings",
    ] {
        let error = as_node.batch_execute(refused).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{refused}: {error}");
    }
    // Run again, as after an upgrade, it takes nothing away that is needed.
    roles.give_rights(Path::new(&programs));
    assert_eq!(consent(&world).await.ask(&pgo).await.1.status, 200);
    node.signal("TERM");
    assert_eq!(node.ended().await.code, Some(0));
    drop(as_node);
    world.stop().await.unwrap();
    roles.remove().await;
}
