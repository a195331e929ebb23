//! ST7789 and GC9A01 on SPI, after their data sheets, with the glass they are bonded to.

use std::{
    cell::{Ref, RefCell},
    convert::Infallible,
    rc::Rc,
};

use embedded_hal::{
    delay::DelayNs,
    digital::{self, OutputPin},
    pwm::{self, SetDutyCycle},
    spi::{self, Operation, SpiDevice},
};

/// The chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With memory for 240×320 pixels.
    St7789,
    /// With memory for 240×240 pixels, and its maker's own commands.
    Gc9a01,
}

/// A glass, and which of the chip's pixels it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glass {
    /// The chip.
    pub kind: Kind,
    /// Columns of pixels, upright.
    pub width: usize,
    /// Rows of pixels, upright.
    pub height: usize,
    /// The chip's column and row of the first.
    pub first: (usize, usize),
    /// Whether blue is where red is on others.
    pub blue_first: bool,
}

/// The glasses that modules have.
impl Glass {
    /// 1.14 inch.
    pub const SMALL: Self = Self { kind: Kind::St7789, width: 135, height: 240, first: (52, 40), blue_first: false };
    /// 1.3 inch.
    pub const SQUARE: Self = Self { kind: Kind::St7789, width: 240, height: 240, first: (0, 0), blue_first: false };
    /// 1.28 inch, round.
    pub const ROUND: Self = Self { kind: Kind::Gc9a01, width: 240, height: 240, first: (0, 0), blue_first: true };
}

/// The commands of both, with the number of their arguments.
const COMMON: [(u8, usize); 14] = [
    (0x01, 0),
    (0x10, 0),
    (0x11, 0),
    (0x12, 0),
    (0x13, 0),
    (0x20, 0),
    (0x21, 0),
    (0x28, 0),
    (0x29, 0),
    (0x2A, 4),
    (0x2B, 4),
    (0x2C, 0),
    (0x36, 1),
    (0x3A, 1),
];

/// The GC9A01's own: inner registers, of which its maker's example says more than its data sheet.
const GC9A01: [(u8, usize); 42] = [
    (0xFE, 0),
    (0xEF, 0),
    (0xEB, 1),
    (0x84, 1),
    (0x85, 1),
    (0x86, 1),
    (0x87, 1),
    (0x88, 1),
    (0x89, 1),
    (0x8A, 1),
    (0x8B, 1),
    (0x8C, 1),
    (0x8D, 1),
    (0x8E, 1),
    (0x8F, 1),
    (0xB6, 2),
    (0x90, 4),
    (0xBD, 1),
    (0xBC, 1),
    (0xFF, 3),
    (0xC3, 1),
    (0xC4, 1),
    (0xC9, 1),
    (0xBE, 1),
    (0xE1, 2),
    (0xDF, 3),
    (0xF0, 6),
    (0xF1, 6),
    (0xF2, 6),
    (0xF3, 6),
    (0xED, 2),
    (0xAE, 1),
    (0xCD, 1),
    (0x70, 9),
    (0xE8, 1),
    (0x62, 12),
    (0x63, 12),
    (0x64, 7),
    (0x66, 10),
    (0x67, 10),
    (0x74, 7),
    (0x98, 2),
];

/// Microseconds that the chip wants to be left alone after a reset, and after it woke.
const AFTER_RESET: u64 = 5_000;
const AFTER_WAKING: u64 = 5_000;

/// A module: chip and glass.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the chip's")]
pub struct Module {
    glass: Glass,
    /// Row by row, in the chip's own order.
    memory: Vec<u16>,
    rows: usize,
    columns: (usize, usize),
    lines: (usize, usize),
    at: (usize, usize),
    turning: u8,
    inverted: bool,
    sleeps: bool,
    is_on: bool,
    reset: bool,
    wants_data: bool,
    /// Percent.
    light: u8,
    /// A command and its arguments as far as they came.
    command: Option<(u8, Vec<u8>)>,
    /// The first half of a pixel.
    half: Option<u8>,
    /// Microseconds since it was given power, and until when it wants to be left alone.
    now: u64,
    busy_until: u64,
    commands: Vec<(u8, Vec<u8>)>,
}

impl Module {
    fn new(glass: Glass) -> Self {
        let rows = if glass.kind == Kind::St7789 { 320 } else { 240 };
        Self {
            glass,
            memory: (0..240 * rows).map(|at| u16::try_from(at * 40_503 % 65_521).unwrap_or_default()).collect(),
            rows,
            columns: (0, 239),
            lines: (0, rows - 1),
            at: (0, 0),
            turning: 0,
            inverted: false,
            sleeps: true,
            is_on: false,
            reset: false,
            wants_data: false,
            light: 0,
            command: None,
            half: None,
            now: 0,
            busy_until: 0,
            commands: Vec::new(),
        }
    }

    /// How bright it is lit from behind, in percent.
    pub const fn light(&self) -> u8 {
        self.light
    }

    /// What is seen, row by row, in 5, 6 and 5 bits of red, green and blue; from the side that is up when it lies on its left
    /// side, if it `lies`.
    ///
    /// # Panics
    ///
    /// It is lit and shows nothing, or colours that are none.
    pub fn picture(&self, lies: bool) -> Vec<u16> {
        let Glass { width, height, first: (left, top), blue_first, .. } = self.glass;
        assert!(self.is_on && !self.sleeps, "it is off");
        assert!(self.inverted, "command 0x21: this glass shows the opposite");
        assert_eq!(self.turning & 8 != 0, blue_first, "command 0x36: red and blue are exchanged");
        let pixel = |x: usize, y: usize| self.memory[(top + y) * 240 + left + x];
        if lies {
            (0..width).flat_map(|y| (0..height).map(move |x| pixel(width - 1 - y, x))).collect()
        } else {
            (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect()
        }
    }

    fn reset(&mut self, low: bool) {
        if self.reset && !low {
            let commands = std::mem::take(&mut self.commands);
            let Self { light, now, wants_data, .. } = *self;
            let busy_until = now + AFTER_RESET;
            *self = Self { wants_data, light, now, busy_until, commands, ..Self::new(self.glass) };
        }
        self.reset = low;
    }

    fn take(&mut self, bytes: &[u8]) {
        assert!(!self.reset, "it is being reset");
        for byte in bytes {
            if self.wants_data { self.data(*byte) } else { self.begin(*byte) }
        }
    }

    fn begin(&mut self, command: u8) {
        self.end();
        assert!(self.now >= self.busy_until, "command {command:#04x} comes {} µs early", self.busy_until - self.now);
        self.command = Some((command, Vec::new()));
        if self.wanted(command) == 0 {
            self.obey(command, &[]);
        }
        self.at = (self.columns.0, self.lines.0);
    }

    /// What was said is at its end.
    fn end(&mut self) {
        assert!(self.half.is_none(), "half a pixel");
        if let Some((command, arguments)) = self.command.take() {
            let wanted = self.wanted(command);
            assert!(command == 0x2C || arguments.len() == wanted, "{command:#04x} with {arguments:02x?}");
            self.commands.push((command, arguments));
        }
    }

    fn wanted(&self, command: u8) -> usize {
        let own: &[_] = if self.glass.kind == Kind::Gc9a01 { &GC9A01 } else { &[] };
        let found = COMMON.iter().chain(own).find(|known| known.0 == command);
        found.unwrap_or_else(|| panic!("{command:#04x} is no command of {:?}", self.glass.kind)).1
    }

    fn data(&mut self, byte: u8) {
        let Some((command, mut arguments)) = self.command.take() else { panic!("data without a command") };
        if command == 0x2C {
            match self.half.take() {
                Some(high) => self.pixel(u16::from_be_bytes([high, byte])),
                None => self.half = Some(byte),
            }
        } else {
            arguments.push(byte);
            if arguments.len() == self.wanted(command) {
                self.obey(command, &arguments);
            }
        }
        self.command = Some((command, arguments));
    }

    fn pixel(&mut self, pixel: u16) {
        let (x, y) = self.at;
        assert!(y <= self.lines.1, "more pixels than the window has");
        let ((mirror_x, mirror_y), turned) =
            ((self.turning & 0x40 != 0, self.turning & 0x80 != 0), self.turning & 0x20);
        let (column, row) = if turned == 0 { (x, y) } else { (y, x) };
        let column = if mirror_x { 239 - column } else { column };
        let row = if mirror_y { self.rows - 1 - row } else { row };
        self.memory[row * 240 + column] = pixel;
        self.at = if x == self.columns.1 { (self.columns.0, y + 1) } else { (x + 1, y) };
    }

    fn obey(&mut self, command: u8, arguments: &[u8]) {
        let (wide, high) = if self.turning & 0x20 == 0 { (240, self.rows) } else { (self.rows, 240) };
        let range = |most: usize| {
            let [from, to] = [0, 2].map(|at| usize::from(u16::from_be_bytes([arguments[at], arguments[at + 1]])));
            assert!(from <= to && to < most, "{command:#04x}: from {from} to {to}");
            (from, to)
        };
        match command {
            0x01 => panic!("it is reset by its pin"),
            0x10 => self.sleeps = true,
            0x11 => {
                self.sleeps = false;
                self.busy_until = self.now + AFTER_WAKING;
            }
            0x20 | 0x21 => self.inverted = command == 0x21,
            0x28 | 0x29 => self.is_on = command == 0x29,
            0x2A => self.columns = range(wide),
            0x2B => self.lines = range(high),
            0x36 => {
                assert_eq!(arguments[0] & 3, 0, "command 0x36 has no such bits");
                self.turning = arguments[0];
            }
            0x3A => assert_eq!(arguments[0] & 7, 5, "command 0x3a: pixels are told in 16 bits"),
            _ => {}
        }
    }
}

/// A module's wires; clones are the same module's.
#[derive(Clone, Debug)]
pub struct Wires(Rc<RefCell<Module>>);

/// One of its wires.
#[derive(Clone, Debug)]
pub struct Wire(Rc<RefCell<Module>>, fn(&mut Module, bool));

impl Wires {
    /// A module that was given power just now.
    pub fn new(glass: Glass) -> Self {
        Self(Rc::new(RefCell::new(Module::new(glass))))
    }

    /// The module.
    pub fn module(&self) -> Ref<'_, Module> {
        self.0.borrow()
    }

    /// The commands since the last call; pixels are not told.
    pub fn commands(&self) -> Vec<(u8, Vec<u8>)> {
        let module = &mut *self.0.borrow_mut();
        module.end();
        std::mem::take(&mut module.commands)
    }

    /// So many microseconds have passed.
    pub fn pass(&self, micros: u64) {
        self.0.borrow_mut().now += micros;
    }

    /// The wire that tells commands from pixels.
    pub fn data(&self) -> Wire {
        Wire(self.0.clone(), |module, high| module.wants_data = high)
    }

    /// The wire that begins anew.
    pub fn reset(&self) -> Wire {
        Wire(self.0.clone(), |module, high| module.reset(!high))
    }
}

impl digital::ErrorType for Wire {
    type Error = Infallible;
}

impl OutputPin for Wire {
    fn set_low(&mut self) -> Result<(), Infallible> {
        (self.1)(&mut self.0.borrow_mut(), false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        (self.1)(&mut self.0.borrow_mut(), true);
        Ok(())
    }
}

impl spi::ErrorType for Wires {
    type Error = Infallible;
}

impl SpiDevice for Wires {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        for operation in operations {
            match operation {
                Operation::Write(bytes) => self.0.borrow_mut().take(bytes),
                Operation::DelayNs(nanos) => self.pass(u64::from(*nanos / 1_000)),
                _ => panic!("modules have no wire to be read by"),
            }
        }
        Ok(())
    }
}

impl DelayNs for Wires {
    fn delay_ns(&mut self, nanos: u32) {
        self.pass(u64::from(nanos / 1_000));
    }
}

impl pwm::ErrorType for Wires {
    type Error = Infallible;
}

impl SetDutyCycle for Wires {
    fn max_duty_cycle(&self) -> u16 {
        100
    }

    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Infallible> {
        self.0.borrow_mut().light = u8::try_from(duty).expect("of 100");
        Ok(())
    }
}
