//! candle's BLIP (candle-transformers), with the same orders as the other peers: it encodes one image, and makes a
//! greedy caption as candle's own example does. Inputs are those of packages/cli/src/bench/inputs.ts.

#[cfg(target_family = "wasm")]
mod page;

use candle_core::{D, DType, Device, IndexOp, Module, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::blip::{BlipForConditionalGeneration, Config};

const CAPTION_TOKENS: usize = 20;
const PIXEL_SCALE: f64 = 2.0;
const STATE_SCALE: f64 = 1.7;
const DEC: u32 = 30522;
const SEP: usize = 102;

/// ((7919 i) mod 4096) / 2048 - 1, times `scale`, rounded once.
fn numbers(dims: &[usize], scale: f64) -> Result<Tensor> {
    let count: usize = dims.iter().product();
    let data: Vec<f32> = (0..count)
        .map(|i| (((i * 7919 % 4096) as f64 / 2048.0 - 1.0) * scale) as f32)
        .collect();
    Tensor::from_vec(data, dims, &Device::Cpu)
}

pub struct Peer {
    net: BlipForConditionalGeneration,
    pixels: Tensor,
    states: Tensor,
}

impl Peer {
    /// `config` is a config.json in transformers' form, which candle reads as it is.
    pub fn new(config: &Config, weights: VarBuilder) -> Result<Self> {
        // The file holds the tied matrix once; candle also reads it by its second name.
        let weights = weights.rename_f(|name| match name {
            "text_decoder.cls.predictions.decoder.weight" => {
                "text_decoder.bert.embeddings.word_embeddings.weight".to_string()
            }
            _ => name.to_string(),
        });
        let vision = &config.vision_config;
        let size = vision.image_size;
        let tokens = (size / vision.patch_size).pow(2) + 1;
        Ok(Self {
            net: BlipForConditionalGeneration::new(config, weights)?,
            pixels: numbers(&[1, 3, size, size], PIXEL_SCALE)?,
            states: numbers(&[1, tokens, vision.hidden_size], STATE_SCALE)?,
        })
    }

    /// The first 8 numbers of the image's states.
    pub fn image(&self) -> Result<Vec<f32>> {
        let states = self.net.vision_model().forward(&self.pixels)?;
        states.flatten_all()?.i(..8)?.to_vec1()
    }

    /// [DEC] and 20 tokens, with [SEP] suppressed. As in candle's example, each step gets only the last token: it keeps
    /// the keys and values of the text and computes those of the image again.
    pub fn caption(&mut self) -> Result<Vec<u32>> {
        self.net.reset_kv_cache();
        let mut tokens = vec![DEC];
        while tokens.len() <= CAPTION_TOKENS {
            let last = Tensor::new(&tokens[tokens.len() - 1..], &Device::Cpu)?.unsqueeze(0)?;
            let logits = self.net.text_decoder().forward(&last, &self.states)?;
            let logits = logits.flatten_all()?;
            let after = logits.narrow(D::Minus1, SEP + 1, logits.elem_count() - SEP - 1)?;
            let held = Tensor::full(f32::NEG_INFINITY, 1, &Device::Cpu)?;
            let allowed = Tensor::cat(&[&logits.i(..SEP)?, &held, &after], 0)?;
            tokens.push(allowed.argmax(0)?.to_scalar::<u32>()?);
        }
        Ok(tokens)
    }
}

/// The type of all computation.
pub const DTYPE: DType = DType::F32;
