//! What browsers load: the verifier as WebAssembly with its JavaScript, made small, and tested as it is shipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::arrows;
use crate::workspace::{Workspace, output, say, succeed};

/// A package of verifier-sdk/wasm.
struct Package {
    /// The crate.
    name: &'static str,
    /// The folder that is written.
    folder: &'static str,
    /// The folder of the JavaScript around it.
    scripts: &'static str,
    /// What the module and the script beside it are called.
    stem: &'static str,
    /// Most bytes of the module after gzip.
    most: usize,
}

/// Builds the packages; with `test` runs their tests in Node as well.
///
/// # Errors
/// Fails when a tool does, with a module over its limit, and with `WasmAbsent` where nothing can build for wasm32.
pub(crate) fn build(workspace: &Workspace, test: bool) -> Result<()> {
    let tools = tools(workspace)?;
    for package in &PACKAGES {
        let module = compile(workspace, package)?;
        let folder = workspace.root.join(package.folder);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("empty {}", folder.display()))?;
        }
        bind(workspace, &module, &folder)?;
        optimise(&tools, &folder.join(format!("{}_bg.wasm", package.stem)))?;
        copy_scripts(workspace, package, &folder)?;
        measure(package, &folder)?;
    }
    if test { run_tests(workspace, &tools) } else { Ok(()) }
}

/// The module as rustc makes it.
fn compile(workspace: &Workspace, package: &Package) -> Result<PathBuf> {
    let (mut command, folder) = arrows::cargo_for_wasm(workspace, "std,panic_abort")?;
    command.args(["build", "--quiet", "--locked", "--lib", "--profile", "wasm", "-p", package.name]);
    // No path of whoever built it: privacy, and the same bytes elsewhere.
    let home = std::env::var("CARGO_HOME")
        .or_else(|_unset| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
    let mut remaps = vec![format!("--remap-path-prefix={}=sillok", workspace.root.display())];
    remaps.extend(home.iter().map(|home| format!("--remap-path-prefix={home}=cargo")));
    remaps.extend(
        Some(sysroot.trim())
            .filter(|root| !root.is_empty())
            .map(|root| format!("--remap-path-prefix={root}=rust")),
    );
    command.env("CARGO_ENCODED_RUSTFLAGS", remaps.join("\x1f"));
    succeed(&mut command).with_context(|| format!("build {} for wasm32", package.name))?;
    Ok(folder.join("wasm32-unknown-unknown/wasm").join(format!("{}.wasm", package.name.replace('-', "_"))))
}

/// The module and the script that wasm-bindgen makes of it.
fn bind(workspace: &Workspace, module: &Path, folder: &Path) -> Result<()> {
    // Named as the package wants it: the tool takes the name of the file.
    let stem =
        PACKAGES.iter().find(|package| workspace.root.join(package.folder) == folder).map(|one| one.stem);
    let named = module.with_file_name(format!("{}.wasm", stem.context("a package of another folder")?));
    if named != module {
        fs::copy(module, &named).with_context(|| format!("copy {}", module.display()))?;
    }
    let manifest = workspace.root.join(BINDGEN);
    let mut command = workspace.cargo_command(&["run", "--quiet", "--locked", "--manifest-path"]);
    command.arg(&manifest).arg("--target-dir").arg(workspace.target.join("bindgen")).arg("--");
    succeed(command.arg(&named).arg(folder)).context("write the bindings")
}

/// Makes the module smaller, in its place.
fn optimise(tools: &Path, module: &Path) -> Result<()> {
    let mut command = Command::new(tools.join("node_modules/.bin/wasm-opt"));
    command.arg("-Oz").args(FEATURES).arg(module).arg("-o").arg(module);
    succeed(&mut command).with_context(|| format!("optimise {}", module.display()))
}

fn copy_scripts(workspace: &Workspace, package: &Package, folder: &Path) -> Result<()> {
    let scripts = workspace.root.join(package.scripts);
    let licences = ["LICENSE-APACHE", "LICENSE-MIT"].map(|name| workspace.root.join(name));
    let mut sources: Vec<PathBuf> = licences.into();
    for item in fs::read_dir(&scripts).with_context(|| format!("list {}", scripts.display()))? {
        sources.push(item.context("list the scripts")?.path());
    }
    for source in sources {
        let name = source.file_name().context("a script without a name")?;
        fs::copy(&source, folder.join(name)).with_context(|| format!("copy {}", source.display()))?;
    }
    Ok(())
}

/// Says how large the module is, as it is sent, and holds it to its limit.
fn measure(package: &Package, folder: &Path) -> Result<()> {
    let module = folder.join(format!("{}_bg.wasm", package.stem));
    let script = "const z=require('node:zlib'),b=require('node:fs').readFileSync(process.argv[1]);\
                  console.log(b.length,z.gzipSync(b,{level:9}).length,z.brotliCompressSync(b).length)";
    let sizes = output(Command::new("node").args(["-e", script]).arg(&module))?;
    let sizes: Vec<usize> = sizes.split_whitespace().filter_map(|size| size.parse().ok()).collect();
    let [raw, gzip, brotli] = sizes[..] else { anyhow::bail!("node measured {sizes:?}") };
    let (name, most) = (package.stem, package.most);
    say(
        "web",
        format_args!("{name}_bg.wasm: {raw} bytes, {gzip} in gzip (at most {most}), {brotli} in brotli"),
    );
    ensure!(gzip <= most, "{name}_bg.wasm is {gzip} bytes in gzip, more than {most}");
    Ok(())
}

/// What is shipped, in Node: the vectors, and the types of the examples.
fn run_tests(workspace: &Workspace, tools: &Path) -> Result<()> {
    let folder = workspace.root.join(TESTS);
    let mut tests: Vec<PathBuf> = Vec::new();
    for item in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
        tests.push(item.context("list the tests")?.path());
    }
    tests.sort();
    let scripts = tests.iter().filter(|path| path.to_string_lossy().ends_with(".test.mjs"));
    succeed(Command::new("node").arg("--test").args(scripts).current_dir(&workspace.root))
        .context("run the tests in Node")?;
    let types = tests.iter().filter(|path| path.extension().is_some_and(|end| end == "ts"));
    let mut command = Command::new(tools.join("node_modules/.bin/tsc"));
    command.args([
        "--noEmit",
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--skipLibCheck",
        "false",
    ]);
    succeed(command.args(["--lib", "es2022,dom"]).args(types)).context("check the types")
}

/// The folder with the tools from npm, as the lock file says.
fn tools(workspace: &Workspace) -> Result<PathBuf> {
    let (sources, folder) = (workspace.root.join(TOOLS), workspace.target.join("web/tools"));
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let lock = fs::read(sources.join("package-lock.json")).context("read the lock of the tools")?;
    let installed = folder.join("package-lock.json");
    let is_there = folder.join("node_modules/.bin/wasm-opt").exists();
    if is_there && fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    for name in ["package.json", "package-lock.json"] {
        fs::copy(sources.join(name), folder.join(name)).with_context(|| format!("copy {name}"))?;
    }
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
    succeed(&mut command)
        .context("install the tools of verifier-sdk/wasm/tools (Node 20 and npm are needed)")?;
    Ok(folder)
}

const PACKAGES: [Package; 1] = [Package {
    name: "sillok-verifier-wasm",
    folder: "verifier-sdk/wasm/pkg",
    scripts: "verifier-sdk/wasm/js",
    stem: "sillok_verifier",
    // What it was when it was measured first, and some: it may shrink. Pages would like half.
    most: 320 * 1_024,
}];

/// What rustc writes for its default CPU, and no more: with all features the optimiser makes modules that no browser loads, and
/// without a list it breaks the table of externrefs.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

const BINDGEN: &str = "verifier-sdk/wasm/bindgen/Cargo.toml";

const TOOLS: &str = "verifier-sdk/wasm/tools";

const TESTS: &str = "verifier-sdk/wasm/tests";
