#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| comfyglow_tests::fuzz::console(data));
