//! The same in a page, as WebAssembly without glue: bench/page/candle.mjs is its other side.

use candle_core::{Device, Result};
use candle_nn::VarBuilder;

use crate::{DTYPE, Peer};

#[link(wasm_import_module = "page")]
unsafe extern "C" {
    /// Says what went wrong: text as UTF-8.
    fn complain(text: *const u8, length: usize);
}

fn complaint(text: &str) {
    unsafe { complain(text.as_ptr(), text.len()) }
}

/// Room for a file, which `open` takes over.
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

/// A model of config.json and model.safetensors, each in its `room`; null where it cannot be opened.
///
/// # Safety
/// Both places are rooms of these lengths, which are not used again.
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

/// 8 numbers. Returns where they are, or null.
///
/// # Safety
/// `peer` is what `open` gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn image(peer: *mut Peer) -> *const f32 {
    told(unsafe { &*peer }.image()).map_or(std::ptr::null(), |states| states.leak().as_ptr())
}

/// 21 ids. Returns where they are, or null.
///
/// # Safety
/// `peer` is what `open` gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caption(peer: *mut Peer) -> *const u32 {
    told(unsafe { &mut *peer }.caption()).map_or(std::ptr::null(), |tokens| tokens.leak().as_ptr())
}
