//! Files as a compiler makes them for a board, as small as they can be.

/// A section.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    /// Where it is in the board's memory; 0: it isn't loaded.
    pub(crate) address: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A symbol of a section: the section's place in the list, an offset and a size.
pub(crate) type Symbol = (String, usize, u32, u32);

/// An ELF file for RISC-V, of 32 bits.
pub(crate) fn elf(sections: &[Section], symbols: &[Symbol]) -> Vec<u8> {
    const HEADER: u32 = 52;
    const ROW: usize = 40;

    let (mut names, mut strings, mut table) = (vec![0], vec![0], vec![0; 16]);
    let place_of = |names: &mut Vec<u8>, name: &str| {
        let at = word(names.len());
        names.extend(name.as_bytes());
        names.push(0);
        at
    };
    for (name, section, offset, size) in symbols {
        let name = place_of(&mut strings, name);
        let address = sections[*section].address + offset;
        table.extend([name, address, *size].into_iter().flat_map(u32::to_le_bytes));
        // A global object.
        table.extend([0x11, 0]);
        table.extend(u16::try_from(section + 1).expect("few sections").to_le_bytes());
    }
    let mut body: Vec<u8> = Vec::new();
    let mut rows = vec![0; ROW];
    let count = sections.len() + 4;
    let mut add = |name: u32, kind: u32, flags: u32, address: u32, bytes: &[u8], link: u32, entry: u32| {
        body.resize(body.len().next_multiple_of(4), 0);
        let at = HEADER + word(body.len());
        body.extend(bytes);
        let size = word(bytes.len());
        let row = [name, kind, flags, address, at, size, link, u32::from(kind == 2), 4, entry];
        rows.extend(row.into_iter().flat_map(u32::to_le_bytes));
    };
    for section in sections {
        let name = place_of(&mut names, section.name);
        // Of a program: loaded, where it has an address.
        let flags = if section.address > 0 { 2 } else { 0 };
        add(name, 1, flags, section.address, &section.bytes, 0, 0);
    }
    let of_table = place_of(&mut names, ".symtab");
    let of_strings = place_of(&mut names, ".strtab");
    let of_names = place_of(&mut names, ".shstrtab");
    add(of_table, 2, 0, 0, &table, word(sections.len() + 2), 16);
    add(of_strings, 3, 0, 0, &strings, 0, 0);
    add(of_names, 3, 0, 0, &names, 0, 0);
    body.resize(body.len().next_multiple_of(4), 0);
    let rows_at = HEADER + word(body.len());
    let entry = sections.first().map_or(0, |section| section.address);
    let mut file = b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable for RISC-V.
    file.extend([2, 0, 243, 0]);
    file.extend([1, entry, 0, rows_at, 0].into_iter().flat_map(u32::to_le_bytes));
    file.extend(
        [52, 32, 0, 40, u16::try_from(count).expect("few"), u16::try_from(count - 1).expect("few")]
            .into_iter()
            .flat_map(u16::to_le_bytes),
    );
    file.extend(body);
    file.extend(rows);
    file
}

fn word(len: usize) -> u32 {
    u32::try_from(len).expect("it is small")
}

/// An image for an ESP32-C3 or C6 that boots, as far as its headers tell.
pub(crate) fn image(chip: &str) -> Vec<u8> {
    // The C3 has an address of its own for flash that is read as data.
    let data = if chip == "esp32c3" { 0x3C00_0020 } else { 0x4200_0020 };
    // What the bootloader looks for: its magic word, and the size of the flash's pages in the MMU.
    let mut description = vec![0; 256];
    description[..4].copy_from_slice(&0xABCD_5432_u32.to_le_bytes());
    description[180] = 16;
    let chip = [chip.as_bytes(), &[0]].concat();
    let size = word(chip.len());
    elf(
        &[
            Section { name: ".flash.appdesc", address: data, bytes: description },
            Section { name: ".text", address: 0x4201_0020, bytes: vec![0x13; 5_000] },
            Section { name: ".espressif.metadata", address: 0, bytes: chip },
        ],
        &[("build_info.CHIP_NAME".to_owned(), 2, 0, size - 1)],
    )
}

/// An image that logs `texts`, each with its level, with a timestamp: the frame of the text at place `n` begins with `n + 1`.
pub(crate) fn logging(texts: &[(&str, &str)]) -> Vec<u8> {
    let symbol = |tag: &str, text: &str, n: usize| {
        let symbol = format!(
            r#"{{"package":"board","tag":"{tag}","data":"{text}","disambiguator":"{n}","crate_name":"board"}}"#
        );
        (symbol, 0, word(n), 1)
    };
    let levels = texts.iter().enumerate().map(|(n, (level, text))| symbol(&format!("defmt_{level}"), text, n + 1));
    let mut symbols: Vec<Symbol> = levels.collect();
    symbols.push(symbol("defmt_timestamp", "{=u8:ms}", 200));
    symbols.push(("_defmt_encoding_ = rzcobs".to_owned(), 1, 0, 0));
    symbols.push(("_defmt_version_ = 4".to_owned(), 1, 0, 0));
    let bytes = vec![0; 256];
    elf(
        &[Section { name: ".defmt", address: 0, bytes }, Section { name: ".text", address: 64, bytes: vec![0; 4] }],
        &symbols,
    )
}

/// A frame of at most seven bytes, as it goes over the line: `FF 00`, what isn't zero, which are zeros, and `00`.
pub(crate) fn frame(bytes: &[u8]) -> Vec<u8> {
    let zeros = (0..7).filter(|n| bytes.get(*n).is_none_or(|byte| *byte == 0)).fold(0, |bits, n| bits | 1 << n);
    let rest = bytes.iter().copied().filter(|byte| *byte != 0);
    [0xFF, 0].into_iter().chain(rest).chain([zeros, 0]).collect()
}
