//! Code search: every function a file, every question the number of the function that answers it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use steadfast::ingest::chunk::ChunkLimits;
use steadfast::model::Namespace;
use steadfast::{IndexOptions, ListRequest, Silent};

use super::{Question, Task, open, text_of};

pub(super) fn load(file: &Path, limits: ChunkLimits) -> anyhow::Result<Task> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(file)?).read_to_string(&mut text)?;
    let data: Value = serde_json::from_str(&text)?;
    let (folder, memory) = open()?;
    let tree = folder.path().join("functions");
    std::fs::create_dir(&tree)?;
    let documents = data
        .get("documents")
        .and_then(Value::as_array)
        .context("no documents")?;
    for (number, document) in documents.iter().enumerate() {
        let path = tree.join(format!("{number}.py"));
        std::fs::write(path, document.as_str().unwrap_or_default())?;
    }
    let mut options = IndexOptions::default();
    options.chunk_limits = limits;
    memory.index(&[tree], &options, &Silent)?;
    let mut units = BTreeMap::new();
    let mut request = ListRequest::default();
    request.limit = 1000;
    loop {
        let listing = memory.list(&request)?;
        for chunk in listing.chunks {
            let name = chunk.source.rsplit(['/', '\\']).next().unwrap_or_default();
            let unit = name.trim_end_matches(".py").to_owned();
            units.insert(chunk.id.to_string(), (unit.clone(), unit));
        }
        match listing.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    let queries = data
        .get("queries")
        .and_then(Value::as_array)
        .context("no queries")?;
    let questions = queries.iter().map(|query| {
        let units = BTreeSet::from([text_of(query, "answer")]);
        Question {
            text: text_of(query, "query"),
            namespace: Namespace::default(),
            category: "code".to_owned(),
            sessions: units.clone(),
            units,
        }
    });
    Ok(Task {
        questions: questions.collect(),
        memory,
        units,
        has_sessions: false,
        _folder: folder,
    })
}
