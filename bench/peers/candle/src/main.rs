//! Reads orders as lines of JSON on stdin and answers as lines on stdout, as bench/peers/line_json.py does.
//!
//!     RAYON_NUM_THREADS=2 candle-peer ITM CAPTION
//!
//! The first folder's weights encode the image, as in the other peers; the second's make the caption.
use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::time::Instant;

use candle_core::Device;
use candle_nn::VarBuilder;
use candle_peer::{DTYPE, Peer};
use serde_json::{Value, json};

type Answer = Result<Value, Box<dyn Error>>;

fn load(itm: &Path, caption: &Path) -> Result<Peer, Box<dyn Error>> {
    let config = serde_json::from_slice(&std::fs::read(caption.join("config.json"))?)?;
    // If several files hold a tensor, the last file is read.
    let files = [caption, itm].map(|folder| folder.join("model.safetensors"));
    // The files are mapped, as in candle's example, so they must not change while this runs.
    let weights = unsafe { VarBuilder::from_mmaped_safetensors(&files, DTYPE, &Device::Cpu)? };
    Ok(Peer::new(&config, weights)?)
}

fn timed<T>(work: impl FnOnce() -> candle_core::Result<Vec<T>>) -> Answer
where
    Value: From<Vec<T>>,
{
    let start = Instant::now();
    let outputs = work()?;
    let value = start.elapsed().as_secs_f64();
    Ok(json!({ "value": value, "outputs": Value::from(outputs) }))
}

fn answer(peer: &mut Option<Peer>, [itm, caption]: [&Path; 2], order: &Value) -> Answer {
    let name = order["do"].as_str().unwrap_or_default();
    if name == "versions" {
        return Ok(json!({ "candle": CANDLE_VERSION }));
    }
    if peer.is_none() {
        *peer = Some(load(itm, caption)?);
    }
    let peer = peer.as_mut().ok_or("not loaded")?;
    match name {
        "image" => timed(|| peer.image()),
        "caption" => timed(|| peer.caption()),
        _ => Err(format!("unknown order: {order}").into()),
    }
}

/// The version in Cargo.toml.
const CANDLE_VERSION: &str = "0.11.1";

fn main() -> Result<(), Box<dyn Error>> {
    let folders: Vec<_> = std::env::args().skip(1).collect();
    let [itm, caption] = folders.as_slice() else {
        return Err("usage: candle-peer ITM CAPTION".into());
    };
    let folders = [itm, caption].map(Path::new);
    let mut peer = None;
    for line in stdin().lock().lines() {
        let said = match answer(&mut peer, folders, &serde_json::from_str(&line?)?) {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let mut out = stdout().lock();
        writeln!(out, "{said}")?;
        out.flush()?;
    }
    Ok(())
}
