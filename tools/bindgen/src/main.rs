//! Writes the JavaScript glue of a compiled `.wasm` file.
//!
//! This is the part of wasm-bindgen's command line that the build uses, over the library that the command line is made of.
//! The options have the names that they have there; `--tests` is ours.

use std::path::PathBuf;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

const USAGE: &str = "bindgen [OPTIONS] --out-dir DIR --out-name NAME INPUT.wasm

  --out-dir DIR      the folder for the glue, the wasm and the snippets
  --out-name NAME    the glue is NAME.js, the wasm NAME_bg.wasm
  --tests            glue for Node (CommonJS) that exports the raw wasm as __wasm, for a file of wasm-bindgen tests;
                     without it: glue for `<script type=module>`, which loads everywhere

  --no-typescript, --omit-default-module-path, --remove-name-section, --remove-producers-section,
  --experimental-reset-state-function, --force-enable-abort-handler: as in wasm-bindgen's own command line";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bindgen: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    let (mut input, mut folder, mut name, mut tests) = (None, None, None, false);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            "--out-dir" => folder = Some(PathBuf::from(value()?)),
            "--out-name" => name = Some(value()?),
            "--tests" => tests = true,
            "--no-typescript" => _ = bindgen.typescript(false),
            "--omit-default-module-path" => _ = bindgen.omit_default_module_path(true),
            "--remove-name-section" => _ = bindgen.remove_name_section(true),
            "--remove-producers-section" => _ = bindgen.remove_producers_section(true),
            "--experimental-reset-state-function" => _ = bindgen.reset_state_function(true),
            "--force-enable-abort-handler" => _ = bindgen.force_enable_abort_handler(true),
            option if option.starts_with('-') => {
                return Err(format!("there is no option {option}\n\n{USAGE}"));
            }
            path if input.is_none() => input = Some(PathBuf::from(path)),
            more => return Err(format!("one input is enough: {more}\n\n{USAGE}")),
        }
    }
    let missing = |what| format!("{what} is missing\n\n{USAGE}");
    let input = input.ok_or_else(|| missing("INPUT.wasm"))?;
    let folder = folder.ok_or_else(|| missing("--out-dir"))?;
    let name = name.ok_or_else(|| missing("--out-name"))?;

    let target = if tests { Bindgen::nodejs } else { Bindgen::web };
    target(&mut bindgen, true)
        // A test file is run as it is: its checks are on, and nothing in it starts by itself.
        .map(|bindgen| bindgen.debug(tests).export_wasm(tests).emit_start(!tests))
        .and_then(|bindgen| bindgen.input_path(input).out_name(&name).generate(folder))
        .map_err(|error| format!("{error:?}"))
}
