//! Which port the board is at.

use comfyglow::{
    board::{BoardError, Port, candidates, ports},
    doctor::Mark,
};

use super::desk::{Desk, Stop};

/// The port that is named, or else the one that the board must be at; of several a person chooses.
pub(in crate::command) async fn choose(named: Option<&str>, desk: &mut Desk) -> Result<Port, Stop> {
    if let Some(name) = named {
        return Ok(Port::named(name));
    }
    let all = ports().map_err(Stop::board("port"))?;
    let found: Vec<Port> = candidates(&all).into_iter().cloned().collect();
    match found.as_slice() {
        [] => Err(Stop::board("port")(BoardError::NoBoard)),
        [one] => Ok(one.clone()),
        _ if !desk.can_ask() => Err(Stop::board("port")(BoardError::Several(found))),
        _ => {
            for (n, port) in found.iter().enumerate() {
                desk.tell("port", Mark::Skipped, &format!("{}: {} ({})", n + 1, port.name, port.what), None);
            }
            loop {
                let answer = desk.ask("Which of them is the board's", Some("1")).await?;
                let chosen = answer.trim().parse::<usize>().ok().and_then(|n| found.get(n.checked_sub(1)?));
                if let Some(port) = chosen {
                    return Ok(port.clone());
                }
            }
        }
    }
}
