use super::*;

/// Reads a header as a socket gives it, byte by byte at worst, and checks that nothing behind it is asked for.
fn read(header: &[u8]) -> Result<Option<SocketAddr>, HeaderError> {
    for step in [1, 7, usize::MAX] {
        let mut known = 0;
        let outcome = loop {
            match parse(&header[..known])? {
                Header::Whole { client } => break client,
                Header::Missing { bytes } => {
                    assert!(bytes > 0 && known + bytes <= header.len(), "{bytes} more than {known}");
                    known += bytes.min(step);
                }
            }
        };
        assert_eq!(known, header.len());
        if step == usize::MAX {
            return Ok(outcome);
        }
    }
    unreachable!("the last step answers")
}

fn address(text: &str) -> Option<SocketAddr> {
    Some(text.parse().unwrap())
}

/// A binary header with this version and command, this family, and these bytes behind the length.
fn binary_header(version_and_command: u8, family: u8, behind: &[u8]) -> Vec<u8> {
    let length = u16::try_from(behind.len()).unwrap();
    [SIGNATURE, &[version_and_command, family], &length.to_be_bytes(), behind].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 7, 192, 0, 2, 1, 0x9c, 0x40, 0x16, 0x28];

fn ipv6() -> Vec<u8> {
    let source = "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets();
    [&source[..], &[0; 16], &[0x9c, 0x40, 0x16, 0x28]].concat()
}

#[test]
fn a_line_names_the_client() {
    let line = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672\r\n";
    assert_eq!(read(line), Ok(address("192.0.2.7:40000")));
    assert_eq!(read(b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n"), Ok(address("[2001:db8::7]:0")));
    let longest = format!("PROXY TCP6 {0} {0} 65535 65535\r\n", ["ffff"; 8].join(":"));
    assert_eq!(longest.len(), 104);
    assert_eq!(read(longest.as_bytes()), Ok(address(&format!("[{}]:65535", ["ffff"; 8].join(":")))));
}

#[test]
fn a_line_may_name_nobody() {
    assert_eq!(read(b"PROXY UNKNOWN\r\n"), Ok(None));
    assert_eq!(read(b"PROXY UNKNOWN 192.0.2.7  what \xff ever\r\n"), Ok(None));
    let longest = [&b"PROXY UNKNOWN "[..], &[b'x'; 91], b"\r\n"].concat();
    assert_eq!((longest.len(), read(&longest)), (107, Ok(None)));
}

#[test]
fn a_line_that_is_not_as_it_must_be_is_refused() {
    for said in [
        "",
        "TCP4",
        "TCP4 192.0.2.7 192.0.2.1 40000",
        "TCP4 192.0.2.7 192.0.2.1 40000 5672 ",
        "TCP4  192.0.2.7 192.0.2.1 40000 5672",
        "TCP4 192.0.2.7 192.0.2.1 40000 65536",
        "TCP4 192.0.2.7 192.0.2.1 +4000 5672",
        "TCP4 192.0.2.7 192.0.2.1 04000 5672",
        "TCP4 192.0.2.7 192.0.2.1 40000 x",
        "TCP4 192.0.2.007 192.0.2.1 40000 5672",
        "TCP4 192.0.2.7 nowhere 40000 5672",
        "TCP4 2001:db8::7 ::1 40000 5672",
        "TCP6 192.0.2.7 192.0.2.1 40000 5672",
        "UDP4 192.0.2.7 192.0.2.1 40000 5672",
        "UNKNOWNS",
        "tcp4 192.0.2.7 192.0.2.1 40000 5672",
    ] {
        assert_eq!(parse(format!("PROXY {said}\r\n").as_bytes()), Err(HeaderError::Line), "{said:?}");
    }
}

#[test]
fn a_line_ends_in_time_and_with_both_bytes() {
    assert_eq!(parse(b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672\n"), Err(HeaderError::LineEnd));
    assert_eq!(parse(b"PROXY UNKNOWN\n"), Err(HeaderError::LineEnd));
    let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; 92]].concat();
    assert_eq!(parse(&endless), Err(HeaderError::LineEnd));
    assert_eq!(parse(&endless[..105]), Ok(Header::Missing { bytes: 2 }));
}

#[test]
fn a_binary_header_names_the_client() {
    assert_eq!(read(&binary_header(0x21, 0x11, &IPV4)), Ok(address("192.0.2.7:40000")));
    assert_eq!(read(&binary_header(0x21, 0x21, &ipv6())), Ok(address("[2001:db8::7]:40000")));
    let with_additions = [&IPV4[..], &[4, 0, 1, 0]].concat();
    assert_eq!(read(&binary_header(0x21, 0x11, &with_additions)), Ok(address("192.0.2.7:40000")));
}

#[test]
fn a_binary_header_may_name_nobody() {
    // LOCAL: what it says of addresses is passed over, even if it is wrong.
    for (family, behind) in [(0, &[][..]), (0x11, &IPV4), (0x11, &[1]), (0xff, &[])] {
        assert_eq!(read(&binary_header(0x20, family, behind)), Ok(None), "{family:#x}");
    }
    // Unspecified, UDP, and sockets without an IP address.
    for family in [0x00, 0x01, 0x10, 0x12, 0x20, 0x22, 0x30, 0x31, 0x32] {
        assert_eq!(read(&binary_header(0x21, family, &[0; 216])), Ok(None), "{family:#x}");
    }
}

#[test]
fn a_binary_header_that_is_not_as_it_must_be_is_refused() {
    for (version_and_command, family, behind, error) in [
        (0x11, 0x11, &IPV4[..], HeaderError::Version(1)),
        (0x31, 0x11, &IPV4, HeaderError::Version(3)),
        (0x22, 0x11, &IPV4, HeaderError::Command(2)),
        (0x21, 0x13, &IPV4, HeaderError::Family(0x13)),
        (0x21, 0x41, &IPV4, HeaderError::Family(0x41)),
        (0x21, 0x11, &IPV4[..11], HeaderError::TooShort(11)),
        (0x21, 0x21, &[0; 35], HeaderError::TooShort(35)),
        (0x21, 0x11, &[0; 9000], HeaderError::TooLong(9016)),
    ] {
        assert_eq!(parse(&binary_header(version_and_command, family, behind)), Err(error));
    }
    // One that is too long is not awaited.
    let header = binary_header(0x21, 0x11, &[0; 9000]);
    assert_eq!(parse(&header[..16]), Err(HeaderError::TooLong(9016)));
}

#[test]
fn something_else_is_refused_at_its_first_strange_byte() {
    for strange in
        [&b"AMQP\0\0\x09\x01"[..], b"A", b"PROXA", b"PROXY\t", b"\r\n\r\nX", b"\x16\x03\x01", b"\0"]
    {
        assert_eq!(parse(strange), Err(HeaderError::Absent), "{strange:?}");
    }
    assert_eq!(parse(b""), Ok(Header::Missing { bytes: 15 }));
    assert_eq!(parse(b"P"), Ok(Header::Missing { bytes: 14 }));
    assert_eq!(parse(b"\r"), Ok(Header::Missing { bytes: 15 }));
}
