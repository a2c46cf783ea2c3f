//! The bad day: a model that another program computes otherwise, so that the vectors of the two cannot be compared; or
//! a folder that holds something else.
//!
//! `reference.json` was computed from the published weights by another runtime in 32-bit floats
//! (`tools/distill/teacher.py`). The comparison runs where `STEADFAST_MINILM` names a folder with `model.safetensors`
//! and `tokenizer.json` of all-MiniLM-L6-v2, and says in one line that it is skipped otherwise.

#![expect(clippy::print_stderr, reason = "a test says when it is skipped")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use steadfast_embed::{Embed as _, EmbedError, MiniLm, embed_proven};

fn published() -> Option<PathBuf> {
    let folder = std::env::var_os("STEADFAST_MINILM").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped without STEADFAST_MINILM: a folder with all-MiniLM-L6-v2");
    }
    folder
}

#[test]
fn vectors_are_those_that_another_runtime_computes() {
    let Some(folder) = published() else { return };
    let model = MiniLm::open(&folder).unwrap();
    let reference: Value = serde_json::from_str(include_str!("reference.json")).unwrap();
    for expected in reference.as_array().unwrap() {
        let text = expected["text"].as_str().unwrap();
        let vector = &embed_proven(&model, &[text]).unwrap()[0].0;
        let numbers = expected["vector"].as_array().unwrap();
        assert_eq!(vector.len(), numbers.len());
        for (found, number) in vector.iter().zip(numbers) {
            let off = (f64::from(*found) - number.as_f64().unwrap()).abs();
            assert!(off < 1e-4, "{text:.40}: {off}");
        }
    }
    // Behind the 256th token nothing is read; a text without any says nothing.
    let text = reference[3]["text"].as_str().unwrap();
    let longer = format!("{text} and something else");
    let vectors = model.embed(&[text, &longer, "", " \n"]).unwrap();
    assert_eq!(vectors[0], vectors[1]);
    assert!(vectors[2].is_zero() && vectors[3].is_zero());
}

#[test]
fn another_file_is_another_space_and_a_damaged_one_is_refused() {
    let Some(published) = published() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["model.safetensors", "tokenizer.json"] {
        fs::copy(published.join(name), folder.path().join(name)).unwrap();
    }
    let first = MiniLm::open(folder.path()).unwrap().model().clone();
    let file = folder.path().join("model.safetensors");
    let whole = fs::read(&file).unwrap();
    let mut other = whole.clone();
    let last = other.len() - 4;
    other[last..].copy_from_slice(&0.25_f32.to_le_bytes());
    fs::write(&file, &other).unwrap();
    let second = MiniLm::open(folder.path()).unwrap().model().clone();
    assert_ne!(first.hash, second.hash);
    assert_eq!(first.dimensions, second.dimensions);
    for cut in [0, 7, 8, 1_000, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..cut]).unwrap();
        assert_unusable(folder.path(), "model.safetensors");
    }
}

#[test]
fn a_folder_without_a_model_is_told_by_the_file() {
    let folder = tempfile::tempdir().unwrap();
    assert_unusable(folder.path(), "model.safetensors");
    fs::write(
        folder.path().join("model.safetensors"),
        b"\x02\0\0\0\0\0\0\0{}",
    )
    .unwrap();
    assert_unusable(folder.path(), "tokenizer.json");
    fs::write(folder.path().join("tokenizer.json"), b"{}").unwrap();
    assert_unusable(folder.path(), "tokenizer.json");
}

fn assert_unusable(folder: &Path, file: &str) {
    match MiniLm::open(folder).map(drop) {
        Err(error @ EmbedError::Unusable { .. }) => {
            assert!(error.to_string().contains(file), "{error}");
            assert!(!error.is_transient());
        }
        other => panic!("{other:?}"),
    }
}
