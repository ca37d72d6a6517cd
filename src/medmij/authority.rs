//! `host[:port]`, taken apart in one way everywhere: in the lists, in URLs and in requests.

/// The port of an authority is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a port is a number from 1 to 65535, without sign or leading zeros")]
pub struct PortError;

/// Host and port of an authority. What stands before the first colon is not looked at.
///
/// # Errors
/// When a colon is followed by anything but a number from 1 to 65535, without sign or leading zeros.
pub fn split_authority(text: &str) -> Result<(&str, Option<u16>), PortError> {
    let Some((host, port)) = text.split_once(':') else { return Ok((text, None)) };
    let plain = port.bytes().all(|c| c.is_ascii_digit()) && !port.starts_with('0');
    let number = port.parse().ok().filter(|_| plain).ok_or(PortError)?;
    Ok((host, Some(number)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_port_is_optional() {
        assert_eq!(split_authority("gp.example.nl"), Ok(("gp.example.nl", None)));
        assert_eq!(split_authority("gp.example.nl:8443"), Ok(("gp.example.nl", Some(8443))));
    }

    #[test]
    fn whatever_is_not_a_plain_number_is_refused() {
        for port in ["", "0", "0443", "+443", "-1", "65536", "443:443", " 443", "x", "٤٤٣"] {
            assert_eq!(split_authority(&format!("gp.example.nl:{port}")), Err(PortError), "{port}");
        }
    }

    proptest! {
        #[test]
        fn a_port_reads_as_it_was_written(text in "[ -~]{0,12}") {
            if let Ok((host, port)) = split_authority(&text) {
                let written = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
                prop_assert_eq!(written, text);
            }
        }
    }
}
