//! Small documents, written by the rules of PDF/A-1b (ISO 19005-1): every letter is in the file (a Type 3 font), the colour
//! does not depend on a device (CalGray), and the file describes itself in XMP. The same text gives the same bytes.

mod glyphs;

use std::fmt::Write as _;

use self::glyphs::GLYPHS;

/// Dots between the left sides of two letters, and size of a dot in units of the page.
const ADVANCE: usize = 6;
const DOT: &str = "1.6";
/// Letters on a line.
const WIDTH: usize = 52;
/// Where the first line stands, and how far apart lines are, in units of the page.
const TOP: usize = 780;
const LEADING: usize = 20;
/// Lines on the page; what does not fit is left off.
const LINES: usize = 36;

/// A document of one page: its title, and its paragraphs.
pub(super) fn document(title: &str, paragraphs: &[String]) -> Vec<u8> {
    let lines = paragraphs.iter().flat_map(|paragraph| wrapped(paragraph)).take(LINES);
    let mut file = File::default();
    file.add("<< /Type /Catalog /Pages 2 0 R /Metadata 5 0 R >>".to_owned());
    file.add("<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned());
    file.add(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 6 0 R >> \
         /ColorSpace << /G [/CalGray << /WhitePoint [0.9505 1 1.089] >>] >> >> >>"
            .to_owned(),
    );
    file.add_stream("", &page(lines));
    file.add_stream("/Type /Metadata /Subtype /XML ", &metadata(title));
    font(&mut file);
    file.finish()
}

/// The lines of a paragraph, and an empty one after it.
fn wrapped(paragraph: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.push(String::new());
    lines
}

fn page(lines: impl Iterator<Item = String>) -> String {
    let mut page = format!("/G cs 0 scn BT /F {DOT} Tf {LEADING} TL 60 {TOP} Td\n");
    for line in lines {
        // Writing into a string does not fail.
        let _ = writeln!(page, "<{}> Tj T*", line.chars().map(|c| format!("{:02X}", drawn(c))).collect::<String>());
    }
    page.push_str("ET");
    page
}

/// The letter that is drawn for a character: itself, without its accent, or a question mark.
fn drawn(character: char) -> u8 {
    let plain = match character {
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'ï' | 'í' => 'i',
        'ö' | 'ó' => 'o',
        'ü' | 'ú' => 'u',
        'ä' | 'á' => 'a',
        'ı' => 'i',
        'ś' => 's',
        other => other,
    };
    let known = |byte: &u8| *byte == b' ' || GLYPHS.iter().any(|(glyph, _)| glyph == byte);
    u8::try_from(plain).ok().filter(known).unwrap_or(b'?')
}

/// The file says of itself what it is (ISO 19005-1 section 6.7).
fn metadata(title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><pdfaid:part>1</pdfaid:part>\
         <pdfaid:conformance>B</pdfaid:conformance><dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{title}</rdf:li>\
         </rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>"
    )
}

/// The font, object 6, with one procedure a letter after it; units are dots.
fn font(file: &mut File) {
    let first = file.next() + 1;
    let mut names = String::new();
    let mut differences = String::from("32 /space");
    for (number, (glyph, _)) in (first + 1..).zip(GLYPHS) {
        let _ = write!(names, "/g{glyph} {number} 0 R ");
        let _ = write!(differences, " {glyph} /g{glyph}");
    }
    let widths = format!("{ADVANCE} ").repeat(256 - 32);
    file.add(format!(
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 -1 5 7] /FontMatrix [1 0 0 1 0 0] /FirstChar 32 /LastChar 255 \
         /Widths [{widths}] /Encoding << /Type /Encoding /Differences [{differences}] >> /Resources << >> \
         /CharProcs << /space {first} 0 R {names}>> >>"
    ));
    file.add_stream("", &format!("{ADVANCE} 0 0 -1 5 7 d1"));
    for (_, rows) in GLYPHS {
        file.add_stream("", &procedure(rows));
    }
}

fn procedure(rows: &[u8; 7]) -> String {
    let mut text = format!("{ADVANCE} 0 0 -1 5 7 d1");
    for (row, y) in rows.iter().zip((0..7).rev()) {
        for column in (0..5).filter(|column| row & (0b1_0000 >> column) != 0) {
            let _ = write!(text, " {column} {y} 1 1 re");
        }
    }
    text + " f"
}

/// A file as it grows; objects are numbered from 1 in the order they are added.
#[derive(Default)]
struct File {
    objects: Vec<String>,
}

impl File {
    /// The number of the next object.
    const fn next(&self) -> usize {
        self.objects.len() + 1
    }

    fn add(&mut self, object: String) {
        self.objects.push(object);
    }

    fn add_stream(&mut self, entries: &str, text: &str) {
        self.add(format!("<< {entries}/Length {} >>\nstream\n{text}\nendstream", text.len()));
    }

    /// Header, objects, cross-reference table and trailer (PDF 1.4 section 3.4).
    fn finish(self) -> Vec<u8> {
        let mut bytes = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.next());
        for (number, object) in (1..).zip(&self.objects) {
            let _ = writeln!(table, "{:010} 00000 n ", bytes.len());
            bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
        }
        let id: String = crate::secret::sha256(&bytes).iter().take(16).map(|byte| format!("{byte:02X}")).collect();
        let start = bytes.len();
        let trailer = format!("trailer\n<< /Size {} /Root 1 0 R /ID [<{id}> <{id}>] >>\n", self.next());
        bytes.extend_from_slice(format!("{table}{trailer}startxref\n{start}\n%%EOF\n").as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_leads_to_every_object() {
        let file = document("Brief", &["Geachte collega, dit is een proef.".to_owned()]);
        let at = |needle: &[u8]| file.windows(needle.len()).rposition(|window| window == needle).unwrap();
        let tail = String::from_utf8(file[at(b"startxref\n")..].to_vec()).unwrap();
        let start: usize = tail.split('\n').nth(1).unwrap().parse().unwrap();
        let table = String::from_utf8(file[start..].to_vec()).unwrap();
        let offsets: Vec<usize> = table
            .lines()
            .filter_map(|line| line.strip_suffix(" 00000 n ").and_then(|number| number.parse().ok()))
            .collect();
        assert_eq!(offsets.len(), GLYPHS.len() + 7);
        for (number, offset) in (1..).zip(offsets) {
            assert!(file[offset..].starts_with(format!("{number} 0 obj\n").as_bytes()), "{number}");
        }
    }

    #[test]
    fn long_paragraphs_are_wrapped_and_unknown_letters_are_marked() {
        let lines = wrapped(&"woord ".repeat(20));
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= WIDTH));
        assert_eq!([drawn('é'), drawn('a'), drawn('€')], [b'e', b'a', b'?']);
    }
}
