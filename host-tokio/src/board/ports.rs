//! The serial ports of this machine, and which of them may be a board's.

use serialport::{SerialPortType, UsbPortInfo};

use super::BoardError;

/// A serial port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// What opens it: `/dev/ttyACM0`, `COM3`.
    pub name: String,
    /// What is behind it, for people: `Espressif USB JTAG/serial`.
    pub what: String,
    /// How likely a board is behind it.
    pub likely: Likely,
    /// The number of the maker and of the product, of a port on USB.
    pub usb: Option<(u16, u16)>,
}

/// How likely a board is behind a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likely {
    /// It is none that a board has.
    No,
    /// It is on USB, of a kind that is unknown.
    Perhaps,
    /// It is of a kind that boards have, and other things too.
    Bridge,
    /// It is in an Espressif chip.
    Chip,
}

/// Makers and products of what boards have on USB.
const KINDS: [(u16, u16, Likely, &str); 9] = [
    (0x303A, 0x1001, Likely::Chip, "Espressif USB-Serial-JTAG"),
    (0x10C4, 0xEA60, Likely::Bridge, "CP210x bridge"),
    (0x1A86, 0x7523, Likely::Bridge, "CH340 bridge"),
    (0x1A86, 0x55D4, Likely::Bridge, "CH9102 bridge"),
    (0x1A86, 0x55D3, Likely::Bridge, "CH343 bridge"),
    (0x0403, 0x6001, Likely::Bridge, "FTDI bridge"),
    (0x0403, 0x6010, Likely::Bridge, "FTDI bridge"),
    (0x0403, 0x6014, Likely::Bridge, "FTDI bridge"),
    (0x0403, 0x6015, Likely::Bridge, "FTDI bridge"),
];

impl Port {
    fn new(name: String, kind: &SerialPortType) -> Self {
        match kind {
            SerialPortType::UsbPort(info) => Self::on_usb(name, info),
            SerialPortType::BluetoothPort => Self::unlikely(name, "Bluetooth"),
            SerialPortType::PciPort => Self::unlikely(name, "a port of this machine"),
            SerialPortType::Unknown => Self::unlikely(name, "of unknown kind"),
        }
    }

    fn on_usb(name: String, info: &UsbPortInfo) -> Self {
        let known = KINDS.iter().find(|(maker, product, ..)| (*maker, *product) == (info.vid, info.pid));
        let (likely, what) = match known {
            Some((_, _, likely, what)) => (*likely, (*what).to_owned()),
            // All of Espressif's own numbers are boards with firmware of their own.
            None if info.vid == 0x303A => (Likely::Chip, "Espressif USB".to_owned()),
            None => (Likely::Perhaps, info.product.clone().unwrap_or_else(|| "on USB".to_owned())),
        };
        Self { name, what, likely, usb: Some((info.vid, info.pid)) }
    }

    fn unlikely(name: String, what: &str) -> Self {
        Self { name, what: what.to_owned(), likely: Likely::No, usb: None }
    }

    /// The port that a person has named, whatever is behind it.
    pub fn named(name: &str) -> Self {
        let listed = ports().unwrap_or_default().into_iter().find(|port| port.name == name);
        listed.unwrap_or_else(|| Self::unlikely(name.to_owned(), "as named"))
    }
}

/// The ports of this machine, the likeliest first.
///
/// # Errors
///
/// The system doesn't tell them.
pub fn ports() -> Result<Vec<Port>, BoardError> {
    // A container may have no such folder, which `serialport` takes for granted.
    if cfg!(target_os = "linux") && !std::path::Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    let found = serialport::available_ports().map_err(|error| BoardError::Ports(error.to_string()))?;
    Ok(ranked(found.into_iter().map(|port| Port::new(port.port_name, &port.port_type)).collect()))
}

fn ranked(mut ports: Vec<Port>) -> Vec<Port> {
    // macOS has two names for each: the one for calling out waits for no carrier.
    let is_twice = |port: &Port, ports: &[Port]| {
        let called = port.name.replacen("/dev/tty.", "/dev/cu.", 1);
        called != port.name && ports.iter().any(|other| other.name == called)
    };
    let all = ports.clone();
    ports.retain(|port| !is_twice(port, &all));
    ports.sort_by(|a, b| (b.likely, &a.name).cmp(&(a.likely, &b.name)));
    ports
}

/// Of `ports`, the likeliest first, those that may be meant where none is named: those on USB that boards have, or else all on
/// USB.
pub fn candidates(ports: &[Port]) -> Vec<&Port> {
    let of = |least: Likely| ports.iter().filter(|port| port.likely >= least).collect::<Vec<_>>();
    let known = of(Likely::Bridge);
    if known.is_empty() { of(Likely::Perhaps) } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usb(name: &str, vid: u16, pid: u16, product: Option<&str>) -> Port {
        let product = product.map(str::to_owned);
        let info = UsbPortInfo { vid, pid, serial_number: None, manufacturer: None, product };
        Port::new(name.to_owned(), &SerialPortType::UsbPort(info))
    }

    #[test]
    fn what_boards_have_comes_first() {
        let ports = ranked(vec![
            Port::new("/dev/ttyS0".to_owned(), &SerialPortType::Unknown),
            usb("/dev/ttyUSB1", 0x1A86, 0x7523, None),
            usb("/dev/ttyUSB0", 0x10C4, 0xEA60, Some("CP2102")),
            usb("/dev/ttyACM1", 0x2341, 0x0043, Some("Uno")),
            usb("/dev/ttyACM0", 0x303A, 0x1001, None),
        ]);
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["/dev/ttyACM0", "/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyACM1", "/dev/ttyS0"]);
        assert_eq!(ports[0].what, "Espressif USB-Serial-JTAG");
        let names: Vec<&str> = candidates(&ports).iter().map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["/dev/ttyACM0", "/dev/ttyUSB0", "/dev/ttyUSB1"]);
        assert_eq!(candidates(&ports[3..]).len(), 1, "an unknown one on USB, where there is no other");
        assert_eq!(candidates(&ports[4..]).len(), 0);
    }

    #[test]
    fn a_port_with_two_names_is_one() {
        let ports = ranked(vec![
            usb("/dev/tty.usbmodem1", 0x303A, 0x1001, None),
            usb("/dev/cu.usbmodem1", 0x303A, 0x1001, None),
            usb("/dev/tty.other", 0x303A, 0x1001, None),
        ]);
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["/dev/cu.usbmodem1", "/dev/tty.other"]);
    }

    #[test]
    fn the_ports_of_any_machine_can_be_listed() {
        assert!(ports().is_ok());
        assert_eq!(Port::named("no-such-port").likely, Likely::No);
    }
}
