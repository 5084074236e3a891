use proptest::prelude::*;

use super::*;

const KEEP: Limit = Limit {
    max: 1 << 20,
    action: LongLine::Truncate,
};

/// All rows of `bytes` (cut behind the last line feed), as parcels of text and ends.
fn rows_of(bytes: &[u8], base: u64, codec: Codec, limit: Limit) -> (Vec<String>, Vec<u64>, Tally, usize) {
    let whole = codec.last_newline(bytes).map_or(0, |at| at + codec.unit());
    let mut lines = Lines::new(&bytes[..whole], base, codec, limit);
    let mut rows = Rows::new();
    let (mut texts, mut ends, mut parcels) = (Vec::new(), Vec::new(), 0);
    loop {
        let more = lines.fill(&mut rows);
        let (column, column_ends) = rows.take();
        assert_eq!(column.len(), column_ends.len());
        assert!(column.len() <= MAX_ROWS);
        assert!(column.len() == 1 || column.bytes().len() <= MAX_TEXT);
        texts.extend(column.iter().map(str::to_owned));
        ends.extend(column_ends);
        parcels += 1;
        if !more {
            return (texts, ends, rows.tally(), parcels);
        }
    }
}

/// The lines of a UTF-8 file, the slow and obvious way.
fn naive(bytes: &[u8]) -> (Vec<String>, Vec<u64>) {
    let (mut texts, mut ends, mut start) = (Vec::new(), Vec::new(), 0);
    for at in 0..bytes.len() {
        if bytes[at] == b'\n' {
            let line = &bytes[start..at];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            texts.push(String::from_utf8_lossy(line).into_owned());
            start = at + 1;
            ends.push(start as u64);
        }
    }
    (texts, ends)
}

/// Bytes rich in what matters here.
fn noisy() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => any::<u8>().prop_map(|byte| vec![byte]),
        3 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        2 => Just("예매".as_bytes().to_vec()),
        2 => "[a-z ]{0,12}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_give_the_lines_a_naive_splitter_gives(bytes in noisy(), base in 0u64..1 << 40) {
        let (texts, ends, tally, _) = rows_of(&bytes, base, Codec::UTF_8, KEEP);
        let (naive_texts, naive_ends) = naive(&bytes);
        prop_assert_eq!(&texts, &naive_texts);
        prop_assert_eq!(ends, naive_ends.iter().map(|end| end + base).collect::<Vec<_>>());
        let invalid = bytes.split(|&byte| byte == b'\n').rev().skip(1).filter(|line| std::str::from_utf8(line).is_err());
        prop_assert_eq!(tally.invalid, invalid.count() as u64);
    }

    #[test]
    fn reading_on_from_any_end_gives_the_rest(bytes in noisy()) {
        let (texts, ends, ..) = rows_of(&bytes, 0, Codec::UTF_8, KEEP);
        for (row, &end) in ends.iter().enumerate() {
            let (rest, rest_ends, ..) = rows_of(&bytes[end as usize..], end, Codec::UTF_8, KEEP);
            prop_assert_eq!(&rest, &texts[row + 1..]);
            prop_assert_eq!(&rest_ends, &ends[row + 1..]);
        }
    }

    #[test]
    fn limits_hold_for_any_bytes(bytes in noisy(), max in 0usize..20, skip: bool) {
        let action = if skip { LongLine::Skip } else { LongLine::Truncate };
        let (texts, ends, tally, _) = rows_of(&bytes, 0, Codec::UTF_8, Limit { max, action });
        let (all, all_ends) = naive(&bytes);
        let long = all.iter().filter(|line| line.len() > max).count();
        if skip {
            prop_assert_eq!(&texts, &all.iter().filter(|line| line.len() <= max).cloned().collect::<Vec<_>>());
            prop_assert_eq!(tally.skipped, long as u64);
            if !texts.is_empty() {
                prop_assert_eq!(ends.last(), all_ends.last(), "what was skipped settles with the row before it");
            }
        } else {
            prop_assert_eq!(texts.len(), all.len());
            for (text, whole) in texts.iter().zip(&all) {
                prop_assert!(whole.starts_with(text) && text.len() <= max);
                prop_assert!(whole.len() <= max || text.len() + 3 >= max, "cut no shorter than a character");
            }
            prop_assert_eq!(tally.truncated, long as u64);
            prop_assert_eq!(ends, all_ends);
        }
    }

    #[test]
    fn sixteen_bit_text_is_read_back(lines in proptest::collection::vec("[^\n\r]{0,10}", 0..8), big: bool) {
        let codec = Codec::named(if big { "utf-16be" } else { "utf-16le" }).unwrap();
        let mut bytes = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let end = if row % 2 == 0 { "\n" } else { "\r\n" };
            for unit in line.encode_utf16().chain(end.encode_utf16()) {
                bytes.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            }
        }
        let (texts, ends, tally, _) = rows_of(&bytes, 0, codec, KEEP);
        prop_assert_eq!(texts, lines);
        prop_assert_eq!(ends.last().copied().unwrap_or_default(), bytes.len() as u64);
        prop_assert_eq!(tally, Tally::default());
    }
}

#[test]
fn parcels_are_bounded_by_rows_and_by_text() {
    let (texts, .., parcels) = rows_of(&b"x\n".repeat(MAX_ROWS * 2 + 1), 0, Codec::UTF_8, KEEP);
    assert_eq!((texts.len(), parcels), (MAX_ROWS * 2 + 1, 3));
    let line = [&[b'x'; 100 << 10][..], b"\n"].concat();
    let (texts, .., parcels) = rows_of(&line.repeat(5), 0, Codec::UTF_8, KEEP);
    assert_eq!((texts.len(), parcels), (5, 3));
    let line = [&[b'x'; 300 << 10][..], b"\n"].concat();
    let (texts, .., parcels) = rows_of(&line.repeat(2), 0, Codec::UTF_8, KEEP);
    assert_eq!(
        (texts.len(), parcels),
        (2, 2),
        "a line over the bound still goes, alone"
    );
}

#[test]
fn one_bad_line_does_not_touch_its_neighbours() {
    let (texts, _, tally, _) = rows_of("예매\nb\u{0}d\n".as_bytes(), 0, Codec::UTF_8, KEEP);
    assert_eq!(texts, ["예매", "b\0d"]);
    assert_eq!(tally.invalid, 0);
    let (texts, _, tally, _) = rows_of(b"ok\n\xFFbad\xC3\nok\n", 0, Codec::UTF_8, KEEP);
    assert_eq!(texts, ["ok", "\u{FFFD}bad\u{FFFD}", "ok"]);
    assert_eq!(tally.invalid, 1);
}

#[test]
fn a_legacy_encoding_is_decoded() {
    let codec = Codec::named("euc-kr").unwrap();
    let (texts, ends, tally, _) = rows_of(b"\xBF\xB9\xB8\xC5\r\nascii\n", 0, codec, KEEP);
    assert_eq!(texts, ["예매", "ascii"]);
    assert_eq!(ends, [6, 12]);
    assert_eq!(tally.invalid, 0);
}

#[test]
fn the_limit_counts_what_replacement_made_longer() {
    let limit = Limit {
        max: 4,
        action: LongLine::Truncate,
    };
    let (texts, _, tally, _) = rows_of(b"\xFF\xFF\xFF\n", 0, Codec::UTF_8, limit);
    assert_eq!(texts, ["\u{FFFD}"]);
    assert_eq!((tally.invalid, tally.truncated), (1, 1));
}
