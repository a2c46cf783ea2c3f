//! A file of weights in the safetensors format, with every length proven before it is believed.
//!
//! Format: <https://github.com/huggingface/safetensors>: the length of the
//! header in eight bytes, the header in JSON, the numbers. Only 32-bit floats
//! are read, as other kinds would have to be converted.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};
use serde_json::Value;

/// The longest header that is read, in bytes.
const HEADER_BYTES_MAX: usize = 16 << 20;

/// Tensors by name.
pub(super) struct Weights<'f> {
    tensors: BTreeMap<String, Tensor<'f>>,
}

struct Tensor<'f> {
    shape: Vec<usize>,
    bytes: &'f [u8],
}

impl<'f> Weights<'f> {
    /// Reads the header of a file; what it says is wrong with the file otherwise.
    pub(super) fn read(file: &'f [u8]) -> Result<Self, String> {
        let (length, rest) = file.split_first_chunk::<8>().ok_or("it is too short")?;
        let length = usize::try_from(u64::from_le_bytes(*length))
            .ok()
            .filter(|length| *length <= HEADER_BYTES_MAX)
            .ok_or("its header is too long")?;
        let (header, body) = rest.split_at_checked(length).ok_or("it is cut")?;
        let Ok(Value::Object(header)) = serde_json::from_slice(header) else {
            return Err("its header is no JSON object".to_owned());
        };
        let mut tensors = BTreeMap::new();
        for (name, entry) in header {
            if entry.get("dtype").and_then(Value::as_str) != Some("F32") {
                continue;
            }
            let numbers = |name: &str| -> Option<Vec<usize>> {
                let list = entry.get(name)?.as_array()?.iter();
                list.map(|number| usize::try_from(number.as_u64()?).ok())
                    .collect()
            };
            let (Some(shape), Some(offsets)) = (numbers("shape"), numbers("data_offsets")) else {
                return Err(format!("{name} is malformed"));
            };
            let (&[first, last], Some(floats)) = (
                offsets.as_slice(),
                shape
                    .iter()
                    .try_fold(1_usize, |product, side| product.checked_mul(*side)),
            ) else {
                return Err(format!("{name} is malformed"));
            };
            let bytes = body
                .get(first..last)
                .filter(|bytes| Some(bytes.len()) == floats.checked_mul(4))
                .ok_or_else(|| format!("{name} is cut"))?;
            tensors.insert(name, Tensor { shape, bytes });
        }
        Ok(Self { tensors })
    }

    /// Returns a tensor of one row.
    pub(super) fn row(&self, name: &str, columns: usize) -> Result<Array1<f32>, String> {
        Ok(Array1::from(self.floats(name, &[columns])?))
    }

    /// Returns a tensor of some rows.
    pub(super) fn rows(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
    ) -> Result<Array2<f32>, String> {
        let floats = self.floats(name, &[rows, columns])?;
        Array2::from_shape_vec((rows, columns), floats).map_err(|error| error.to_string())
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| format!("it has no {name} of 32-bit floats"))?;
        if tensor.shape != shape {
            return Err(format!(
                "{name} has the shape {:?}, {shape:?} was expected",
                tensor.shape
            ));
        }
        let floats = tensor.bytes.as_chunks::<4>().0.iter();
        let floats: Vec<f32> = floats.map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if floats.iter().all(|float| float.is_finite()) {
            return Ok(floats);
        }
        Err(format!("{name} has values that are no numbers"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, floats: &[f32]) -> Vec<u8> {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
        file
    }

    #[test]
    fn a_tensor_is_what_its_header_says_or_is_refused() {
        let whole = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#;
        let bytes = file(whole, &[1.0, 2.0]);
        let weights = Weights::read(&bytes).unwrap();
        let rows = weights.rows("a", (2, 1)).unwrap();
        assert_eq!(rows[(1, 0)].to_bits(), 2.0_f32.to_bits());
        assert!(weights.rows("a", (1, 2)).is_err());
        assert!(weights.row("b", 2).is_err());
        for cut in 0..bytes.len() {
            let read = Weights::read(&bytes[..cut]);
            assert!(read.is_err(), "{cut} bytes");
        }
        for header in [
            "[]",
            r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#,
        ] {
            assert!(
                Weights::read(&file(header, &[1.0, 2.0])).is_err(),
                "{header}"
            );
        }
        let bytes = file(whole, &[f32::NAN, 2.0]);
        assert!(Weights::read(&bytes).unwrap().rows("a", (2, 1)).is_err());
        assert!(Weights::read(&u64::MAX.to_le_bytes()).is_err());
    }
}
