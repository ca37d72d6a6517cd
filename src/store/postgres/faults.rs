//! A connection that is cut after the server got a statement and before its answer came through: what became of the statement
//! is not known to us, and must count as done. Of a turn we ask.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::conformance::{after, code, grant, lasting, now, refresh, token};
use super::testing::Database;
use super::*;
use crate::oauth::code::{CodeStore, Presented};
use crate::oauth::grant::{GrantStore, TokenStore};
use crate::oauth::refresh::{FoundRefresh, RefreshStore, Turn, Turned};
use crate::oauth::replay::{ReplayStore, UsedId};
use crate::oauth::store::StoreError;
use crate::secret::Handle;

/// Stands between a store and its server. Once these bytes went to the server, the next answer is swallowed and both sides
/// are cut.
#[derive(Clone, Default)]
struct Scissors(Arc<Mutex<Option<Vec<u8>>>>);

impl Scissors {
    fn cut_after(&self, sent: &[u8]) {
        *self.0.lock().unwrap() = Some(sent.to_vec());
    }

    /// Whether this is what was waited for; it is cut once.
    fn meets(&self, sent: &[u8]) -> bool {
        let mut waited = self.0.lock().unwrap();
        let met = waited.as_ref().is_some_and(|waited| sent.windows(waited.len()).any(|part| part == waited));
        if met {
            *waited = None;
        }
        met
    }

    async fn stand_before(&self, server: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, scissors) = (listener.local_addr().unwrap(), self.clone());
        tokio::spawn(async move {
            while let Ok((store, _)) = listener.accept().await {
                tokio::spawn(scissors.clone().pass(store, TcpStream::connect(server).await.unwrap()));
            }
        });
        address
    }

    async fn pass(self, mut store: TcpStream, mut server: TcpStream) {
        let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
        let mut cut = false;
        loop {
            tokio::select! {
                read = store.read(&mut asked) => match read {
                    Ok(count) if count > 0 => {
                        cut |= self.meets(&asked[..count]);
                        server.write_all(&asked[..count]).await.unwrap();
                    }
                    _ => return,
                },
                read = server.read(&mut answered) => match read {
                    Ok(count) if count > 0 && !cut => store.write_all(&answered[..count]).await.unwrap(),
                    _ => return,
                },
            }
        }
    }
}

/// A store behind scissors, and one that reaches the server directly.
struct Scene {
    database: Database,
    scissors: Scissors,
    cut: PostgresStore,
    straight: PostgresStore,
}

impl Scene {
    async fn open() -> Option<Self> {
        let (database, scissors) = (Database::new().await?, Scissors::default());
        let address = scissors.stand_before(database.address().await).await;
        let straight = database.open().await;
        let sealer = Sealer::new(&Secret::new([1; 32]));
        let cut = PostgresStore::open(database.settings_at(address), sealer, false).await.unwrap();
        Some(Self { database, scissors, cut, straight })
    }
}

#[tokio::test]
async fn a_code_whose_answer_got_lost_is_spent() {
    let Some(Scene { database, scissors, cut, straight }) = Scene::open().await else { return };
    let code = code(grant());
    CodeStore::keep(&cut, code.clone()).await.unwrap();
    scissors.cut_after(&code.hash);
    assert_eq!(cut.present(code.hash, now()).await.err(), Some(StoreError));
    assert_eq!(cut.pool.figures().failures.unreachable, 1);
    assert!(matches!(straight.present(code.hash, now()).await.unwrap(), Presented::Again { .. }));
    assert!(matches!(cut.present(code.hash, now()).await.unwrap(), Presented::Again { .. }), "on a new connection");
    database.remove().await;
}

#[tokio::test]
async fn a_token_whose_answer_got_lost_ends_with_its_grant() {
    let Some(Scene { database, scissors, cut, straight }) = Scene::open().await else { return };
    let token = token(grant());
    scissors.cut_after(&token.hash);
    assert_eq!(TokenStore::keep(&cut, token.clone()).await, Err(StoreError));
    assert_eq!(straight.find(token.hash).await, Ok(Some(token.clone())), "kept, though nobody was told of it");
    assert_eq!(straight.end(token.grant.id, after(1)).await, Ok(true));
    assert_eq!(cut.find(token.hash).await, Ok(None));
    database.remove().await;
}

#[tokio::test]
async fn a_turn_whose_answer_got_lost_is_done_once_and_known() {
    let Some(Scene { database, scissors, cut, straight }) = Scene::open().await else { return };
    let first = refresh(lasting());
    RefreshStore::keep(&cut, first.clone()).await.unwrap();
    let turn = Turn {
        presented: first.key,
        next: Handle::draw().hash(),
        expires: first.expires,
        token: token((*first.grant).clone()),
    };
    scissors.cut_after(&turn.next);
    assert_eq!(cut.turn(turn.clone()).await, Ok(Turned::Done), "so the client gets the next refresh token");
    assert_eq!(straight.find(turn.token.hash).await, Ok(Some(turn.token.clone())));
    let old = Turned::Old { grant: first.grant.id };
    assert_eq!(straight.turn(turn).await, Ok(old));
    assert_eq!(straight.look(first.key).await, Ok(FoundRefresh::Old { grant: first.grant.id }));
    database.remove().await;
}

#[tokio::test]
async fn an_id_whose_answer_got_lost_was_used() {
    let Some(Scene { database, scissors, cut, straight }) = Scene::open().await else { return };
    let id = UsedId { hash: Handle::draw().hash(), expires: after(60) };
    scissors.cut_after(&id.hash);
    assert_eq!(cut.first_use(id).await, Err(StoreError));
    assert_eq!(straight.first_use(UsedId { hash: id.hash, expires: after(60) }).await, Ok(false));
    database.remove().await;
}
