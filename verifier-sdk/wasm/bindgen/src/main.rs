//! `sillok-bindgen MODULE.wasm FOLDER`: what `wasm-bindgen --target web` does.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = arguments.as_slice() else { bail!("usage: sillok-bindgen MODULE.wasm FOLDER") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).typescript(false).omit_default_module_path(true);
    bindgen.web(true)?.generate(folder).with_context(|| format!("write bindings of {module} to {folder}"))
}
