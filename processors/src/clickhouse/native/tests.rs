use super::*;
use proptest::prelude::*;

/// A column of each kind: form, value, and whether it has a dictionary.
const KINDS: [(Column, bool); 9] = [
    (column("id", Form::One, Value::Id), false),
    (column("at", Form::One, Value::Instant), false),
    (column("bot", Form::One, Value::Bool), false),
    (column("sum", Form::Nullable, Value::Money), false),
    (column("lat", Form::Nullable, Value::Float64), false),
    (column("url", Form::One, Value::Text), false),
    (column("host", Form::One, Value::Text), true),
    (column("counts", Form::Array, Value::Int64), false),
    (column("fates", Form::Array, Value::Text), true),
];

const fn column(name: &'static str, form: Form, value: Value) -> Column {
    Column { name, form, value }
}

/// How columns of these kinds are sent.
fn sent(kinds: &'static [(Column, bool)]) -> Vec<Sent> {
    let sent = |(column, dictionary): &'static (Column, bool)| {
        let value = if *dictionary { "LowCardinality(String)" } else { column.value.type_name() };
        Sent { column, type_name: column.type_of(value), dictionary: *dictionary }
    };
    kinds.iter().map(sent).collect()
}

/// The block of these rows, as it is sent.
fn written(kinds: &'static [(Column, bool)], rows: &[Vec<u8>]) -> Vec<u8> {
    let mut block = Block::of(&sent(kinds), rows.len());
    rows.iter().for_each(|row| block.add(&Packed::of(row)));
    block.parts().collect::<Vec<_>>().concat()
}

/// What a block says, by an own reading of the format: for each column its name, its type and each row's cell, packed.
fn read(kinds: &[(Column, bool)], block: &[u8]) -> Vec<(String, String, Vec<Vec<u8>>)> {
    let packed = Packed::of(block);
    let mut rest = packed.cells();
    let (columns, rows) = (rest.length(), rest.length());
    assert_eq!(columns, kinds.len());
    let read = |(column, dictionary): &(Column, bool)| {
        let mut text = || String::from_utf8(rest.text().to_vec()).unwrap();
        let (name, type_name) = (text(), text());
        if *dictionary {
            assert_eq!(number(&mut rest), 1, "the version of dictionaries");
        }
        let cells = match column.form {
            Form::One => values(&mut rest, *column, *dictionary, rows),
            Form::Nullable => {
                let nulls = rest.fixed(rows);
                let values = values(&mut rest, *column, *dictionary, rows);
                let cell = |(null, value): (&u8, Vec<u8>)| {
                    if *null == 1 { vec![1] } else { [vec![0], value].concat() }
                };
                nulls.iter().zip(values).map(cell).collect()
            }
            Form::Array => {
                let ends: Vec<usize> = (0..rows).map(|_| number(&mut rest) as usize).collect();
                let values = values(&mut rest, *column, *dictionary, ends.last().copied().unwrap_or(0));
                let starts = std::iter::once(&0).chain(&ends);
                let cell = |(start, end): (&usize, &usize)| {
                    let mut cell = Vec::new();
                    put_length(end - start, &mut cell);
                    [vec![cell], values[*start..*end].to_vec()].concat().concat()
                };
                starts.zip(&ends).map(cell).collect()
            }
        };
        (name, type_name, cells)
    };
    let read = kinds.iter().map(read).collect();
    assert!(rest.is_empty(), "bytes behind the block");
    read
}

fn number(rest: &mut Cells<'_>) -> u64 {
    u64::from_le_bytes(rest.fixed(8).try_into().unwrap())
}

/// So many values, packed.
fn values(rest: &mut Cells<'_>, column: Column, dictionary: bool, count: usize) -> Vec<Vec<u8>> {
    let one = Column { form: Form::One, ..column };
    if !dictionary || count == 0 {
        return (0..count).map(|_| rest.cell(&one).to_vec()).collect();
    }
    let flags = number(rest);
    assert_eq!(flags & !0xff, 0x600, "the values are the dictionary's own");
    let width = 1 << (flags & 0xff);
    let distinct: Vec<Vec<u8>> = (0..number(rest)).map(|_| rest.cell(&one).to_vec()).collect();
    assert_eq!(number(rest), count as u64);
    let place = |rest: &mut Cells<'_>| {
        rest.fixed(width).iter().rev().fold(0, |place, byte| place << 8 | usize::from(*byte))
    };
    (0..count).map(|_| distinct[place(rest)].clone()).collect()
}

fn text(text: &str) -> Vec<u8> {
    let mut packed = Vec::new();
    put_text(text.as_bytes(), &mut packed);
    packed
}

#[test]
fn a_block_is_what_the_format_says() {
    const KINDS: &[(Column, bool)] = &[
        (column("ver", Form::Nullable, Value::Int32), false),
        (column("url", Form::One, Value::Text), false),
        (column("host", Form::One, Value::Text), true),
        (column("tags", Form::Array, Value::Text), false),
    ];
    let rows = [
        [&[0, 7, 0, 0, 0][..], b"\x03/\xc3\xa4", b"\x01b", b"\x02\x01x\x00"].concat(),
        [&[1][..], b"\x00", b"\x01a", b"\x00"].concat(),
        [&[0, 255, 255, 255, 255][..], b"\x01/", b"\x01b", b"\x01\x01y"].concat(),
    ];
    let wanted: [&[u8]; 13] = [
        b"\x04\x03",
        b"\x03ver\x0fNullable(Int32)",
        &[0, 1, 0],
        &[7, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255],
        b"\x03url\x06String",
        b"\x03/\xc3\xa4\x00\x01/",
        b"\x04host\x16LowCardinality(String)",
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[0, 6, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, b'b', 1, b'a', 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        b"\x04tags\x0dArray(String)",
        &[2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0],
        b"\x01x\x00",
        b"\x01y",
    ];
    assert_eq!(written(KINDS, &rows), wanted.concat());
}

#[test]
fn a_block_without_rows_has_its_columns() {
    let columns = read(&KINDS, &written(&KINDS, &[]));
    assert!(columns.iter().all(|(_, _, cells)| cells.is_empty()), "{columns:?}");
    assert_eq!(columns[8].1, "Array(LowCardinality(String))");
}

#[test]
fn a_dictionary_of_any_number_of_values_gives_each_back() {
    const KINDS: &[(Column, bool)] = &[(column("host", Form::One, Value::Text), true)];
    for (distinct, width) in [(1, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 4)] {
        // Some values come again at once, and all of them later.
        let rows: Vec<_> =
            (0..3 * distinct).map(|row| text(&format!("value {}", row / 2 % distinct))).collect();
        let block = written(KINDS, &rows);
        assert_eq!(read(KINDS, &block)[0].2, rows, "{distinct}");
        let last = block.len() - rows.len() * width;
        assert_eq!(
            block[last - 8..last],
            (rows.len() as u64).to_le_bytes(),
            "{width} bytes a place of {distinct}"
        );
    }
}

/// Any cell of a column, packed.
fn cell(column: Column) -> BoxedStrategy<Vec<u8>> {
    let value = match column.value.width() {
        Some(width) => proptest::collection::vec(any::<u8>(), width).boxed(),
        None => prop_oneof![Just(String::new()), "[a-c]{0,2}", "\\PC{0,200}"]
            .prop_map(|value| text(&value))
            .boxed(),
    };
    match column.form {
        Form::One => value,
        Form::Nullable => proptest::option::of(value)
            .prop_map(|value| value.map_or(vec![1], |value| [vec![0], value].concat()))
            .boxed(),
        Form::Array => proptest::collection::vec(value, 0..5)
            .prop_map(|values| {
                let mut cell = Vec::new();
                put_length(values.len(), &mut cell);
                [cell, values.concat()].concat()
            })
            .boxed(),
    }
}

proptest! {
    #[test]
    fn every_cell_of_every_row_is_in_its_column(
        rows in proptest::collection::vec(KINDS.map(|(column, _)| cell(column)), 0..30),
    ) {
        let packed: Vec<Vec<u8>> = rows.iter().map(|row| row.concat()).collect();
        let columns = read(&KINDS, &written(&KINDS, &packed));
        for (place, (name, _, cells)) in columns.iter().enumerate() {
            prop_assert_eq!(name, KINDS[place].0.name);
            let wanted: Vec<Vec<u8>> = rows.iter().map(|row| row[place].clone()).collect();
            prop_assert_eq!(cells, &wanted, "{}", name);
        }
    }
}
