//! The plan is carried out: backup, one transaction, then the folders.

use std::path::Path;
use std::time::Duration;

use steadfast_model::Timestamp;
use steadfast_store::{ForeignEdit, ForeignValue, StoreError};

use super::embed::{self, Made, Rows};
use super::folders::set_aside;
use super::look::{Looked, Palace, find, look, state};
use super::plan::{Plan, Rebuild};
use super::{PalaceDiagnosis, PalaceOptions, backup, users};
use crate::error::{Error, Result};

/// How long a lock that another process holds is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sets the folders of damaged indexes aside, and with [`PalaceOptions::stale_after`] those that are that old.
///
/// A palace or database that is not there has nothing to set aside, and is no error. The rows of an index that was set
/// aside are not found by a search until [`repair_palace`] has queued their vectors again.
///
/// # Errors
/// [`Error::PalaceInUse`]; [`Error::Store`] when the system refuses.
pub fn quarantine_palace(folder: &Path, options: &PalaceOptions) -> Result<PalaceDiagnosis> {
    let Some(palace) = find(folder) else {
        let mut diagnosis = PalaceDiagnosis::default();
        let what = format!("nothing to do: there is no palace at {}", folder.display());
        diagnosis.applied.push(what);
        return Ok(diagnosis);
    };
    refuse_if_used(&palace, options)?;
    let looked = look(&palace, options, &Made::new())?;
    let now = options.clock.now();
    let mut applied = Vec::new();
    for (folder, name, gap) in &looked.plan.damaged {
        if let Some(to) = set_aside(options.disk.as_ref(), folder, now)? {
            applied.push(format!(
                "set {} aside as {}: {gap} rows of {name} have no vector until the palace is repaired",
                folder.display(),
                to.display()
            ));
        }
    }
    for folder in &looked.plan.stale {
        if let Some(to) = set_aside(options.disk.as_ref(), folder, now)? {
            let what = format!("set {} aside as {}", folder.display(), to.display());
            applied.push(what);
        }
    }
    Ok(finish(&palace, options, looked.diagnosis, applied)?.diagnosis)
}

/// Makes a palace whole, as far as its vectors are still on the disk, and looks again.
///
/// # Errors
/// [`Error::PalaceInUse`] when another process has the palace open; [`Error::Store`] when it changes meanwhile, when the
/// disk is full, or when the system refuses. The palace is then as it was, or repaired.
///
/// # Durability
/// The backup and the repaired database are on the disk when this returns.
pub fn repair_palace(folder: &Path, options: &PalaceOptions) -> Result<PalaceDiagnosis> {
    let path = folder.to_owned();
    let palace = find(folder).ok_or(Error::PathNotFound { path })?;
    refuse_if_used(&palace, options)?;
    let disk = options.disk.as_ref();
    let now = options.clock.now();
    let mut applied = Vec::new();
    let (mut looked, made) = look_and_embed(&palace, options, &mut applied)?;
    let mut copied = None;
    if looked.plan.changes_database() {
        backup::clear(disk, &palace.folder);
        let copy = backup::make(disk, &palace, &looked.plan, now)?;
        applied.push(format!("copied the database into {}", copy.display()));
        copied = Some(copy);
        if looked.state.iter().skip(1).any(Option::is_some) {
            looked = settle(&palace, options, &made)?;
        }
        change(&palace, &looked)?;
        tell(&looked.plan, &mut applied);
    }
    let old = looked
        .plan
        .rebuilds
        .iter()
        .map(|it| palace.folder.join(&it.old));
    for folder in old.chain(looked.plan.moves.iter().cloned()) {
        move_old(options, &folder, now, &mut applied)?;
    }
    let (fingerprint, rows_before) = (looked.fingerprint, looked.diagnosis.rows_before);
    if applied.is_empty() {
        let mut diagnosis = looked.diagnosis;
        diagnosis.rows_after = rows_before;
        return Ok(diagnosis);
    }
    let mut after = finish(&palace, options, looked.diagnosis, applied)?;
    after.diagnosis.backup = copied;
    if after.fingerprint == fingerprint && after.diagnosis.rows_after == rows_before {
        Ok(after.diagnosis)
    } else {
        let what =
            "the repaired palace does not have the rows of before; the backup in it has them";
        Err(StoreError::Internal(what.to_owned()).into())
    }
}

fn refuse_if_used(palace: &Palace, options: &PalaceOptions) -> Result<()> {
    if options.force {
        return Ok(());
    }
    users::refuse(&palace.folder, &palace.database)
}

fn changed(palace: &Palace) -> Error {
    let busy = StoreError::Busy {
        what: format!("{} (it changed meanwhile)", palace.database.display()),
        waited_ms: 0,
    };
    busy.into()
}

/// Looks, embeds what is nowhere and can be embedded, and looks again at what that makes of the palace.
fn look_and_embed(
    palace: &Palace,
    options: &PalaceOptions,
    applied: &mut Vec<String>,
) -> Result<(Looked, Made)> {
    let first = look(palace, options, &Made::new())?;
    let Some(model) = options
        .embed
        .as_deref()
        .filter(|_| !first.embeds.is_empty())
    else {
        return Ok((first, Made::new()));
    };
    let made = embed::make(&first.embeds, model)?;
    let mut looked = look(palace, options, &made)?;
    // Vectors are those of the texts of the first look.
    if looked.state != first.state {
        return Err(changed(palace));
    }
    let steps = first.diagnosis.plan.into_iter();
    let embeds = steps.filter(|step| step.name == embed::STEP);
    looked.diagnosis.plan.splice(0..0, embeds);
    applied.extend(first.embeds.iter().map(Rows::done));
    Ok((looked, made))
}

/// Lets SQLite play back what an interrupted writer left, and looks at what that makes of the palace.
fn settle(palace: &Palace, options: &PalaceOptions, made: &Made) -> Result<Looked> {
    drop(ForeignEdit::begin(&palace.database, PATIENCE)?);
    look(palace, options, made)
}

/// Changes the database in one transaction, if it still is what was looked at.
fn change(palace: &Palace, looked: &Looked) -> Result<()> {
    let edit = ForeignEdit::begin(&palace.database, PATIENCE)?;
    if state(&palace.database) != looked.state {
        return Err(changed(palace));
    }
    for rebuild in &looked.plan.rebuilds {
        queue(&edit, rebuild)?;
    }
    let text = |text: &str| ForeignValue::Text(text.to_owned(), false);
    for (segment, mark, _) in &looked.plan.marks {
        let sql = "INSERT OR REPLACE INTO max_seq_id (segment_id, seq_id) VALUES (?1, ?2)";
        edit.change(sql, &[text(segment), mark.clone()])?;
    }
    for (row, seq) in &looked.plan.seqs {
        let values = [ForeignValue::Integer(*row), ForeignValue::Integer(*seq)];
        edit.change(
            "UPDATE embeddings SET seq_id = ?2 WHERE rowid = ?1",
            &values,
        )?;
    }
    if looked.plan.text_search {
        let sql =
            "INSERT INTO embedding_fulltext_search (embedding_fulltext_search) VALUES ('rebuild')";
        edit.change(sql, &[])?;
    }
    Ok(edit.commit()?)
}

/// Queues the vectors of an index and puts an empty one in its place.
fn queue(edit: &ForeignEdit, rebuild: &Rebuild) -> Result<()> {
    let text = |text: &str| ForeignValue::Text(text.to_owned(), false);
    for (seq, id, vector) in &rebuild.queue {
        // An add: where the row is there already it gives it a vector and nothing else.
        let sql = "INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding, metadata) \
                   VALUES (?1, 0, ?2, ?3, ?4, 'FLOAT32', NULL)";
        let values = [
            ForeignValue::Integer(*seq),
            text(&rebuild.topic),
            text(id),
            ForeignValue::Blob(vector.clone()),
        ];
        edit.change(sql, &values)?;
    }
    let ids = [text(&rebuild.old), text(&rebuild.new)];
    let changed = edit.change("UPDATE segments SET id = ?2 WHERE id = ?1", &ids)?;
    edit.change(
        "UPDATE segment_metadata SET segment_id = ?2 WHERE segment_id = ?1",
        &ids,
    )?;
    edit.change("DELETE FROM max_seq_id WHERE segment_id = ?1", &ids[..1])?;
    if changed == 1 {
        Ok(())
    } else {
        let what = format!(
            "the segment {} is {changed} times in the database",
            rebuild.old
        );
        Err(StoreError::Internal(what).into())
    }
}

fn tell(plan: &Plan, applied: &mut Vec<String>) {
    for rebuild in &plan.rebuilds {
        applied.push(format!(
            "queued {} vectors of {} again; Chroma fills its new index {} when it opens the palace",
            rebuild.queue.len(),
            rebuild.collection,
            rebuild.new
        ));
    }
    for (_, _, what) in &plan.marks {
        applied.push(format!("set {what}"));
    }
    if !plan.seqs.is_empty() {
        applied.push(format!(
            "wrote {} sequence numbers as integers",
            plan.seqs.len()
        ));
    }
    if plan.text_search {
        applied.push("made the index of the text search anew".to_owned());
    }
}

fn move_old(
    options: &PalaceOptions,
    folder: &Path,
    now: Timestamp,
    applied: &mut Vec<String>,
) -> Result<()> {
    if let Some(to) = set_aside(options.disk.as_ref(), folder, now)? {
        applied.push(format!(
            "set {} aside as {}",
            folder.display(),
            to.display()
        ));
    }
    Ok(())
}

/// Looks again, and says what was done.
fn finish(
    palace: &Palace,
    options: &PalaceOptions,
    before: PalaceDiagnosis,
    applied: Vec<String>,
) -> Result<Looked> {
    let mut looked = look(palace, options, &Made::new())?;
    let after = &mut looked.diagnosis;
    after.rows_after = after.rows_before;
    after.rows_before = before.rows_before;
    after.applied = applied;
    after.plan = before.plan;
    Ok(looked)
}
