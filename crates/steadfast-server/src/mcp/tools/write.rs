//! The tools that add: remember, index.

use std::path::PathBuf;
use std::time::Instant;

use steadfast::model::{Namespace, Timestamp, Trust};
use steadfast::{Error, IndexOptions, Note, Progress};

use super::Reply;
use super::read::elapsed_ms;
use crate::mcp::arguments::Arguments;
use crate::mcp::text;
use crate::store::{Access, Store};
use crate::wire;

pub(super) fn remember(store: &Store, mut arguments: Arguments) -> Result<Reply, Error> {
    let mut note = Note::new(arguments.text("text")?.unwrap_or_default());
    note.title = arguments.optional("title")?;
    note.tags = arguments.texts("tag")?;
    note.namespace = namespace(&mut arguments, store)?;
    note.source = arguments.optional("source")?;
    note.meta = arguments
        .object("meta")?
        .unwrap_or_default()
        .into_iter()
        .collect();
    note.time = time(&mut arguments, "time")?;
    note.valid_from = time(&mut arguments, "valid_from")?;
    note.valid_to = time(&mut arguments, "valid_to")?;
    note.idempotency_key = arguments.optional("idempotency_key")?;
    note.trust = Trust::Agent;
    arguments.finish()?;
    if note.text.trim().is_empty() {
        // Before a store is created for it.
        return Err(Error::EmptyText);
    }
    let remembered = store.write(Access::Write, |memory| memory.remember(&note))?;
    Ok(Reply::new(
        wire::remembered(&remembered),
        text::remembered(&remembered),
    ))
}

pub(super) fn index(
    store: &Store,
    mut arguments: Arguments,
    progress: &dyn Progress,
) -> Result<Reply, Error> {
    let here = &store.settings().here;
    let paths: Vec<PathBuf> = arguments
        .texts("paths")?
        .into_iter()
        .map(|path| here.join(path))
        .collect();
    let mut options = IndexOptions::default();
    options.namespace = arguments
        .optional("namespace")?
        .map(Namespace::new)
        .transpose()?;
    options
        .namespace_default
        .clone_from(&store.settings().namespace);
    options.tags = arguments.texts("tag")?;
    options.walk.include = arguments.texts("include")?;
    options.walk.exclude = arguments.texts("exclude")?;
    options.force = arguments.flag("force")?;
    options.file_bytes_max = store.settings().file_bytes_max;
    arguments.finish()?;
    if paths.is_empty() {
        return Err(Error::Invalid {
            what: "`paths` must be a list of files and folders".to_owned(),
        });
    }
    if let Some(path) = paths
        .iter()
        .find(|path| matches!(path.try_exists(), Ok(false)))
    {
        // Before a store is created for it.
        return Err(Error::PathNotFound { path: path.clone() });
    }
    let started = Instant::now();
    let report = store.write(Access::Write, |memory| {
        memory.index(&paths, &options, progress)
    })?;
    let object = wire::index_report(&report, elapsed_ms(started));
    let files = report.files;
    let text = format!(
        "Files: {} added, {} changed, {} unchanged, {} removed, {} skipped. Commit {}.",
        files.added, files.changed, files.unchanged, files.removed, files.skipped, report.seq.0
    );
    Ok(Reply {
        wants_care: true,
        ..Reply::new(object, text)
    })
}

fn namespace(arguments: &mut Arguments, store: &Store) -> Result<Namespace, Error> {
    Ok(match arguments.optional("namespace")? {
        Some(name) => Namespace::new(name)?,
        None => store.settings().namespace.clone(),
    })
}

fn time(arguments: &mut Arguments, name: &str) -> Result<Option<Timestamp>, Error> {
    let text = arguments.text(name)?;
    Ok(text.map(|text| Timestamp::parse(&text)).transpose()?)
}
