//! The encoder: token ids to one vector, as BERT computes it.
//!
//! Source: Devlin et al., BERT (2018), in the form that MiniLM has (Wang et al.
//! 2020; 6 layers of 12 heads over 384 numbers), pooled by the mean of all
//! tokens as all-MiniLM-L6-v2 was trained. One text at a time, so nothing is
//! padded.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::weights::Weights;

/// Numbers of a vector.
pub(super) const WIDTH: usize = 384;
/// Tokens that have a place.
const PLACES: usize = 512;
const LAYERS: usize = 6;
const HEADS: usize = 12;
const HEAD_WIDTH: usize = WIDTH / HEADS;
/// Numbers between the two halves of a layer.
const INNER_WIDTH: usize = 1_536;
const EPSILON: f32 = 1e-12;

/// A linear map with what is added to it.
struct Dense {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

/// What brings rows to mean 0 and variance 1, and then to learnt ones.
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
}

struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    attended: Dense,
    attended_norm: Norm,
    inner: Dense,
    outer: Dense,
    outer_norm: Norm,
}

/// The encoder.
pub(super) struct Bert {
    words: Array2<f32>,
    /// Of places, with what all tokens of one text have in common.
    places: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

impl Dense {
    fn read(weights: &Weights<'_>, name: &str, out: usize, from: usize) -> Result<Self, String> {
        Ok(Self {
            weight: weights.rows(&format!("{name}.weight"), (out, from))?,
            bias: weights.row(&format!("{name}.bias"), out)?,
        })
    }

    fn of(&self, x: &ArrayView2<'_, f32>) -> Array2<f32> {
        x.dot(&self.weight.t()) + &self.bias
    }
}

impl Norm {
    fn read(weights: &Weights<'_>, name: &str) -> Result<Self, String> {
        Ok(Self {
            weight: weights.row(&format!("{name}.weight"), WIDTH)?,
            bias: weights.row(&format!("{name}.bias"), WIDTH)?,
        })
    }

    fn of(&self, mut x: Array2<f32>) -> Array2<f32> {
        for mut row in x.rows_mut() {
            #[expect(clippy::cast_precision_loss, reason = "384 is a float")]
            let width = WIDTH as f32;
            let mean = row.sum() / width;
            row.mapv_inplace(|value| value - mean);
            let variance = row.iter().map(|value| value * value).sum::<f32>() / width;
            let scale = 1.0 / (variance + EPSILON).sqrt();
            row.mapv_inplace(|value| value * scale);
        }
        x * &self.weight + &self.bias
    }
}

impl Layer {
    fn read(weights: &Weights<'_>, number: usize) -> Result<Self, String> {
        let at = format!("encoder.layer.{number}");
        let dense = |name: &str, out: usize, from: usize| {
            Dense::read(weights, &format!("{at}.{name}"), out, from)
        };
        Ok(Self {
            query: dense("attention.self.query", WIDTH, WIDTH)?,
            key: dense("attention.self.key", WIDTH, WIDTH)?,
            value: dense("attention.self.value", WIDTH, WIDTH)?,
            attended: dense("attention.output.dense", WIDTH, WIDTH)?,
            attended_norm: Norm::read(weights, &format!("{at}.attention.output.LayerNorm"))?,
            inner: dense("intermediate.dense", INNER_WIDTH, WIDTH)?,
            outer: dense("output.dense", WIDTH, INNER_WIDTH)?,
            outer_norm: Norm::read(weights, &format!("{at}.output.LayerNorm"))?,
        })
    }

    fn of(&self, x: &Array2<f32>) -> Array2<f32> {
        let attended = self.attended.of(&self.attend(x).view());
        let x = self.attended_norm.of(attended + x);
        let mut inner = self.inner.of(&x.view());
        inner.mapv_inplace(gelu);
        self.outer_norm.of(self.outer.of(&inner.view()) + &x)
    }

    fn attend(&self, x: &Array2<f32>) -> Array2<f32> {
        let (query, key, value) = (
            self.query.of(&x.view()),
            self.key.of(&x.view()),
            self.value.of(&x.view()),
        );
        #[expect(clippy::cast_precision_loss, reason = "32 is a float")]
        let scale = 1.0 / (HEAD_WIDTH as f32).sqrt();
        let mut seen = Array2::zeros(x.raw_dim());
        for head in 0..HEADS {
            let part = s![.., head * HEAD_WIDTH..(head + 1) * HEAD_WIDTH];
            let mut shares = query.slice(part).dot(&key.slice(part).t());
            for mut row in shares.rows_mut() {
                let most = row.fold(f32::MIN, |most, share| most.max(*share));
                row.mapv_inplace(|share| ((share - most) * scale).exp());
                let sum = row.sum();
                row.mapv_inplace(|share| share / sum);
            }
            seen.slice_mut(part).assign(&shares.dot(&value.slice(part)));
        }
        seen
    }
}

impl Bert {
    /// Takes the weights that all-MiniLM-L6-v2 has; `words` is the size of its vocabulary.
    pub(super) fn read(weights: &Weights<'_>, words: usize) -> Result<Self, String> {
        let shape = |rows: usize| (rows, WIDTH);
        let kinds = weights.rows("embeddings.token_type_embeddings.weight", shape(2))?;
        let places = weights.rows("embeddings.position_embeddings.weight", shape(PLACES))?;
        let layers = (0..LAYERS).map(|number| Layer::read(weights, number));
        Ok(Self {
            words: weights.rows("embeddings.word_embeddings.weight", shape(words))?,
            places: places + kinds.row(0),
            norm: Norm::read(weights, "embeddings.LayerNorm")?,
            layers: layers.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the vector of at most [`PLACES`] tokens, of length 1; none when one of them is not of the vocabulary.
    pub(super) fn embed(&self, tokens: &[usize]) -> Option<Vec<f32>> {
        if tokens.len() > PLACES || tokens.iter().any(|token| *token >= self.words.nrows()) {
            return None;
        }
        let mut x = self.words.select(Axis(0), tokens);
        x += &self.places.slice(s![..tokens.len(), ..]);
        let mut x = self.norm.of(x);
        for layer in &self.layers {
            x = layer.of(&x);
        }
        let mut sum = x.sum_axis(Axis(0));
        let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            sum.mapv_inplace(|value| value / length);
        }
        Some(sum.to_vec())
    }
}

/// Returns x times the share of a normal distribution below x (Hendrycks and Gimpel 2016), by the error function.
fn gelu(x: f32) -> f32 {
    x * 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Returns the error function, to 1.5e-7 (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26).
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t
        + 0.254_829_6)
        * t;
    (1.0 - polynomial * (-x * x).exp()).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_has_its_known_values() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.5, 0.520_499_9),
            (-1.0, -0.842_700_8),
            (3.0, 0.999_977_9),
        ] {
            assert!((erf(x) - expected).abs() < 1e-6, "{x}: {}", erf(x));
        }
        assert!((gelu(1.0) - 0.841_344_7).abs() < 1e-6);
    }
}
