//! interim
use comfyglow_app::{Store, Settings, setup::{Answer, Asked, Board, Console, Desk, Display}};
use comfyglow_qemu::Flash;
use embedded_io_async::{Read as _, Write as _};
use crate::{machine, uart};
const BOARD: Board = Board { version: "0.1.0", chip: "virt", radio: true, displays: &[Display::Ssd1306W128H64] };
pub(crate) async fn run(saved: Settings, mut store: Store<Flash>) -> ! {
    let mut desk = Desk::new(BOARD, saved);
    let mut console = Console::new();
    let mut answer = Answer::new();
    let mut bytes = [0; 32];
    loop {
        let Ok(some) = uart::Input.read(&mut bytes).await;
        for byte in &bytes[..some] {
            let heard = console.hear(*byte);
            _ = uart::Output.write_all(heard.echo).await;
            let Some(line) = heard.line else { continue };
            answer.clear();
            let asked = desk.answer(line, &mut answer);
            match asked {
                Asked::Nothing | Asked::Restart => {}
                Asked::Save => { let r = store.save(desk.settings()).await; desk.saved(r, &mut answer); }
                Asked::Forget => { let r = store.forget().await; desk.forgotten(r, &mut answer); }
                Asked::Status => Desk::done(&mut answer),
            }
            _ = uart::Output.write_all(answer.as_bytes()).await;
            if asked == Asked::Restart { machine::restart() }
        }
    }
}
