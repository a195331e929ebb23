//! A gadget's network, as it comes and goes: what is told of it, and that the session is as it should be once it is back.

mod desk;

use std::net::Ipv4Addr;

use comfyglow_app::core::state::{ConnectionStatus, FaultKind, NetworkDown, PromptState};
use comfyglow_rig::lan::{Responder, SERVER, Speaks};
use comfyglow_tests::server::Outcome;
use desk::{Air, Desk};

/// A desk that is connected, and shows the third step of a prompt.
fn running() -> Desk {
    let mut desk = Desk::new("desk");
    desk.until(10, Desk::is_connected);
    desk.lan.server.submit("a");
    (0..3).for_each(|_| desk.lan.server.step());
    desk.pass(1_000);
    assert_eq!(desk.prompt(), Some(("a".to_owned(), PromptState::Running)));
    assert_eq!(desk.step(), Some(3));
    desk
}

#[test]
fn it_joins_and_connects_within_two_seconds() {
    for server in ["192.168.1.20", "desk", "desk.local"] {
        for make in [Desk::new, Desk::wired] {
            assert!(make(server).until(3, Desk::is_connected) <= 2, "{server}");
        }
    }
}

#[test]
fn what_is_wrong_with_the_wifi_is_told_until_it_is_mended() {
    for why in [NetworkDown::WrongPassword, NetworkDown::NotFound, NetworkDown::Refused] {
        let mut desk = Desk::new("desk");
        desk.air(Air::Bad(why));
        desk.pass(100);
        assert!(desk.is_offline(why));
        desk.pass(600_000);
        assert!(desk.is_offline(why));
        let joins = desk.joins.borrow().clone();
        assert!((30..60).contains(&joins.len()), "it is tried again, but not too often: {joins:?}");
        assert!(joins.windows(2).all(|pair| pair[1] - pair[0] >= 500), "{joins:?}");
        desk.air(Air::Clear);
        assert!(desk.until(40, Desk::is_connected) <= 33, "{why:?}");
    }
}

#[test]
fn a_wifi_that_is_lost_amid_a_prompt_is_joined_again_and_the_prompt_goes_on() {
    for seconds in [1, 60, 3_600] {
        let mut desk = running();
        desk.air(Air::Bad(NetworkDown::SignalLost));
        desk.pass(100);
        assert!(desk.is_offline(NetworkDown::SignalLost), "at once: {:?}", desk.status());
        desk.pass(seconds * 1_000);
        assert_eq!(desk.prompt(), Some(("a".to_owned(), PromptState::Running)), "nobody knows better");
        desk.lan.server.step();
        desk.air(Air::Clear);
        desk.until(40, Desk::is_connected);
        desk.lan.server.step();
        desk.pass(1_000);
        assert_eq!(desk.prompt(), Some(("a".to_owned(), PromptState::Running)));
        assert_eq!((desk.step(), desk.queue()), (Some(5), Some(1)), "after {seconds} s");
        desk.lan.server.end(Outcome::Success);
        desk.pass(1_000);
        assert_eq!(desk.prompt(), Some(("a".to_owned(), PromptState::Success)));
    }
}

#[test]
fn what_ended_while_the_wifi_was_away_is_told_once_it_is_back() {
    for (outcome, state) in [(Outcome::Success, PromptState::Success), (Outcome::Error, PromptState::Error)] {
        let mut desk = running();
        desk.air(Air::Bad(NetworkDown::SignalLost));
        desk.pass(20_000);
        desk.lan.server.end(outcome);
        desk.air(Air::Clear);
        desk.until(40, Desk::is_connected);
        desk.until(10, |desk| desk.prompt() == Some(("a".to_owned(), state)));
    }
}

#[test]
fn a_short_loss_is_over_in_a_few_seconds() {
    let mut desk = running();
    desk.pass(10_000);
    desk.air(Air::Bad(NetworkDown::SignalLost));
    desk.pass(400);
    desk.air(Air::Clear);
    assert!(desk.until(5, Desk::is_connected) <= 3);
}

#[test]
fn a_radio_that_joins_again_before_anybody_looked_is_noticed() {
    let mut desk = running();
    desk.pass(10_000);
    // Between two looks of the network's stack at its driver.
    desk.air(Air::Bad(NetworkDown::SignalLost));
    desk.cable.plug(true);
    desk.pass(20);
    desk.air(Air::Clear);
    assert!(desk.until(5, Desk::is_connected) <= 3);
}

#[test]
fn a_router_that_gives_no_address_is_told_and_one_that_does_is_found() {
    for wired in [false, true] {
        let mut desk = if wired { Desk::wired("desk") } else { Desk::new("desk") };
        let gives = desk.lan.gives.take();
        desk.pass(14_000);
        assert!(desk.is_offline(NetworkDown::Joining), "{:?}", desk.status());
        desk.pass(2_000);
        assert!(desk.is_offline(NetworkDown::NoAddress), "{:?}", desk.status());
        desk.pass(60_000);
        desk.lan.gives = gives;
        desk.until(70, Desk::is_connected);
    }
}

#[test]
fn a_cable_that_is_pulled_is_told() {
    let mut desk = Desk::wired("desk");
    desk.cable.plug(false);
    desk.pass(2_900);
    assert!(desk.is_offline(NetworkDown::Joining), "it may take a while: {:?}", desk.status());
    desk.pass(200);
    assert!(desk.is_offline(NetworkDown::NoLink));
    desk.cable.plug(true);
    assert!(desk.until(5, Desk::is_connected) <= 2);
    desk.cable.plug(false);
    desk.pass(100);
    assert!(desk.is_offline(NetworkDown::NoLink));
    desk.cable.plug(true);
    assert!(desk.until(5, Desk::is_connected) <= 2);
}

#[test]
fn another_address_after_a_loss_does_no_harm() {
    let mut desk = running();
    desk.pass(10_000);
    desk.air(Air::Bad(NetworkDown::SignalLost));
    desk.pass(1_000);
    desk.lan.gives = Some(Ipv4Addr::new(192, 168, 1, 77));
    desk.air(Air::Clear);
    desk.until(20, Desk::is_connected);
    desk.lan.server.step();
    desk.pass(1_000);
    assert_eq!(desk.step(), Some(4));
}

#[test]
fn a_server_that_moves_is_found_by_its_name() {
    let mut desk = running();
    let moved = Ipv4Addr::new(192, 168, 1, 21);
    desk.lan.names.insert("desk".to_owned(), moved);
    desk.lan.move_server(moved);
    // A dead link is found out by a ping that nobody answers.
    desk.until(60, |desk| !desk.is_connected());
    desk.until(60, Desk::is_connected);
}

#[test]
fn a_name_that_nobody_knows_is_told_and_found_once_somebody_does() {
    for (server, host) in [("attic", false), ("attic.local", true)] {
        let mut desk = Desk::new(server);
        desk.until(10, |desk| desk.status().1 == Some(FaultKind::NameUnknown));
        desk.pass(20_000);
        let knows = if host { &mut desk.lan.hosts } else { &mut desk.lan.names };
        knows.insert(server.to_owned(), SERVER);
        desk.until(320, Desk::is_connected);
    }
}

#[test]
fn local_name_answered_from_another_port_or_link_is_unknown() {
    for responder in [Responder::OtherPort, Responder::OtherLink] {
        let mut desk = Desk::new("desk.local");
        desk.lan.responder = responder;
        desk.pass(4_900);
        assert_eq!(desk.status().0, ConnectionStatus::Connecting, "{responder:?}");
        desk.pass(500);
        assert_eq!(desk.status().1, Some(FaultKind::NameUnknown), "{responder:?}");
        desk.lan.responder = Responder::Host;
        desk.until(60, Desk::is_connected);
    }
}

#[test]
fn local_name_answered_late_is_found_by_the_third_query() {
    let mut desk = Desk::new("desk.local");
    let hosts = std::mem::take(&mut desk.lan.hosts);
    desk.pass(2_500);
    desk.lan.hosts = hosts;
    desk.pass(1_000);
    assert!(desk.is_connected(), "{:?}", desk.status());
}

#[test]
fn what_is_no_comfyui_is_told() {
    let mut desk = Desk::new("desk");
    desk.lan.speaks = Speaks::Html;
    desk.pass(2_000);
    assert_eq!(desk.status(), (ConnectionStatus::Error, Some(FaultKind::NotComfyUi)));
    desk.lan.speaks = Speaks::ComfyUi;
    desk.until(40, Desk::is_connected);
}

#[test]
fn a_server_that_is_off_is_told() {
    let mut desk = Desk::new("desk");
    desk.lan.speaks = Speaks::Nothing;
    desk.until(5, |desk| desk.status().1 == Some(FaultKind::Unreachable));
}
