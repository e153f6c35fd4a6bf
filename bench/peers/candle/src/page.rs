//! The same peer in a page, as WebAssembly without glue code; bench/page/candle.mjs calls it.

use candle_core::{Device, Result};
use candle_nn::VarBuilder;

use crate::{DTYPE, Peer};

#[link(wasm_import_module = "page")]
unsafe extern "C" {
    /// Reports an error: text as UTF-8.
    fn complain(text: *const u8, length: usize);
}

fn complaint(text: &str) {
    unsafe { complain(text.as_ptr(), text.len()) }
}

/// Allocates memory for a file; `open` takes ownership of it.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    Box::leak(vec![0u8; length].into_boxed_slice()).as_mut_ptr()
}

fn told<T>(result: Result<T>) -> Option<T> {
    result
        .inspect_err(|error| complaint(&error.to_string()))
        .ok()
}

fn opened(config: &[u8], weights: Vec<u8>) -> Result<Peer> {
    let config = serde_json::from_slice(config).map_err(candle_core::Error::wrap)?;
    let weights = VarBuilder::from_buffered_safetensors(weights, DTYPE, &Device::Cpu)?;
    Peer::new(&config, weights)
}

/// Opens a model from config.json and model.safetensors, each in memory from `room`. Returns null on failure.
///
/// # Safety
/// Both pointers come from `room` with these lengths, and are not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(
    config: *mut u8,
    config_length: usize,
    weights: *mut u8,
    weights_length: usize,
) -> *mut Peer {
    std::panic::set_hook(Box::new(|panic| complaint(&panic.to_string())));
    let [config, weights] = [(config, config_length), (weights, weights_length)]
        .map(|(place, length)| unsafe { Vec::from_raw_parts(place, length, length) });
    told(opened(&config, weights))
        .map_or(std::ptr::null_mut(), |peer| Box::into_raw(Box::new(peer)))
}

/// Returns a pointer to 8 numbers, or null.
///
/// # Safety
/// `peer` comes from `open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn image(peer: *mut Peer) -> *const f32 {
    told(unsafe { &*peer }.image()).map_or(std::ptr::null(), |states| states.leak().as_ptr())
}

/// Returns a pointer to 21 ids, or null.
///
/// # Safety
/// `peer` comes from `open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caption(peer: *mut Peer) -> *const u32 {
    told(unsafe { &mut *peer }.caption()).map_or(std::ptr::null(), |tokens| tokens.leak().as_ptr())
}
