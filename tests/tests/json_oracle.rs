//! The core's lexer accepts what `serde_json` accepts, and tells the values that it tells; `oracle` says what is meant to
//! differ.

use comfyglow_tests::{
    oracle::{check, core},
    strategies::{
        messages::{any_message, edits, mutate, mutated},
        spelling::{Spelling, spell, spelling},
        values::{any_value, deep_value},
    },
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn well_formed_values_in_every_spelling(
        value in prop_oneof![9 => any_value().boxed(), 1 => deep_value().boxed()],
        odd in spelling(),
        size in 1..40_usize,
    ) {
        for spelling in [Spelling::Dumps, Spelling::Compact, odd] {
            let text = spell(&value, &spelling);
            check(&text, size);
            prop_assert_eq!(core(&text, size).ok(), core(&text, text.len()).ok());
        }
    }

    #[test]
    fn messages(text in any_message(), size in 1..40_usize) {
        check(&text, size);
    }

    #[test]
    fn mutated_messages(text in mutated(), size in 1..40_usize) {
        check(&text, size);
    }

    #[test]
    fn mutated_values(value in any_value(), odd in spelling(), edits in edits(), size in 1..40_usize) {
        let text = String::from_utf8_lossy(&mutate(spell(&value, &odd).into_bytes(), &edits)).into_owned();
        check(&text, size);
    }
}

/// So that the tests above are known to look at both.
#[test]
fn the_oracle_knows_good_from_bad() {
    for (text, good) in [
        ("{\"a\": [1, NaN, -Infinity, \"\\ud800\", 1e999]}", true),
        ("[\"\\ud83d\\ude00 \\\\ud800 \\\" NaN\", 123456789012345678901234567890]", true),
        ("{NaN: 1}", false),
        ("1NaN", false),
        ("-NaN", false),
        ("[1e]", false),
        ("[1.]", false),
        ("[01]", false),
        ("[-01]", false),
        ("[1.e5]", false),
        ("[1e+]", false),
        ("[-]", false),
        ("1.", false),
        ("\"\\ud8\"", false),
        ("", false),
    ] {
        assert_eq!(check(text, 3), good, "{text}");
    }
    assert!(check(&"4".repeat(400), 7), "of any length, past an f64's");
}
