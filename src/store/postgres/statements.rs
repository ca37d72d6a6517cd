//! The SQL of the server store. Each constant is one statement and one operation: what must happen together stands in one
//! statement, so that no transaction is open between two messages. Nothing in it is of PostgreSQL alone.

use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;

use super::pool::Failure;
use crate::oauth::refresh::RefreshKey;
use crate::secret::HandleHash;
use crate::store::rows::{CodeRow, FoundRow, GrantRow, PresentedRow, RefreshRow, TokenRow, TurnedRow, VisitRow};

/// The columns of a grant, in the order of [`grant`].
macro_rules! grant_columns {
    () => {
        "g.id, g.client, g.provider, g.services, g.subject_sealed, g.correlation, g.consented, g.request, g.lasting,
         g.node, g.node_thumbprint"
    };
}

/// A grant stays as it was first kept, save that it gets the node that redeems it; above all, one that was ended stays ended.
/// Its values are the first twelve of a statement.
macro_rules! with_grant {
    ($sql:literal) => {
        concat!(
            "WITH kept AS (
                INSERT INTO grants (id, client, provider, services, subject_sealed, correlation, consented, request,
                    lasting, node, node_thumbprint, subject_hash)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                ON CONFLICT (id) DO UPDATE SET node = excluded.node, node_thumbprint = excluded.node_thumbprint
                    WHERE grants.node IS NULL)
            ",
            $sql
        )
    };
}

/// A sweep of one table: `$1` is the moment, `$2` how many rows at most.
macro_rules! sweep {
    ($delete:literal) => {
        concat!("WITH gone AS (", $delete, " LIMIT $2) RETURNING 1) SELECT count(*) FROM gone")
    };
}

pub(super) const KEEP_CODE: &str =
    with_grant!("INSERT INTO codes (grant_id, hash, redirect_uri, expires) VALUES ($1, $13, $14, $15)");

/// The update decides who is first: of several at once the others wait for its row and find it spent. A code that is there
/// but was not spent now was spent before; one whose grant was ended before is as if it had been.
pub(super) const PRESENT: &str = concat!(
    "WITH spent AS (
        UPDATE codes SET spent_at = $2 WHERE hash = $1 AND spent_at IS NULL RETURNING redirect_uri, expires)
    SELECT ",
    grant_columns!(),
    ", s.redirect_uri, s.expires, g.ended_at IS NOT NULL
    FROM codes c JOIN grants g ON g.id = c.grant_id LEFT JOIN spent s ON true WHERE c.hash = $1"
);

pub(super) const KEEP_TOKEN: &str =
    with_grant!("INSERT INTO tokens (grant_id, hash, expires, bound_to) VALUES ($1, $13, $14, $15)");

pub(super) const FIND_TOKEN: &str = concat!(
    "SELECT ",
    grant_columns!(),
    ", t.expires, t.bound_to FROM tokens t JOIN grants g ON g.id = t.grant_id WHERE t.hash = $1 AND g.ended_at IS NULL"
);

/// Gives a row to the one that ended it. The time of its refresh family is over too, so that a sweep takes what stands about
/// the person.
pub(super) const END_GRANT: &str = "
    WITH ended AS (UPDATE grants SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING id),
    lapsed AS (UPDATE refreshes SET expires = $2 WHERE grant_id IN (SELECT id FROM ended))
    SELECT 1 FROM ended";

pub(super) const HAS_ENDED: &str = "SELECT NOT EXISTS (SELECT 1 FROM grants WHERE id = $1 AND ended_at IS NULL)";

/// Newest first.
pub(super) const LASTING_OF: &str = concat!(
    "SELECT ",
    grant_columns!(),
    ", r.expires, r.family, r.turn FROM grants g JOIN refreshes r ON r.grant_id = g.id
    WHERE g.subject_hash = ANY($1) AND g.ended_at IS NULL AND r.expires > $2
    ORDER BY g.consented DESC, g.id DESC LIMIT $3"
);

pub(super) const KEEP_REFRESH: &str =
    with_grant!("INSERT INTO refreshes (grant_id, family, turn, expires) VALUES ($1, $13, $14, $15)");

pub(super) const FIND_REFRESH: &str = concat!(
    "SELECT ",
    grant_columns!(),
    ", r.expires, r.family, r.turn FROM refreshes r JOIN grants g ON g.id = r.grant_id
    WHERE r.family = $1 AND g.ended_at IS NULL"
);

/// The update decides who is first; the token is kept only with it.
pub(super) const TURN: &str = "
    WITH turned AS (
        UPDATE refreshes SET turn = $3, expires = $4 WHERE family = $1 AND turn = $2
            AND EXISTS (SELECT 1 FROM grants WHERE id = grant_id AND ended_at IS NULL)
        RETURNING grant_id),
    kept AS (
        INSERT INTO tokens (grant_id, hash, expires, bound_to) SELECT grant_id, $5, $6, $7 FROM turned)
    SELECT r.grant_id, EXISTS (SELECT 1 FROM turned)
    FROM refreshes r JOIN grants g ON g.id = r.grant_id WHERE r.family = $1 AND g.ended_at IS NULL";

pub(super) const KEEP_VISIT: &str = "
    INSERT INTO visits (id, cookie, form, expires, sealed) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET cookie = excluded.cookie, form = excluded.form,
        expires = excluded.expires, sealed = excluded.sealed";

pub(super) const TAKE_VISIT: &str = "
    DELETE FROM visits WHERE id = $1 AND cookie = $2 AND form = $3 AND expires > $4 RETURNING expires, sealed";

pub(super) const LOOK_AT_VISIT: &str =
    "SELECT expires, sealed, form FROM visits WHERE id = $1 AND cookie = $2 AND expires > $3";

/// The insert decides who is first; it gives a row to that one only.
pub(super) const FIRST_USE: &str =
    "INSERT INTO used_ids (hash, expires) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING RETURNING 1";

pub(super) const IS_USED: &str = "SELECT 1 FROM used_ids WHERE hash = $1";

pub(super) const SWEEP_VISITS: &str =
    sweep!("DELETE FROM visits WHERE id IN (SELECT id FROM visits WHERE expires <= $1");

pub(super) const SWEEP_CODES: &str =
    sweep!("DELETE FROM codes WHERE hash IN (SELECT hash FROM codes WHERE expires < $1");

pub(super) const SWEEP_TOKENS: &str =
    sweep!("DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires < $1");

pub(super) const SWEEP_USED_IDS: &str =
    sweep!("DELETE FROM used_ids WHERE hash IN (SELECT hash FROM used_ids WHERE expires < $1");

/// A stop in force never goes.
pub(super) const SWEEP_STOPS: &str = sweep!("DELETE FROM stops WHERE id IN (SELECT id FROM stops WHERE lifted_at < $1");

/// A family goes when its time is over.
pub(super) const SWEEP_REFRESHES: &str =
    sweep!("DELETE FROM refreshes WHERE family IN (SELECT family FROM refreshes WHERE expires < $1");

/// A grant goes when nothing stands for it any more.
pub(super) const SWEEP_GRANTS: &str = sweep!(
    "DELETE FROM grants WHERE id IN (
        SELECT id FROM grants g WHERE consented < $1
        AND NOT EXISTS (SELECT 1 FROM tokens WHERE grant_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM refreshes WHERE grant_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM codes WHERE grant_id = g.id)"
);

/// Reads a column. One that is missing or of another type is an error, never a panic.
pub(super) fn column<T: FromSqlOwned>(row: &Row, at: usize) -> Result<T, Failure> {
    row.try_get(at).map_err(|_| Failure::Form)
}

fn hash(row: &Row, at: usize) -> Result<HandleHash, Failure> {
    column::<Vec<u8>>(row, at)?.try_into().map_err(|_| Failure::Form)
}

fn hash_or_none(row: &Row, at: usize) -> Result<Option<HandleHash>, Failure> {
    let found: Option<Vec<u8>> = column(row, at)?;
    found.map(|bytes| bytes.try_into().map_err(|_| Failure::Form)).transpose()
}

fn grant(row: &Row) -> Result<GrantRow, Failure> {
    Ok(GrantRow {
        id: column(row, 0)?,
        client: column(row, 1)?,
        provider: column(row, 2)?,
        services: column(row, 3)?,
        subject_sealed: column(row, 4)?,
        correlation: column(row, 5)?,
        consented: column(row, 6)?,
        request: column(row, 7)?,
        lasting: column(row, 8)?,
        node: column(row, 9)?,
        node_thumbprint: hash_or_none(row, 10)?,
        subject_hash: None,
    })
}

/// Reads the answer to [`PRESENT`].
pub(super) fn presented(hash: HandleHash, row: Option<&Row>) -> Result<PresentedRow, Failure> {
    let Some(row) = row else { return Ok(PresentedRow::Unknown) };
    let spent: (Option<String>, Option<i64>) = (column(row, 11)?, column(row, 12)?);
    let ended: bool = column(row, 13)?;
    Ok(match spent {
        (Some(redirect_uri), Some(expires)) if !ended => {
            PresentedRow::First(Box::new(CodeRow { hash, redirect_uri, expires, grant: grant(row)? }))
        }
        _ => PresentedRow::Again { grant: column(row, 0)? },
    })
}

/// Reads the answer to [`FIND_TOKEN`].
pub(super) fn token(hash: HandleHash, row: &Row) -> Result<TokenRow, Failure> {
    Ok(TokenRow { hash, expires: column(row, 11)?, bound_to: hash_or_none(row, 12)?, grant: grant(row)? })
}

/// Reads a row of the answer to [`LASTING_OF`].
pub(super) fn refresh(row: &Row) -> Result<RefreshRow, Failure> {
    let key = RefreshKey { family: hash(row, 12)?, turn: hash(row, 13)? };
    Ok(RefreshRow { key, expires: column(row, 11)?, grant: grant(row)? })
}

/// Reads the answer to [`FIND_REFRESH`].
pub(super) fn found(row: Option<&Row>) -> Result<FoundRow, Failure> {
    row.map(refresh).transpose().map(FoundRow)
}

/// Reads the answer to [`TURN`].
pub(super) fn turned(row: Option<&Row>) -> Result<TurnedRow, Failure> {
    let Some(row) = row else { return Ok(TurnedRow::Unknown) };
    let grant = column(row, 0)?;
    Ok(if column(row, 1)? { TurnedRow::Done } else { TurnedRow::Old { grant } })
}

/// Reads the answer to [`LOOK_AT_VISIT`].
pub(super) fn visit_seen(id: String, cookie: HandleHash, row: &Row) -> Result<VisitRow, Failure> {
    let form = hash(row, 2)?;
    visit(id, cookie, form, row)
}

/// Reads the answer to [`TAKE_VISIT`].
pub(super) fn visit(id: String, cookie: HandleHash, form: HandleHash, row: &Row) -> Result<VisitRow, Failure> {
    Ok(VisitRow { id, cookie, form, expires: column(row, 0)?, sealed: column(row, 1)? })
}
