//! SSD1306 and SH1106 on I2C, after their data sheets, with the glass they are bonded to.

use std::{
    cell::{Ref, RefCell, RefMut},
    future::pending,
    rc::Rc,
};

use embedded_hal_async::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

/// The chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 128 columns; pages, rows or columns.
    Ssd1306,
    /// The same in a variant that can make the segments' current itself.
    Ssd1306B,
    /// 132 columns, and pages only.
    Sh1106,
}

/// How a glass is wired to its chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glass {
    /// The chip.
    pub kind: Kind,
    /// Columns of pixels.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// The chip's segment of the first column.
    pub first: usize,
    /// Whether the rows' wires come from both sides in turns, as command 0xDA is to say.
    pub alternates: bool,
}

/// The glasses that modules have.
impl Glass {
    /// 0.42 inch.
    pub const TINY: Self = Self { kind: Kind::Ssd1306B, width: 72, height: 40, first: 28, alternates: true };
    /// 0.91 inch.
    pub const STRIP: Self = Self { kind: Kind::Ssd1306, width: 128, height: 32, first: 0, alternates: false };
    /// 0.96 inch.
    pub const CARD: Self = Self { kind: Kind::Ssd1306, width: 128, height: 64, first: 0, alternates: true };
    /// 1.3 inch.
    pub const WIDE: Self = Self { kind: Kind::Sh1106, width: 128, height: 64, first: 2, alternates: true };
}

/// How memory is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Rows,
    Columns,
    Pages,
}

/// A module: chip and glass.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the chip's")]
pub struct Module {
    glass: Glass,
    /// Pages of columns.
    memory: [[u8; 132]; 8],
    mode: Mode,
    column: usize,
    page: usize,
    columns: (usize, usize),
    pages: (usize, usize),
    first_line: usize,
    offset: usize,
    rows: usize,
    contrast: u8,
    alternates: bool,
    mirrored: (bool, bool),
    supply: bool,
    is_on: bool,
    all_on: bool,
    inverted: bool,
    /// A command that waits for its arguments, over the transactions.
    pending: Vec<u8>,
}

impl Module {
    /// A module that was given power: its memory holds noise.
    pub fn new(glass: Glass) -> Self {
        let mut noise = 0x5EED_u32;
        let mut byte = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_le_bytes()[3]
        };
        let memory = std::array::from_fn(|_| std::array::from_fn(|_| byte()));
        Self {
            glass,
            memory,
            mode: Mode::Pages,
            column: 0,
            page: 0,
            columns: (0, 127),
            pages: (0, 7),
            first_line: 0,
            offset: 0,
            rows: 64,
            contrast: 0x7F,
            alternates: true,
            mirrored: (false, false),
            supply: false,
            is_on: false,
            all_on: false,
            inverted: false,
            pending: Vec::new(),
        }
    }

    /// How bright its pixels are.
    pub const fn contrast(&self) -> u8 {
        self.contrast
    }

    /// Whether it shows anything.
    pub const fn is_on(&self) -> bool {
        self.is_on
    }

    /// What is seen: row by row, whether each pixel is lit.
    ///
    /// # Panics
    ///
    /// It is on, and set up for another glass.
    pub fn picture(&self) -> Vec<bool> {
        let Glass { kind, width, height, first, alternates } = self.glass;
        if !self.is_on {
            return vec![false; width * height];
        }
        assert_eq!(self.rows, height, "command 0xA8: it drives other rows than the glass has");
        assert_eq!(self.alternates, alternates, "command 0xDA: the glass's rows are wired otherwise");
        let last = if kind == Kind::Sh1106 { 131 } else { 127 };
        let mut picture = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                // Modules are built so that it is upright where both are mirrored.
                let column = if self.mirrored.0 { x + first } else { last - x - first };
                let row = if self.mirrored.1 { y } else { height - 1 - y };
                let line = (row + self.first_line + self.offset) % 64;
                let lit = self.memory[line / 8][column] >> (line % 8) & 1 == 1;
                picture.push(self.all_on || lit != self.inverted);
            }
        }
        picture
    }

    /// Takes a transaction.
    ///
    /// # Panics
    ///
    /// The chip would ignore or misread something of it.
    pub fn take(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.iter().copied().peekable();
        assert!(bytes.peek().is_some(), "nothing is said");
        while let Some(control) = bytes.next() {
            assert_eq!(control & 0x3F, 0, "{control:#04x} is no control byte");
            let (one, is_data) = (control & 0x80 != 0, control & 0x40 != 0);
            assert!(bytes.peek().is_some(), "nothing follows a control byte");
            let count = if one { 1 } else { usize::MAX };
            for byte in bytes.by_ref().take(count) {
                if is_data { self.data(byte) } else { self.command(byte) }
            }
        }
    }

    fn data(&mut self, byte: u8) {
        assert!(self.pending.is_empty(), "pixels amid the command {:02x?}", self.pending);
        let last = if self.glass.kind == Kind::Sh1106 { 131 } else { 127 };
        assert!(self.column <= last, "pixels beyond the last column");
        self.memory[self.page][self.column] = byte;
        match self.mode {
            Mode::Pages => self.column += 1,
            Mode::Rows => {
                if step(&mut self.column, self.columns) {
                    step(&mut self.page, self.pages);
                }
            }
            Mode::Columns => {
                if step(&mut self.page, self.pages) {
                    step(&mut self.column, self.columns);
                }
            }
        }
    }

    fn command(&mut self, byte: u8) {
        self.pending.push(byte);
        let command = self.pending[0];
        let wanted = self.arguments(command);
        let wanted = wanted.unwrap_or_else(|| panic!("{command:#04x} is no command of {:?}", self.glass.kind));
        if self.pending.len() > wanted {
            let arguments = self.pending.split_off(1);
            self.pending.clear();
            self.obey(command, &arguments);
        }
    }

    /// How many bytes follow a command; none where it is none.
    fn arguments(&self, command: u8) -> Option<usize> {
        let ssd1306 = self.glass.kind != Kind::Sh1106;
        Some(match command {
            0x00..=0x1F | 0x40..=0x7F | 0xA0 | 0xA1 | 0xA4..=0xA7 | 0xAE | 0xAF | 0xB0..=0xB7 | 0xC0 | 0xC8 | 0xE3 => 0,
            0x81 | 0xA8 | 0xD3 | 0xD5 | 0xD9 | 0xDA | 0xDB => 1,
            0x2E if ssd1306 => 0,
            0x20 | 0x8D if ssd1306 => 1,
            0x21 | 0x22 if ssd1306 => 2,
            0xAD if self.glass.kind != Kind::Ssd1306 => 1,
            0x30..=0x33 if !ssd1306 => 0,
            _ => return None,
        })
    }

    fn obey(&mut self, command: u8, arguments: &[u8]) {
        let first = arguments.first().copied().unwrap_or_default();
        let range = |most: u8| {
            let (from, to) = (first, arguments[1]);
            assert!(from <= to && to <= most, "{command:#04x}: from {from} to {to}");
            (usize::from(from), usize::from(to))
        };
        let pages_only = |mode| assert_eq!(mode, Mode::Pages, "{command:#04x} is for pages");
        match command {
            0x00..=0x0F => {
                pages_only(self.mode);
                self.column = self.column & 0xF0 | usize::from(command);
            }
            0x10..=0x1F => {
                pages_only(self.mode);
                self.column = self.column & 0x0F | usize::from(command & 0xF) << 4;
            }
            0x20 => {
                self.mode = match first {
                    0 => Mode::Rows,
                    1 => Mode::Columns,
                    2 => Mode::Pages,
                    _ => panic!("{first:#04x} is no way to address"),
                };
            }
            0x21 | 0x22 => {
                assert_ne!(self.mode, Mode::Pages, "{command:#04x} is not for pages");
                if command == 0x21 {
                    self.columns = range(127);
                    self.column = self.columns.0;
                } else {
                    self.pages = range(7);
                    self.page = self.pages.0;
                }
            }
            0x40..=0x7F => self.first_line = usize::from(command & 0x3F),
            0x81 => self.contrast = first,
            0x8D => {
                assert!(matches!(first, 0x10 | 0x14), "{first:#04x} is nothing for the charge pump");
                self.supply = first == 0x14;
            }
            0xA0 | 0xA1 => self.mirrored.0 = command == 0xA1,
            0xA4 | 0xA5 => self.all_on = command == 0xA5,
            0xA6 | 0xA7 => self.inverted = command == 0xA7,
            0xA8 => {
                assert!((15..64).contains(&first), "{first} rows, less one");
                self.rows = usize::from(first) + 1;
            }
            0xAD if self.glass.kind == Kind::Sh1106 => {
                assert!(!self.is_on, "the supply is changed while it is on");
                assert!(matches!(first, 0x8A | 0x8B), "{first:#04x} is nothing for the supply");
                self.supply = first == 0x8B;
            }
            0xAD => assert!(matches!(first, 0x10 | 0x30), "{first:#04x} is no current"),
            0xAE => self.is_on = false,
            0xAF => {
                assert!(self.supply, "it is turned on without a supply");
                self.is_on = true;
            }
            0xB0..=0xB7 => {
                pages_only(self.mode);
                self.page = usize::from(command & 7);
            }
            0xC0 | 0xC8 => self.mirrored.1 = command == 0xC8,
            0xD3 => {
                assert!(first < 64, "an offset of {first}");
                self.offset = usize::from(first);
            }
            0xD9 => assert!(first & 0xF != 0 && first >> 4 != 0, "it has no time to charge"),
            0xDA => {
                assert_eq!(first & !0x30, 0x02, "{first:#04x} is no wiring");
                self.alternates = first & 0x10 != 0;
            }
            0xDB => assert_eq!(first & !0x70, 0, "{first:#04x} is no level"),
            _ => {}
        }
    }
}

/// Goes on by one, and to the beginning again: whether it did.
fn step(at: &mut usize, (from, to): (usize, usize)) -> bool {
    let ends = *at >= to;
    *at = if ends { from } else { *at + 1 };
    ends
}

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nobody answers.
    Refused,
    /// The wire is held low: it never ends.
    Hangs,
}

/// An I2C bus with a module on it; its clones are the same bus.
#[derive(Clone, Debug)]
pub struct Bus(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    module: Module,
    address: u8,
    transactions: Vec<Vec<u8>>,
    fate: Option<(usize, Fate)>,
}

impl Bus {
    /// A bus with a module that was given power just now, at that address.
    pub fn new(glass: Glass, address: u8) -> Self {
        let module = Module::new(glass);
        Self(Rc::new(RefCell::new(State { module, address, transactions: Vec::new(), fate: None })))
    }

    /// The module.
    pub fn module(&self) -> Ref<'_, Module> {
        Ref::map(self.0.borrow(), |state| &state.module)
    }

    /// What was sent since the last call.
    pub fn transactions(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.state().transactions)
    }

    /// After `count` more transactions one has this fate, once.
    pub fn fails_after(&self, count: usize, fate: Fate) {
        self.state().fate = Some((count, fate));
    }

    /// Whether that fate is still to come.
    pub fn is_to_fail(&self) -> bool {
        self.0.borrow().fate.is_some()
    }

    fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// A transaction, if it comes to be.
    fn transact(&self, address: u8, bytes: &[u8]) -> Option<Fate> {
        let state = &mut *self.state();
        if let Some((count, fate)) = state.fate {
            state.fate = count.checked_sub(1).map(|count| (count, fate));
            if state.fate.is_none() {
                return Some(fate);
            }
        }
        if address != state.address {
            return Some(Fate::Refused);
        }
        state.module.take(bytes);
        state.transactions.push(bytes.to_vec());
        None
    }
}

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    async fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut all = Vec::new();
        for operation in operations {
            match operation {
                Operation::Write(bytes) => all.extend_from_slice(bytes),
                Operation::Read(_) => panic!("modules can't be read: most have no wire for it"),
            }
        }
        match self.transact(address, &all) {
            None => Ok(()),
            Some(Fate::Refused) => Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)),
            Some(Fate::Hangs) => pending().await,
        }
    }
}

impl embedded_hal::i2c::I2c for Bus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut all = Vec::new();
        for operation in operations {
            match operation {
                Operation::Write(bytes) => all.extend_from_slice(bytes),
                Operation::Read(_) => panic!("modules can't be read: most have no wire for it"),
            }
        }
        self.transact(address, &all).map_or(Ok(()), |_| Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)))
    }
}
