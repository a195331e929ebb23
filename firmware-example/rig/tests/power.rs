//! Power stops at each word of each write: what is kept is the old or the new, and what is kept next is kept.

use comfyglow_app::{Journal, Store, cell};
use comfyglow_rig::nor::Nor;
use comfyglow_setup::Settings;
use embassy_futures::block_on;
use fastrand::Rng;

/// The most bytes that a session's record takes, as the gadget keeps it.
const RECORD: usize = 1_100;

/// Something that is kept, as a number says.
trait Keeper<const PAGE: usize> {
    /// Keeps the next, unless power stops.
    fn keep(chip: &Nor<PAGE>, number: u32) -> bool;
    /// What is kept: 0 for nothing.
    fn kept(chip: &Nor<PAGE>) -> u32;
}

/// The settings.
struct Saved;

impl<const PAGE: usize> Keeper<PAGE> for Saved {
    fn keep(chip: &Nor<PAGE>, number: u32) -> bool {
        let mut settings = Settings::new();
        settings.set("server", &format!("{}.{number}", "a".repeat(number as usize % 50))).unwrap();
        settings.set("password", &format!("the secret {number}")).unwrap();
        block_on(store(chip).save(&settings)).is_ok()
    }

    fn kept(chip: &Nor<PAGE>) -> u32 {
        let settings = block_on(store(chip).load()).unwrap();
        settings.password().strip_prefix("the secret ").map_or(0, |number| number.parse().unwrap())
    }
}

fn store<const PAGE: usize>(chip: &Nor<PAGE>) -> Store<Nor<PAGE>> {
    Store::new(chip.clone(), 0..2 * u32::try_from(PAGE).unwrap())
}

/// The last prompt and what was learned: longer records, one behind the other.
struct Last;

impl<const PAGE: usize> Keeper<PAGE> for Last {
    fn keep(chip: &Nor<PAGE>, number: u32) -> bool {
        let record = vec![0x5A; 4 + (number as usize * 37) % (RECORD - 4)];
        let record = [&number.to_le_bytes(), &record[4..]].concat();
        block_on(journal(chip).add(&record)).is_ok()
    }

    fn kept(chip: &Nor<PAGE>) -> u32 {
        let mut journal = journal(chip);
        let record = block_on(journal.newest()).unwrap();
        record.map_or(0, |record| u32::from_le_bytes(*record.first_chunk().unwrap()))
    }
}

fn journal<const PAGE: usize>(chip: &Nor<PAGE>) -> Journal<Nor<PAGE>, { cell(RECORD) }> {
    Journal::new(chip.clone(), 0..2 * u32::try_from(PAGE).unwrap()).unwrap()
}

/// Stops at each step of each of `saves`, starts again, and goes on.
fn sweep<K: Keeper<PAGE>, const PAGE: usize>(saves: u32) {
    let chip = Nor::<PAGE>::new(2, 1);
    for number in 1..=saves {
        let before = chip.copy(u64::from(number));
        assert!(K::keep(&chip, number));
        let steps = chip.steps() - before.steps();
        for step in 1..=steps {
            let chip = before.copy(step << 32 | u64::from(number));
            chip.stop_behind(step);
            assert!(!K::keep(&chip, number), "{number}, step {step}: power stopped");
            chip.restart();
            // More than once, as bits may waver.
            for _ in 0..3 {
                let kept = K::kept(&chip);
                assert!(kept == number || kept == number - 1, "save {number}, step {step}: {kept} is kept");
            }
            assert!(K::keep(&chip, saves + 1));
            assert_eq!(K::kept(&chip), saves + 1, "save {number}, step {step}: the next is kept");
        }
    }
}

/// Power stops again and again, at any step, for hours.
fn often<K: Keeper<PAGE>, const PAGE: usize>(seed: u64, rounds: u32) {
    let chip = Nor::<PAGE>::new(2, seed);
    let mut chance = Rng::with_seed(seed);
    let mut oldest = 0;
    for number in 1..=rounds {
        if chance.u8(..4) > 0 {
            // Most often near the beginning, in the erase, or near the end.
            chip.stop_behind(if chance.bool() { chance.u64(1..4) } else { chance.u64(1..700) });
        }
        if K::keep(&chip, number) {
            oldest = number;
        }
        chip.restart();
        for _ in 0..3 {
            let kept = K::kept(&chip);
            assert!((oldest..=number).contains(&kept), "seed {seed}: {kept} is kept, not {oldest} to {number}");
        }
    }
    assert!(oldest > 0, "some were kept");
}

#[test]
fn settings_on_the_esp32_s_flash() {
    sweep::<Saved, 4_096>(100);
}

#[test]
fn settings_on_small_pages() {
    sweep::<Saved, 2_048>(100);
}

#[test]
fn the_last_prompt_on_the_esp32_s_flash() {
    sweep::<Last, 4_096>(60);
}

#[test]
fn the_last_prompt_on_small_pages() {
    sweep::<Last, 2_048>(60);
}

#[test]
fn again_and_again() {
    for seed in 0..100 {
        often::<Saved, 4_096>(seed, 200);
        often::<Last, 4_096>(seed, 200);
        often::<Last, 2_048>(seed, 200);
    }
}

#[test]
fn a_year_of_prompts_without_a_pause_wears_no_page_out() {
    let chip = Nor::<4_096>::new(2, 0);
    for number in 1..=365 * 24 * 6 {
        assert!(Last::keep(&chip, number));
    }
    assert!(chip.erases().iter().all(|erases| *erases < 10_000), "{:?}", chip.erases());
}

#[test]
fn of_a_secret_that_was_replaced_or_forgotten_nothing_is_left() {
    let chip = Nor::<4_096>::new(2, 0);
    assert!(Saved::keep(&chip, 1));
    assert!(chip.holds(b"the secret 1"));
    assert!(Saved::keep(&chip, 2));
    assert!(!chip.holds(b"the secret 1"));
    block_on(store(&chip).forget()).unwrap();
    assert!(!chip.holds(b"the secret"));
    assert_eq!(Saved::kept(&chip), 0);
}

#[test]
fn what_else_is_in_flash_is_not_taken_for_settings() {
    let chip = Nor::<4_096>::new(2, 0);
    let chance = &mut Rng::with_seed(7);
    let noise: Vec<u8> = std::iter::repeat_with(|| chance.u8(..)).take(8_192).collect();
    block_on(async {
        use embedded_storage_async::nor_flash::NorFlash as _;
        chip.clone().write(0, &noise).await.unwrap();
    });
    assert_eq!(Saved::kept(&chip), 0);
    assert!(Saved::keep(&chip, 1));
    assert_eq!(Saved::kept(&chip), 1);
}
