//! Tells the linker where the machine's memory is.
use std::{env, fs, path::PathBuf};

/// QEMU's mps2-an385, a Cortex-M3: of its memories the largest.
const ARM: &str = "MEMORY
{
  FLASH : ORIGIN = 0x00000000, LENGTH = 4M
  RAM : ORIGIN = 0x21000000, LENGTH = 16M
}
";

/// QEMU's virt, a RISC-V with 128 MB.
const RISCV: &str = "MEMORY
{
  RAM : ORIGIN = 0x80000000, LENGTH = 32M
}
REGION_ALIAS(\"REGION_TEXT\", RAM);
REGION_ALIAS(\"REGION_RODATA\", RAM);
REGION_ALIAS(\"REGION_DATA\", RAM);
REGION_ALIAS(\"REGION_BSS\", RAM);
REGION_ALIAS(\"REGION_HEAP\", RAM);
REGION_ALIAS(\"REGION_STACK\", RAM);
";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let arm = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "arm");
    fs::write(out.join("memory.x"), if arm { ARM } else { RISCV }).expect("cargo's folder can be written to");
    println!("cargo:rustc-link-search={}", out.display());
    if !arm {
        println!("cargo:rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rerun-if-changed=build.rs");
}
