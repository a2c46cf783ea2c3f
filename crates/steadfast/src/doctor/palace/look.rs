//! The look: a private copy is read, compared with the segments, and what is wrong is said in plain words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use steadfast_model::{Finding, Severity};
use steadfast_store::{ForeignDatabase, StoreError};

use super::analysis::{Analysis, analyse};
use super::embed::{self, Made, Rows};
use super::folders::{self, Folders};
use super::ground::{self, Ground};
use super::plan::{self, Plan};
use super::{DATABASE, LOST_MAX, LostRow, PalaceCollection, PalaceDiagnosis, PalaceOptions, users};
use crate::doctor::finding;
use crate::error::{Error, Result};
use crate::import::chroma::{is_chroma, segment};

const REPAIR: &str = "run `steadfast doctor --palace DIR --repair`";
const EMBED: &str =
    "embed these rows again, or `steadfast import` the palace, which embeds every row";

/// Where a palace is.
#[derive(Clone, Debug)]
pub(super) struct Palace {
    pub(super) folder: PathBuf,
    pub(super) database: PathBuf,
}

/// All that a look found out.
pub(super) struct Looked {
    pub(super) diagnosis: PalaceDiagnosis,
    pub(super) plan: Plan,
    /// What the files of the database looked like when they were copied.
    pub(super) state: State,
    /// The rows of the tables that a repair does not touch.
    pub(super) fingerprint: Option<blake3::Hash>,
    /// Rows whose vector is nowhere, and that can be embedded again.
    pub(super) embeds: Vec<Rows>,
}

/// Length and time of the database and what lies beside it.
pub(super) type State = Vec<Option<(u64, Option<SystemTime>)>>;

/// Says what is wrong with a palace, and what a repair would do; changes nothing.
///
/// # Errors
/// [`Error::PathNotFound`] when there is no palace; [`Error::Store`] when the system refuses. Damage is no error.
pub fn examine_palace(folder: &Path, options: &PalaceOptions) -> Result<PalaceDiagnosis> {
    let palace = find(folder).ok_or_else(|| Error::PathNotFound {
        path: folder.to_owned(),
    })?;
    let mut looked = look(&palace, options, &Made::new())?;
    let processes = users::others(&palace.folder);
    if !processes.is_empty() {
        let what = format!(
            "{} other processes have the palace open; what they are writing may look like damage",
            processes.len()
        );
        let remedy = "close them, and look again";
        let found = finding(
            "palace_in_use",
            Severity::Info,
            what,
            &palace.folder,
            remedy,
        );
        looked.diagnosis.findings.push(found);
    }
    Ok(looked.diagnosis)
}

/// Finds the palace at a path: the folder of Chroma's database, or the one that holds it, or the file itself.
pub(super) fn find(path: &Path) -> Option<Palace> {
    let candidates = [
        path.join(DATABASE),
        path.join("palace").join(DATABASE),
        path.to_owned(),
    ];
    let database = candidates.into_iter().find(|path| path.is_file())?;
    let database = std::fs::canonicalize(database).ok()?;
    Some(Palace {
        folder: database.parent()?.to_owned(),
        database,
    })
}

pub(super) fn state(database: &Path) -> State {
    ["", "-wal", "-journal"]
        .iter()
        .map(|suffix| {
            let mut name = database.file_name().unwrap_or_default().to_owned();
            name.push(suffix);
            let found = std::fs::metadata(database.with_file_name(name)).ok()?;
            Some((found.len(), found.modified().ok()))
        })
        .collect()
}

/// Looks at a palace; `made` are vectors that it would have if they were queued.
pub(super) fn look(palace: &Palace, options: &PalaceOptions, made: &Made) -> Result<Looked> {
    let folders = folders::list(&palace.folder)?;
    let state = state(&palace.database);
    let mut looked = Looked {
        diagnosis: PalaceDiagnosis::default(),
        plan: Plan::default(),
        state,
        fingerprint: None,
        embeds: Vec::new(),
    };
    match ForeignDatabase::open(&palace.database, &options.scratch) {
        Ok(database) if is_chroma(&database) => {
            let ground = ground::read(&database)?;
            looked.fingerprint = Some(plan::fingerprint(&database)?);
            let read = Read {
                database: &database,
                ground: &ground,
                made,
            };
            of_ground(palace, &folders, &read, options, &mut looked)?;
        }
        Ok(_) => looked.diagnosis.findings.push(finding(
            "palace_database_damaged",
            Severity::Error,
            "the database has none of the tables of Chroma",
            &palace.database,
            "restore it from a backup",
        )),
        Err(StoreError::Damaged { what, .. }) => looked.diagnosis.findings.push(finding(
            "palace_database_damaged",
            Severity::Error,
            format!("the database cannot be opened: {what}"),
            &palace.database,
            "restore it from a backup",
        )),
        Err(error) => return Err(error.into()),
    }
    if let Some(age) = options.stale_after {
        let aged = folders.segments.iter().filter_map(|name| {
            let folder = palace.folder.join(name);
            let gap = folders::staleness(&palace.database, &folder, age)?;
            Some((folder, gap))
        });
        for (folder, gap) in aged {
            let what = format!(
                "the index is {} s older than the database; that alone is no damage",
                gap.as_secs()
            );
            let remedy = "nothing, unless it is damaged too; `--quarantine` sets it aside";
            let found = finding(
                "palace_segment_stale",
                Severity::Warning,
                what,
                &folder,
                remedy,
            );
            looked.diagnosis.findings.push(found);
            looked.plan.stale.push(folder);
        }
    }
    looked.diagnosis.plan = looked.plan.steps();
    Ok(looked)
}

/// What was read of a palace.
struct Read<'r> {
    database: &'r ForeignDatabase,
    ground: &'r Ground,
    made: &'r Made,
}

fn of_ground(
    palace: &Palace,
    folders: &Folders,
    read: &Read<'_>,
    options: &PalaceOptions,
    looked: &mut Looked,
) -> Result<()> {
    let ground = read.ground;
    let analyses: Vec<Analysis<'_>> = ground
        .collections
        .iter()
        .map(|collection| {
            let name = &collection.vector.segment;
            let folder = palace.folder.join(name);
            let segment =
                |folder: &Path| segment::read(folder, collection.dimension, collection.space);
            let made = read.made.get(&collection.id).cloned();
            let mut spare: HashMap<String, Vec<f32>> = made.unwrap_or_default();
            for (_, aside) in folders.aside.iter().filter(|(of, _)| of == name) {
                spare.extend(segment(aside).vectors);
            }
            analyse(ground, collection, segment(&folder), &spare)
        })
        .collect();
    let embeds = embed::find(read.database, palace, &analyses, options)?;
    let findings = &mut looked.diagnosis.findings;
    of_database(palace, ground, findings);
    for analysis in &analyses {
        let model = embeds.get(&analysis.collection.id);
        of_collection(palace, analysis, model, findings);
    }
    of_folders(palace, folders, ground, looked);
    let now = options.clock.now();
    let moves = std::mem::take(&mut looked.plan.moves);
    looked.plan = plan::plan(palace, ground, &analyses, now);
    looked.plan.moves = moves;
    looked.embeds = embeds.into_values().filter_map(Result::ok).collect();
    if ground.problems.is_empty() {
        let steps = looked.embeds.iter().map(Rows::step);
        looked.plan.embeds = steps.collect();
    } else {
        looked.embeds.clear();
    }
    let diagnosis = &mut looked.diagnosis;
    diagnosis.rows_before = Some(analyses.iter().map(|it| it.live.len() as u64).sum());
    diagnosis.collections = analyses.iter().map(numbers).collect();
    diagnosis.lost = analyses
        .iter()
        .flat_map(|analysis| {
            analysis.lost.iter().map(|id| LostRow {
                collection: analysis.collection.name.clone(),
                id: id.clone(),
            })
        })
        .take(LOST_MAX)
        .collect();
    Ok(())
}

fn numbers(analysis: &Analysis<'_>) -> PalaceCollection {
    let (rows, missing) = (analysis.live.len() as u64, analysis.missing.len() as u64);
    PalaceCollection {
        name: analysis.collection.name.clone(),
        rows,
        indexed: rows - missing - analysis.queued,
        queued: analysis.queued,
        missing,
        lost: analysis.lost.len() as u64,
        extra: analysis.extra.len() as u64,
    }
}

fn of_database(palace: &Palace, ground: &Ground, findings: &mut Vec<Finding>) {
    let mut say = |code, severity, what: String, count: u64, remedy: &str| {
        let mut found = finding(code, severity, what, &palace.database, remedy);
        found.count = count;
        findings.push(found);
    };
    if let Some(first) = ground.problems.first() {
        let what = format!("the database is damaged: {first}");
        let remedy = "restore it from a backup; `steadfast import` brings in what can be read";
        let count = ground.problems.len() as u64;
        say(
            "palace_database_damaged",
            Severity::Error,
            what,
            count,
            remedy,
        );
    }
    if ground.text_search_damaged {
        let what = "the index of Chroma's text search does not fit the texts".to_owned();
        say(
            "palace_text_search_damaged",
            Severity::Warning,
            what,
            1,
            REPAIR,
        );
    }
    let old = ground.blob_rows.len() as u64;
    if old > 0 {
        let is_mixed = ground.integer_rows > 0 || ground.marks_are_integers;
        let (code, severity, what, remedy) = if is_mixed {
            let what = "rows have a sequence number of Chroma 0.6 among those of Chroma 1";
            ("palace_seq_id_mixed", Severity::Warning, what, REPAIR)
        } else {
            let what = "rows have sequence numbers as Chroma 0.6 wrote them";
            let remedy =
                "nothing while Chroma 0.6 uses it; Chroma 1 brings the rest up to date itself";
            ("palace_seq_id_old", Severity::Info, what, remedy)
        };
        say(code, severity, what.to_owned(), old, remedy);
    }
}

fn of_collection(
    palace: &Palace,
    analysis: &Analysis<'_>,
    model: Option<&Result<Rows, String>>,
    findings: &mut Vec<Finding>,
) {
    let name = &analysis.collection.name;
    let folder = palace.folder.join(&analysis.collection.vector.segment);
    let problems = &analysis.segment.problems;
    let mut say = |code, what: String, count: u64, place: &Path, remedy: &str| {
        let mut found = finding(code, Severity::Error, what, place, remedy);
        found.count = count;
        findings.push(found);
    };
    if !problems.is_empty() {
        let what = format!("the index of {name} is torn: {}", problems.join("; "));
        let count = problems.len() as u64;
        say("palace_segment_damaged", what, count, &folder, REPAIR);
    }
    let marks = [
        ("vectors", &analysis.vector_mark),
        ("rows", &analysis.metadata_mark),
    ];
    for (of, problem) in marks {
        if let Some(problem) = problem {
            let what = format!("the watermark of the {of} of {name} {problem}");
            let at = &palace.database;
            say("palace_watermark_impossible", what, 1, at, REPAIR);
        }
    }
    let swallowed = analysis.swallowed;
    if swallowed > 0 {
        let what = format!("{swallowed} writes to {name} were accepted and never became rows");
        let at = &palace.database;
        say("palace_writes_swallowed", what, swallowed, at, REPAIR);
    }
    let bad = analysis.collection.bad_operations;
    if bad > 0 {
        let what = format!(
            "{bad} operations in the queue of {name} cannot be applied; Chroma stops at them"
        );
        let remedy = "restore a backup, or `steadfast import` the palace";
        say("palace_queue_damaged", what, bad, &palace.database, remedy);
    }
    of_vectors(&folder, analysis, model, findings);
}

fn of_vectors(
    folder: &Path,
    analysis: &Analysis<'_>,
    model: Option<&Result<Rows, String>>,
    findings: &mut Vec<Finding>,
) {
    let (name, rows) = (&analysis.collection.name, analysis.live.len());
    let mut say = |code, severity, what: String, count: usize, remedy: &str| {
        let mut found = finding(code, severity, what, folder, remedy);
        found.count = count as u64;
        findings.push(found);
    };
    let stranded = analysis.missing.len().saturating_sub(analysis.lost.len());
    if stranded > 0 {
        let what = format!(
            "{stranded} of {rows} rows of {name} cannot be found by a search, and their vectors are still on the disk"
        );
        let severity = Severity::Error;
        say("palace_vectors_missing", severity, what, stranded, REPAIR);
    }
    let lost = analysis.lost.len();
    if lost > 0 {
        let what = format!(
            "{lost} of {rows} rows of {name} have no vector anywhere; their texts are whole"
        );
        let remedy = match model {
            Some(Ok(_)) => format!("{REPAIR}, which embeds them again"),
            Some(Err(why)) => format!("{EMBED}; the model of the settings was not used: {why}"),
            None => EMBED.to_owned(),
        };
        say("palace_vectors_lost", Severity::Error, what, lost, &remedy);
    }
    let extra = analysis.extra.len();
    if extra > 0 {
        let what = format!("{extra} vectors in the index of {name} belong to no row");
        let severity = Severity::Warning;
        say("palace_vectors_extra", severity, what, extra, REPAIR);
    }
}

/// Folders of segments that the database does not know: those that a repair of ours left when it was killed, and others.
fn of_folders(palace: &Palace, folders: &Folders, ground: &Ground, looked: &mut Looked) {
    let ours = super::backup::moves(&palace.folder);
    for name in &folders.segments {
        if ground.segments.contains(name) {
            continue;
        }
        let folder = palace.folder.join(name);
        let found = if ours.contains(name) {
            looked.plan.moves.push(folder.clone());
            let what = "a repair was killed before it had set the old index aside";
            finding(
                "palace_repair_unfinished",
                Severity::Warning,
                what,
                &folder,
                REPAIR,
            )
        } else {
            let what = "the folder of an index that belongs to no collection";
            let remedy = "nothing; Chroma does not read it";
            finding(
                "palace_folder_unknown",
                Severity::Info,
                what,
                &folder,
                remedy,
            )
        };
        looked.diagnosis.findings.push(found);
    }
}
