//! Bytes for people: sixteen a line, in hex and as text. Pure.

const WIDTH: usize = 16;

/// The lines; of more than `most`, the first ones and how many bytes are not shown.
pub fn lines(bytes: &[u8], most: usize) -> Vec<String> {
    let line = |(number, chunk): (usize, &[u8])| {
        let hex: String = chunk.iter().map(|byte| format!("{byte:02x} ")).collect();
        let text: String = chunk.iter().map(|byte| shown(*byte)).collect();
        format!("{:08x}  {hex:<48} |{text}|", number * WIDTH)
    };
    let mut lines: Vec<String> = bytes.chunks(WIDTH).enumerate().take(most).map(line).collect();
    let left = bytes.len().saturating_sub(most * WIDTH);
    if left > 0 {
        lines.push(format!("… {left} bytes more; --json has them all"));
    }
    lines
}

fn shown(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_hex_and_as_text() {
        assert_eq!(
            lines(b"\xc3\x01tracker, 16 bytes", 9),
            [
                "00000000  c3 01 74 72 61 63 6b 65 72 2c 20 31 36 20 62 79  |..tracker, 16 by|",
                "00000010  74 65 73                                         |tes|"
            ]
        );
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        assert_eq!(lines(&[0; 40], 1).last().unwrap(), "… 24 bytes more; --json has them all");
        assert!(lines(&[], 1).is_empty());
    }
}
