//! The ports of the features, each method one statement.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::pool::{Failure, Values};
use super::{PostgresStore, statements};
use crate::medmij::{Bsn, LocalId};
use crate::oauth::code::{CodeStore, IssuedCode, Presented};
use crate::oauth::grant::{GrantStore, IssuedToken, LASTING_MAX, LastingGrant, TokenStore};
use crate::oauth::refresh::{FoundRefresh, IssuedRefresh, RefreshKey, RefreshStore, Turn, Turned};
use crate::oauth::replay::{ReplayStore, UsedId};
use crate::oauth::store::{StoreError, StoreFuture};
use crate::secret::HandleHash;
use crate::session::visit::{OpenVisit, VisitStore};
use crate::store::rows::{CodeRow, GrantRow, RefreshRow, TokenRow, TurnRow, VisitRow};

impl PostgresStore {
    /// Runs a statement whose first values are those of a grant.
    async fn keep_with_grant(&self, sql: &'static str, grant: &GrantRow, more: Values<'_>) -> Result<(), Failure> {
        let (thumbprint, subject) = (bytes(grant.node_thumbprint.as_ref()), bytes(grant.subject_hash.as_ref()));
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![
            &grant.id,
            &grant.client,
            &grant.provider,
            &grant.services,
            &grant.subject_sealed,
            &grant.correlation,
            &grant.consented,
            &grant.request,
            &grant.lasting,
            &grant.node,
            &thumbprint,
            &subject,
        ];
        values.extend_from_slice(more);
        self.pool.query(sql, &values).await.map(drop)
    }
}

impl PostgresStore {
    /// A turn whose answer got lost with its connection. When the family is now at the next turn, which nobody else can have
    /// drawn, it was done: the client must get that token, as the one that it has would end its consent.
    async fn turned_unheard(&self, turn: &TurnRow, failure: Failure) -> Result<Turned, StoreError> {
        if !failure.is_unheard() {
            return Err(failure.into());
        }
        tracing::warn!(error = %failure, "the answer to a turn of a refresh token got lost; looking what became of it");
        let found = self.pool.query_opt(statements::FIND_REFRESH, &[&turn.presented.family.as_slice()]).await?;
        let found = statements::found(found.as_ref())?.0;
        if found.is_some_and(|found| found.key.turn == turn.next) { Ok(Turned::Done) } else { Err(failure.into()) }
    }
}

fn bytes(hash: Option<&HandleHash>) -> Option<&[u8]> {
    hash.map(HandleHash::as_slice)
}

impl CodeStore for PostgresStore {
    fn keep(&self, code: IssuedCode) -> StoreFuture<'_, ()> {
        let row = CodeRow::write(&code, &self.sealer);
        Box::pin(async move {
            let more: Values<'_> = &[&row.hash.as_slice(), &row.redirect_uri, &row.expires];
            Ok(self.keep_with_grant(statements::KEEP_CODE, &row.grant, more).await?)
        })
    }

    /// The code is spent also when its row turns out to be unreadable.
    fn present(&self, hash: HandleHash, now: Timestamp) -> StoreFuture<'_, Presented> {
        let now = now.as_microsecond();
        Box::pin(async move {
            let row = self.pool.query_opt(statements::PRESENT, &[&hash.as_slice(), &now]).await?;
            Ok(statements::presented(hash, row.as_ref())?.read(&self.sealer)?)
        })
    }
}

impl TokenStore for PostgresStore {
    fn keep(&self, token: IssuedToken) -> StoreFuture<'_, ()> {
        let row = TokenRow::write(&token, &self.sealer);
        Box::pin(async move {
            let more: Values<'_> = &[&row.hash.as_slice(), &row.expires, &bytes(row.bound_to.as_ref())];
            Ok(self.keep_with_grant(statements::KEEP_TOKEN, &row.grant, more).await?)
        })
    }

    fn find(&self, hash: HandleHash) -> StoreFuture<'_, Option<IssuedToken>> {
        Box::pin(async move {
            let row = self.pool.query_opt(statements::FIND_TOKEN, &[&hash.as_slice()]).await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(statements::token(hash, &row)?.read(&self.sealer)?))
        })
    }
}

impl GrantStore for PostgresStore {
    fn end(&self, grant: LocalId, now: Timestamp) -> StoreFuture<'_, bool> {
        let (grant, now) = (grant.to_string(), now.as_microsecond());
        Box::pin(async move { Ok(self.pool.query_opt(statements::END_GRANT, &[&grant, &now]).await?.is_some()) })
    }

    fn has_ended(&self, grant: LocalId) -> StoreFuture<'_, bool> {
        let grant = grant.to_string();
        Box::pin(async move {
            let row = self.pool.query_opt(statements::HAS_ENDED, &[&grant]).await?.ok_or(Failure::Form)?;
            Ok(statements::column(&row, 0)?)
        })
    }

    fn lasting_of(&self, subject: &Bsn, now: Timestamp) -> StoreFuture<'_, Vec<LastingGrant>> {
        let (marks, now) = (self.sealer.marks(subject.reveal().as_bytes()), now.as_microsecond());
        let most = i64::try_from(LASTING_MAX).unwrap_or(i64::MAX);
        Box::pin(async move {
            let marks: Vec<&[u8]> = marks.iter().map(HandleHash::as_slice).collect();
            let rows = self.pool.query(statements::LASTING_OF, &[&marks, &now, &most]).await?;
            let rows: Vec<RefreshRow> = rows.iter().map(statements::refresh).collect::<Result<_, _>>()?;
            Ok(rows.iter().map(|row| row.read_lasting(&self.sealer)).collect::<Result<_, _>>()?)
        })
    }
}

impl RefreshStore for PostgresStore {
    fn keep(&self, refresh: IssuedRefresh) -> StoreFuture<'_, ()> {
        let row = RefreshRow::write(&refresh, &self.sealer);
        Box::pin(async move {
            let more: Values<'_> = &[&row.key.family.as_slice(), &row.key.turn.as_slice(), &row.expires];
            Ok(self.keep_with_grant(statements::KEEP_REFRESH, &row.grant, more).await?)
        })
    }

    fn look(&self, key: RefreshKey) -> StoreFuture<'_, FoundRefresh> {
        Box::pin(async move {
            let row = self.pool.query_opt(statements::FIND_REFRESH, &[&key.family.as_slice()]).await?;
            Ok(statements::found(row.as_ref())?.read(key, &self.sealer)?)
        })
    }

    /// The access token is kept with the grant of the family.
    fn turn(&self, turn: Turn) -> StoreFuture<'_, Turned> {
        let row = TurnRow::write(&turn, &self.sealer);
        Box::pin(async move {
            let TurnRow { presented, next, expires, token } = &row;
            let values: Values<'_> = &[
                &presented.family.as_slice(),
                &presented.turn.as_slice(),
                &next.as_slice(),
                expires,
                &token.hash.as_slice(),
                &token.expires,
                &bytes(token.bound_to.as_ref()),
            ];
            match self.pool.query_opt(statements::TURN, values).await {
                Ok(turned) => Ok(statements::turned(turned.as_ref())?.read()?),
                Err(failure) => self.turned_unheard(&row, failure).await,
            }
        })
    }
}

impl ReplayStore for PostgresStore {
    fn first_use(&self, id: UsedId) -> StoreFuture<'_, bool> {
        let expires = id.expires.as_microsecond();
        Box::pin(async move {
            let row = self.pool.query_opt(statements::FIRST_USE, &[&id.hash.as_slice(), &expires]).await?;
            Ok(row.is_some())
        })
    }

    fn is_used(&self, hash: HandleHash) -> StoreFuture<'_, bool> {
        Box::pin(async move { Ok(self.pool.query_opt(statements::IS_USED, &[&hash.as_slice()]).await?.is_some()) })
    }
}

impl VisitStore for PostgresStore {
    fn keep(&self, visit: OpenVisit) -> StoreFuture<'_, ()> {
        let row = VisitRow::write(&visit, &self.sealer);
        Box::pin(async move {
            let VisitRow { id, cookie, form, expires, sealed } = &row;
            let values: Values<'_> = &[id, &cookie.as_slice(), &form.as_slice(), expires, sealed];
            Ok(self.pool.query(statements::KEEP_VISIT, values).await.map(drop)?)
        })
    }

    fn look(&self, id: LocalId, cookie: HandleHash, now: Timestamp) -> StoreFuture<'_, Option<OpenVisit>> {
        let (id, now) = (id.to_string(), now.as_microsecond());
        Box::pin(async move {
            let row = self.pool.query_opt(statements::LOOK_AT_VISIT, &[&id, &cookie.as_slice(), &now]).await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(statements::visit_seen(id, cookie, &row)?.read(&self.sealer)?))
        })
    }

    fn take(
        &self,
        id: LocalId,
        cookie: HandleHash,
        form: HandleHash,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<OpenVisit>> {
        let (id, now) = (id.to_string(), now.as_microsecond());
        Box::pin(async move {
            let values: Values<'_> = &[&id, &cookie.as_slice(), &form.as_slice(), &now];
            let row = self.pool.query_opt(statements::TAKE_VISIT, values).await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(statements::visit(id, cookie, form, &row)?.read(&self.sealer)?))
        })
    }
}
