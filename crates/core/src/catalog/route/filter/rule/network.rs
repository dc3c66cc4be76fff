//! The networks of `cidr`.

use super::super::error::{CidrError, clipped};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that begin with the same bits.
pub(in super::super) enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Network {
    /// Parses an address and a number of bits with a slash between them. Bits of the address beyond that number are
    /// passed over. Checks and their order are AWS's; a network of one address is none.
    pub(super) fn parse(text: &str) -> Result<Network, CidrError> {
        let (address, bits) = text.split_once('/').ok_or(CidrError::Slash)?;
        if bits.is_empty() || bits.contains('/') {
            return Err(CidrError::Slash);
        }
        let bits: i32 = bits.parse().map_err(|_| CidrError::Bits)?;
        let bits = u32::try_from(bits).map_err(|_| CidrError::NegativeBits)?;
        match address.parse().map_err(|_| CidrError::Address(clipped(address)))? {
            IpAddr::V4(_) if bits >= Ipv4Addr::BITS => Err(CidrError::BitsV4),
            IpAddr::V6(_) if bits >= Ipv6Addr::BITS => Err(CidrError::BitsV6),
            IpAddr::V4(address) => {
                let mask = !(u32::MAX >> bits);
                Ok(Network::V4 { address: address.to_bits() & mask, mask })
            }
            IpAddr::V6(address) => {
                let mask = !(u128::MAX >> bits);
                Ok(Network::V6 { address: address.to_bits() & mask, mask })
            }
        }
    }

    /// Whether a text is an address in it.
    pub(super) fn contains(&self, text: &str) -> bool {
        match (self, text.parse()) {
            (Network::V4 { address, mask }, Ok(IpAddr::V4(other))) => other.to_bits() & mask == *address,
            (Network::V6 { address, mask }, Ok(IpAddr::V6(other))) => other.to_bits() & mask == *address,
            _ => false,
        }
    }
}
