//! The SQL of the embedded store. Each function is one operation and runs in a transaction of its own or in a savepoint.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::oauth::refresh::RefreshKey;
use crate::oauth::replay::UsedId;
use crate::secret::HandleHash;
use crate::store::Swept;
use crate::store::rows::{
    CodeRow, FoundRow, GrantRow, PresentedRow, RefreshRow, TokenRow, TurnRow, TurnedRow, VisitRow,
};

/// The columns of a grant, in the order of [`grant_row`].
macro_rules! grant_columns {
    () => {
        "g.id, g.client, g.provider, g.services, g.subject_sealed, g.correlation, g.consented, g.request, g.lasting, \
         g.node, g.node_thumbprint"
    };
}

/// A grant stays as it was first kept, save that it gets the node that redeems it; above all, one that was ended stays ended.
fn keep_grant(connection: &Connection, grant: &GrantRow) -> Result<()> {
    let sql = "INSERT INTO grants (id, client, provider, services, subject_sealed, correlation, consented, request,
                   lasting, node, node_thumbprint, subject_hash)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
               ON CONFLICT (id) DO UPDATE SET node = excluded.node, node_thumbprint = excluded.node_thumbprint
                   WHERE grants.node IS NULL";
    connection.prepare_cached(sql)?.execute(params![
        grant.id,
        grant.client,
        grant.provider,
        grant.services,
        grant.subject_sealed,
        grant.correlation,
        grant.consented,
        grant.request,
        grant.lasting,
        grant.node,
        grant.node_thumbprint,
        grant.subject_hash
    ])?;
    Ok(())
}

pub(super) fn keep_code(connection: &Connection, code: &CodeRow) -> Result<()> {
    keep_grant(connection, &code.grant)?;
    let sql = "INSERT INTO codes (hash, grant_id, redirect_uri, expires) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![code.hash, code.grant.id, code.redirect_uri, code.expires])?;
    Ok(())
}

/// The update decides who is first; what follows only reads.
pub(super) fn present(connection: &Connection, hash: HandleHash, now: i64) -> Result<PresentedRow> {
    let sql = "UPDATE codes SET spent_at = ?2 WHERE hash = ?1 AND spent_at IS NULL
               RETURNING redirect_uri, expires, grant_id";
    let spent = connection
        .prepare_cached(sql)?
        .query_row(params![hash, now], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))
        .optional()?;
    let Some((redirect_uri, expires, grant)) = spent else { return spent_before(connection, hash) };
    let sql = concat!("SELECT ", grant_columns!(), " FROM grants g WHERE g.id = ?1 AND g.ended_at IS NULL");
    let live = connection.prepare_cached(sql)?.query_row([&grant], grant_row).optional()?;
    // A consent that was withdrawn before its code was redeemed is as if the code had been used before.
    Ok(live.map_or(PresentedRow::Again { grant }, |grant| {
        PresentedRow::First(Box::new(CodeRow { hash, redirect_uri, expires, grant }))
    }))
}

fn spent_before(connection: &Connection, hash: HandleHash) -> Result<PresentedRow> {
    let sql = "SELECT grant_id FROM codes WHERE hash = ?1";
    let grant = connection.prepare_cached(sql)?.query_row([hash], |row| row.get(0)).optional()?;
    Ok(grant.map_or(PresentedRow::Unknown, |grant| PresentedRow::Again { grant }))
}

pub(super) fn keep_token(connection: &Connection, token: &TokenRow) -> Result<()> {
    keep_grant(connection, &token.grant)?;
    let sql = "INSERT INTO tokens (hash, grant_id, expires, bound_to) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![token.hash, token.grant.id, token.expires, token.bound_to])?;
    Ok(())
}

pub(super) fn find_token(connection: &Connection, hash: HandleHash) -> Result<Option<TokenRow>> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        ", t.expires, t.bound_to FROM tokens t JOIN grants g ON g.id = t.grant_id
         WHERE t.hash = ?1 AND g.ended_at IS NULL"
    );
    let token =
        |row: &Row<'_>| Ok(TokenRow { hash, expires: row.get(11)?, bound_to: row.get(12)?, grant: grant_row(row)? });
    connection.prepare_cached(sql)?.query_row([hash], token).optional()
}

/// The time of its refresh family is over too, so that a sweep takes what stands about the person.
pub(super) fn end_grant(connection: &Connection, grant: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE grants SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL";
    let ended = connection.prepare_cached(sql)?.execute(params![grant, now])? == 1;
    if ended {
        let sql = "UPDATE refreshes SET expires = ?2 WHERE grant_id = ?1";
        connection.prepare_cached(sql)?.execute(params![grant, now])?;
    }
    Ok(ended)
}

pub(super) fn has_ended(connection: &Connection, grant: &str) -> Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND ended_at IS NULL)";
    connection.prepare_cached(sql)?.query_row([grant], |row| row.get(0))
}

/// Newest first.
pub(super) fn lasting_of(
    connection: &Connection,
    subject: HandleHash,
    now: i64,
    most: usize,
) -> Result<Vec<RefreshRow>> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        ", r.expires, r.family, r.turn FROM grants g JOIN refreshes r ON r.grant_id = g.id
         WHERE g.subject_hash = ?1 AND g.ended_at IS NULL AND r.expires > ?2
         ORDER BY g.consented DESC, g.id DESC LIMIT ?3"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.query_map(params![subject, now, most], refresh_row)?.collect()
}

pub(super) fn keep_refresh(connection: &Connection, refresh: &RefreshRow) -> Result<()> {
    keep_grant(connection, &refresh.grant)?;
    let sql = "INSERT INTO refreshes (family, turn, grant_id, expires) VALUES (?1, ?2, ?3, ?4)";
    let row = params![refresh.key.family, refresh.key.turn, refresh.grant.id, refresh.expires];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

pub(super) fn find_refresh(connection: &Connection, family: HandleHash) -> Result<FoundRow> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        ", r.expires, r.family, r.turn FROM refreshes r JOIN grants g ON g.id = r.grant_id
         WHERE r.family = ?1 AND g.ended_at IS NULL"
    );
    connection.prepare_cached(sql)?.query_row([family], refresh_row).optional().map(FoundRow)
}

/// The update decides who is first; the token is kept only with it.
pub(super) fn turn(connection: &Connection, turn: &TurnRow) -> Result<TurnedRow> {
    let sql = "UPDATE refreshes SET turn = ?3, expires = ?4 WHERE family = ?1 AND turn = ?2
               AND EXISTS (SELECT 1 FROM grants WHERE id = grant_id AND ended_at IS NULL)";
    let RefreshKey { family, turn: presented } = turn.presented;
    if connection.prepare_cached(sql)?.execute(params![family, presented, turn.next, turn.expires])? == 1 {
        keep_token(connection, &turn.token)?;
        return Ok(TurnedRow::Done);
    }
    Ok(match find_refresh(connection, family)?.0 {
        Some(RefreshRow { grant, .. }) => TurnedRow::Old { grant: grant.id },
        None => TurnedRow::Unknown,
    })
}

fn refresh_row(row: &Row<'_>) -> Result<RefreshRow> {
    let key = RefreshKey { family: row.get(12)?, turn: row.get(13)? };
    Ok(RefreshRow { key, expires: row.get(11)?, grant: grant_row(row)? })
}

pub(super) fn keep_visit(connection: &Connection, visit: &VisitRow) -> Result<()> {
    let sql = "INSERT INTO visits (id, cookie, form, expires, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (id) DO UPDATE SET cookie = excluded.cookie, form = excluded.form,
                   expires = excluded.expires, sealed = excluded.sealed";
    let row = params![visit.id, visit.cookie, visit.form, visit.expires, visit.sealed];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

pub(super) fn look_at_visit(
    connection: &Connection,
    id: String,
    cookie: HandleHash,
    now: i64,
) -> Result<Option<VisitRow>> {
    let sql = "SELECT form, expires, sealed FROM visits WHERE id = ?1 AND cookie = ?2 AND expires > ?3";
    let found = connection
        .prepare_cached(sql)?
        .query_row(params![id, cookie, now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(found.map(|(form, expires, sealed)| VisitRow { id, cookie, form, expires, sealed }))
}

pub(super) fn take_visit(
    connection: &Connection,
    id: String,
    cookie: HandleHash,
    form: HandleHash,
    now: i64,
) -> Result<Option<VisitRow>> {
    let sql = "DELETE FROM visits WHERE id = ?1 AND cookie = ?2 AND form = ?3 AND expires > ?4
               RETURNING expires, sealed";
    let taken = connection
        .prepare_cached(sql)?
        .query_row(params![id, cookie, form, now], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(taken.map(|(expires, sealed)| VisitRow { id, cookie, form, expires, sealed }))
}

/// The insert decides who is first.
pub(super) fn first_use(connection: &Connection, id: &UsedId) -> Result<bool> {
    let sql = "INSERT INTO used_ids (hash, expires) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![id.hash, id.expires.as_microsecond()])?;
    Ok(inserted == 1)
}

pub(super) fn is_used(connection: &Connection, hash: HandleHash) -> Result<bool> {
    connection.prepare_cached("SELECT 1 FROM used_ids WHERE hash = ?1")?.exists(params![hash])
}

fn grant_row(row: &Row<'_>) -> Result<GrantRow> {
    Ok(GrantRow {
        id: row.get(0)?,
        client: row.get(1)?,
        provider: row.get(2)?,
        services: row.get(3)?,
        subject_sealed: row.get(4)?,
        correlation: row.get(5)?,
        consented: row.get(6)?,
        request: row.get(7)?,
        lasting: row.get(8)?,
        node: row.get(9)?,
        node_thumbprint: row.get(10)?,
        subject_hash: None,
    })
}

pub(super) fn sweep_visits(connection: &Connection, now: i64) -> Result<usize> {
    let sql = "DELETE FROM visits WHERE id IN (SELECT id FROM visits WHERE expires <= ?1 LIMIT ?2)";
    sweep(connection, sql, now)
}

pub(super) fn sweep_codes(connection: &Connection, before: i64) -> Result<usize> {
    let sql = "DELETE FROM codes WHERE hash IN (SELECT hash FROM codes WHERE expires < ?1 LIMIT ?2)";
    sweep(connection, sql, before)
}

pub(super) fn sweep_tokens(connection: &Connection, now: i64) -> Result<usize> {
    let sql = "DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires < ?1 LIMIT ?2)";
    sweep(connection, sql, now)
}

pub(super) fn sweep_used_ids(connection: &Connection, now: i64) -> Result<usize> {
    let sql = "DELETE FROM used_ids WHERE hash IN (SELECT hash FROM used_ids WHERE expires < ?1 LIMIT ?2)";
    sweep(connection, sql, now)
}

/// A stop in force never goes.
pub(super) fn sweep_stops(connection: &Connection, before: i64) -> Result<usize> {
    let sql = "DELETE FROM stops WHERE id IN (SELECT id FROM stops WHERE lifted_at < ?1 LIMIT ?2)";
    sweep(connection, sql, before)
}

/// A family goes when its time is over.
pub(super) fn sweep_refreshes(connection: &Connection, now: i64) -> Result<usize> {
    let sql = "DELETE FROM refreshes WHERE family IN (
                   SELECT family FROM refreshes WHERE expires < ?1 LIMIT ?2)";
    sweep(connection, sql, now)
}

/// A grant goes when nothing stands for it any more.
pub(super) fn sweep_grants(connection: &Connection, before: i64) -> Result<usize> {
    let sql = "DELETE FROM grants WHERE id IN (
                   SELECT id FROM grants g WHERE consented < ?1
                   AND NOT EXISTS (SELECT 1 FROM tokens WHERE grant_id = g.id)
                   AND NOT EXISTS (SELECT 1 FROM refreshes WHERE grant_id = g.id)
                   AND NOT EXISTS (SELECT 1 FROM codes WHERE grant_id = g.id) LIMIT ?2)";
    sweep(connection, sql, before)
}

fn sweep(connection: &Connection, sql: &str, before: i64) -> Result<usize> {
    connection.prepare_cached(sql)?.execute(params![before, i64::try_from(Swept::STEP).unwrap_or(i64::MAX)])
}
